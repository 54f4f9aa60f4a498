// Plays the master for tests of certificates: passes challenges on to the machine that Pebble looks at, and remembers
// what it was told.
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../src/acme/clock.ts";
import type {
  AcmeReport, AcmeSettings, CertificateManner, IssuerSettings, OnDemandSettings, ProfileSettings,
  ServedCertificate, WantedCertificate,
} from "../../src/acme/index.ts";
import { certificateId } from "../../src/acme/index.ts";
import { CertificateKeeper } from "../../src/acme/keeper.ts";
import type { Pebble } from "../support/pebble.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { eventually } from "../support/wait.ts";

const patienceMs = 20_000;

/** What a configuration would say; a test says what matters to it. */
export function issuerSettings(pebble: Pebble, settings: Partial<IssuerSettings> = {}): IssuerSettings {
  return {
    name: "pebble", uri: pebble.uri, isPublic: false, contacts: ["mailto:owner@site.example"],
    preferredChain: undefined, commonNameInCsr: false,
    accountKey: { kind: "made", type: "ecdsa:256" }, externalAccount: undefined, acceptsTerms: true,
    challenges: undefined, profile: undefined, trustedCertificate: pebble.trust, verify: true, statePath: undefined,
    ...settings,
  };
}

export function wanted(names: string | readonly string[], manner: Partial<CertificateManner> = {}): WantedCertificate {
  const all = typeof names === "string" ? [names] : names;
  const whole: CertificateManner = {
    // Pebble takes any of its profiles where none is named.
    keyType: "ecdsa:256", issuers: ["pebble"], challenges: ["http-01"],
    profile: { name: "default", isRequired: true }, ...manner,
  };
  return { ...whole, names: all, id: certificateId(all, whole) };
}

/** Six days. */
export const SHORT: ProfileSettings = { name: "shortlived", isRequired: true };

/** A keeper in this process, with a clock that is turned. */
export class Harness implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly reports: AcmeReport[] = [];
  /** Edges that never say that they have a challenge. */
  isDeaf = false;
  readonly #keeper: CertificateKeeper;
  readonly #pebble: Pebble;

  constructor(pebble: Pebble, clock: SimulatedClock = new SimulatedClock()) {
    this.#pebble = pebble;
    this.clock = clock;
    const tools: { readonly clock: Clock } = { clock };
    this.#keeper = new CertificateKeeper({ ...tools, chance: () => 0.5, report: (report) => this.#onReport(report) });
    pebble.onAnswered = (id) => this.#keeper.command({ kind: "answered", id, client: "127.0.0.1" });
  }

  settings(settings: Partial<AcmeSettings>): void {
    const none: AcmeSettings = {
      issuers: [], certificates: [], onDemand: [], statePath: "/nowhere", authorityPath: undefined,
    };
    this.#keeper.command({ kind: "settings", settings: { ...none, ...settings } });
  }

  want(onDemand: OnDemandSettings, name: string): void {
    this.#keeper.command({ kind: "name-wanted", onDemand: onDemand.id, name });
  }

  get served(): readonly ServedCertificate[] {
    return this.reports.flatMap((report) => (report.kind === "certificate" ? [report.certificate] : []));
  }

  /** "error: no certificate for …" */
  get notices(): readonly string[] {
    return this.reports.flatMap((report) => (report.kind === "notice" ? [`${report.level}: ${report.text}`] : []));
  }

  /** The notice that matches. */
  async noticed(pattern: RegExp): Promise<string> {
    return eventually(`a notice like ${String(pattern)}`, patienceMs, () =>
      this.notices.find((text) => pattern.test(text)));
  }

  /** The certificate that comes as number `count`, from 1. */
  async certificate(count: number = 1): Promise<ServedCertificate> {
    try {
      return await eventually(`certificate ${count}`, patienceMs, () => this.served[count - 1]);
    } catch (error) {
      throw new Error(`no certificate ${count}: ${this.notices.join("\n")}`, { cause: error });
    }
  }

  /** Nothing runs. */
  async settled(): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    while (this.#keeper.isBusy) {
      if (performance.now() > deadlineMs) throw new Error(`something runs on and on: ${this.notices.join("\n")}`);
      // A test waits a thousand times when months pass.
      await sleep(1);
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms, () => this.settled());
  }

  /** Lets time pass while orders run, until a certificate is there. */
  async passUntilServed(ms: number): Promise<void> {
    const before = this.served.length;
    await this.clock.pass(ms, () => Promise.resolve());
    await this.certificate(before + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.stop();
    this.#pebble.challenges.clear();
  }

  #onReport(report: AcmeReport): void {
    this.reports.push(report);
    if (report.kind === "challenge") {
      const { challenge } = report;
      this.#pebble.challenges.set(challenge.id, challenge);
      if (!this.isDeaf) queueMicrotask(() => this.#keeper.command({ kind: "challenge-ready", id: challenge.id }));
    }
    if (report.kind === "challenge-removed") this.#pebble.challenges.delete(report.id);
  }
}
