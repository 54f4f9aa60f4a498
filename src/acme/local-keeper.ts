/**
 * Certificates of the machine's own authority, for development: made at once, renewed by a look now and then. All
 * servers share one, which has the names of them all.
 */
import type { Clock, ClockTimer } from "./clock.ts";
import { LOCAL_URI } from "./issuers.ts";
import type { AcmeReport } from "./messages.ts";
import type { AcmeSettings, WantedCertificate } from "./settings.ts";

/** How often it is looked whether the certificate is to be renewed: it is for ninety days. */
const LOOK_MS = 3_600_000;

export interface LocalTools {
  readonly clock: Clock;
  readonly report: (report: AcmeReport) => void;
}

export class LocalKeeper {
  readonly #tools: LocalTools;
  #wanted: readonly WantedCertificate[] = [];
  #folder: string | undefined;
  #renewAt = 0;
  #timer: ClockTimer | undefined;
  #hasTold = false;

  constructor(tools: LocalTools) {
    this.#tools = tools;
  }

  /**
   * Takes what is its own, and reports it.
   * @returns the settings without that
   */
  async use(settings: AcmeSettings): Promise<AcmeSettings> {
    const own = new Set(settings.issuers.filter(({ uri }) => uri === LOCAL_URI).map(({ name }) => name));
    const isOwn = ({ issuers }: WantedCertificate): boolean => issuers.some((name) => own.has(name));
    this.#timer?.cancel();
    this.#wanted = settings.certificates.filter(isOwn);
    this.#folder = settings.authorityPath;
    if (this.#wanted.length > 0) await this.#make();
    return {
      ...settings,
      issuers: settings.issuers.filter(({ name }) => !own.has(name)),
      certificates: settings.certificates.filter((certificate) => !isOwn(certificate)),
    };
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #make(): Promise<void> {
    const { clock, report } = this.#tools;
    this.#timer = clock.after(LOOK_MS, () => void this.#look());
    // The library behind it is for those who need it.
    const { localCertificate } = await import("./local/index.ts");
    const made = await localCertificate({
      names: [...new Set(this.#wanted.flatMap(({ names }) => names))],
      // All addresses of this machine: a phone beside it is to see the site as well.
      addresses: ["0.0.0.0", "::"],
      ...(this.#folder !== undefined && { folder: this.#folder }),
      nowMs: clock.now(),
    });
    if (!made.ok) {
      return report({ kind: "notice", level: "error", text: `no certificate for development: ${made.error}` });
    }
    const { certificate, key, names, renewAtMs, isNew, isTrusted, trustHints, notes } = made.value;
    this.#renewAt = renewAtMs;
    for (const text of notes) report({ kind: "notice", level: "warning", text });
    if ((isNew || isTrusted === false) && !this.#hasTold) {
      this.#hasTold = true;
      report({ kind: "notice", level: "info", text: trustHints.join("\n") });
    }
    for (const wanted of this.#wanted) {
      report({
        kind: "certificate",
        certificate: {
          wanted: wanted.id, names, keyType: wanted.keyType, chain: certificate, key, notBefore: clock.now(),
          notAfter: renewAtMs, issuer: "local", whence: isNew ? "issued" : "state",
        },
      });
    }
  }

  async #look(): Promise<void> {
    const { clock } = this.#tools;
    if (clock.now() >= this.#renewAt) return this.#make();
    this.#timer = clock.after(LOOK_MS, () => void this.#look());
  }
}
