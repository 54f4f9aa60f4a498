/**
 * Keeps all certificates: says what is there, orders what is missing, renews what is due. The whole of the process but
 * for its channel to the master, and with a clock that tests can turn.
 *
 * Invariant: at most ORDERS_MAX tasks run at once, each task at most once; one timer is set for the next that is due.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { LogLevel } from "../config/model.ts";
import { CertificateStore } from "./certificate-store.ts";
import { CertificateTask, type IssuerWithStore, type TaskTools, servedCertificate } from "./certificate-task.ts";
import { Challenges } from "./challenges.ts";
import type { Clock, ClockTimer } from "./clock.ts";
import { Issuer } from "./issuer.ts";
import type { AcmeCommand, AcmeReport } from "./messages.ts";
import { OnDemand, type Refused } from "./on-demand.ts";
import type { AcmeSettings, IssuerSettings, WantedCertificate } from "./settings.ts";
import { certificateId } from "./settings.ts";
import { StateDirectory } from "./state-directory.ts";

export interface KeeperTools {
  readonly clock: Clock;
  readonly report: (report: AcmeReport) => void;
  /** From 0 up to 1. */
  readonly chance: () => number;
}

/** Orders at once: Let's Encrypt takes 300 in three hours, and each holds some connections of ours. */
export const ORDERS_MAX = 4;
/** However far the next moment is: the calendar may have jumped, the machine slept. */
const LOOK_PAUSE_MAX_MS = 60 * 60_000;
/** A step that does nothing is not made again at once. */
const LOOK_PAUSE_MIN_MS = 1000;
/** There are too many names on demand. */
const FULL_MS = 60_000;

interface DemandedTask {
  readonly task: CertificateTask;
  readonly onDemand: OnDemand;
  readonly name: string;
}

export class CertificateKeeper {
  readonly #tools: KeeperTools;
  readonly #abort = new AbortController();
  readonly #challenges: Challenges;
  readonly #issuers = new Map<string, IssuerWithStore>();
  readonly #onDemand = new Map<string, OnDemand>();
  /** By id of what is wanted. */
  #tasks = new Map<string, CertificateTask>();
  /** By name. */
  readonly #demanded = new Map<string, DemandedTask>();
  readonly #failed = new Map<string, CertificateTask>();
  readonly #running = new Map<CertificateTask, Promise<void>>();
  readonly #asking = new Set<string>();
  #statePath = "";
  /** Were there settings before? */
  #isReload = false;
  #timer: ClockTimer | undefined;

  constructor(tools: KeeperTools) {
    this.#tools = tools;
    const { clock, report } = tools;
    this.#challenges = new Challenges({ clock, report, notice: (level, text) => this.#notice(level, text) });
  }

  /** Does what the master says; `end` is `stop`. */
  command(command: Exclude<AcmeCommand, { kind: "end" }>): void {
    switch (command.kind) {
      case "settings": return this.#apply(command.settings);
      case "challenge-ready": return this.#challenges.ready(command.id);
      case "answered": return this.#challenges.answered(command.id);
      case "name-wanted": return void this.#nameWanted(command.onDemand, command.name);
    }
  }

  /** Orders that run are given up, locks given back. Never rejects. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("the process ends"));
    this.#timer?.cancel();
    // What waits for an answer gets none.
    for (const { issuer } of this.#issuers.values()) issuer.close();
    await Promise.allSettled(this.#running.values());
  }

  /** Does anything run? For tests, which turn the clock when nothing does. */
  get isBusy(): boolean {
    return this.#running.size > 0 || this.#asking.size > 0;
  }

  #apply(settings: AcmeSettings): void {
    this.#statePath = settings.statePath;
    this.#applyIssuers(settings.issuers);
    const tasks = new Map<string, CertificateTask>();
    for (const wanted of settings.certificates) {
      const old = this.#tasks.get(wanted.id);
      // What it is made of may be another, under the same names.
      const kept = old !== undefined && JSON.stringify(old.wanted) === JSON.stringify(wanted) ? old : undefined;
      const task = kept ?? this.#newTask(wanted);
      tasks.set(wanted.id, task);
      if (kept === undefined) task.load();
      else kept.serveAgain();
      // A reload says that something was put right; at a start, what failed before the end waits on.
      if (this.#isReload) task.retryNow();
    }
    this.#tasks = tasks;
    this.#isReload = true;
    for (const settingsOf of settings.onDemand) {
      const isPublic = settingsOf.issuers.every((name) => this.#issuers.get(name)?.issuer.settings.isPublic ?? false);
      this.#onDemand.set(settingsOf.id, new OnDemand(settingsOf, { clock: this.#tools.clock, isPublic }));
    }
    for (const [name, { onDemand, task }] of this.#demanded) {
      const now = settings.onDemand.find(({ id }) => id === onDemand.settings.id);
      if (now === undefined || JSON.stringify(now) !== JSON.stringify(onDemand.settings)) this.#demanded.delete(name);
      else task.serveAgain();
    }
    for (const id of this.#onDemand.keys()) {
      if (!settings.onDemand.some((one) => one.id === id)) this.#onDemand.delete(id);
    }
    this.#serveMeanwhile();
    const missing = [...tasks.values()].filter((task) => !task.hasCertificate).map(({ wanted }) => wanted.id);
    this.#tools.report({ kind: "loaded", missing });
    this.#look();
  }

  /** An issuer that is as it was goes on, with its account and its pauses. */
  #applyIssuers(issuers: readonly IssuerSettings[]): void {
    const before = new Map(this.#issuers);
    this.#issuers.clear();
    for (const settings of issuers) {
      const old = before.get(settings.name);
      const isSame = old !== undefined && JSON.stringify(old.issuer.settings) === JSON.stringify(settings);
      this.#issuers.set(settings.name, isSame ? old : this.#newIssuer(settings));
      // Tasks of before hold the old one, and end with it.
      if (old !== undefined && !isSame) this.#forgetTasksOf(settings.name);
    }
  }

  #forgetTasksOf(issuer: string): void {
    for (const [id, { wanted }] of this.#tasks) {
      if (wanted.issuers.includes(issuer)) this.#tasks.delete(id);
    }
  }

  #newIssuer(settings: IssuerSettings): IssuerWithStore {
    const { clock } = this.#tools;
    const notice = (level: LogLevel, text: string): void => this.#notice(level, text);
    const directory = settings.statePath === undefined ? undefined : new StateDirectory(settings.statePath);
    if (directory?.isOpen === true) {
      notice("warning", `${directory.path} can be looked into by other users: chmod 700 ${directory.path}`);
    }
    const { signal } = this.#abort;
    const issuer = new Issuer(settings, { clock, signal, notice, directory, challenges: this.#challenges });
    return { issuer, store: directory && new CertificateStore(directory, notice), pausedUntil: 0 };
  }

  #newTask(wanted: WantedCertificate): CertificateTask {
    const issuers = wanted.issuers.flatMap((name) => this.#issuers.get(name) ?? []);
    const tools: TaskTools = {
      clock: this.#tools.clock,
      signal: this.#abort.signal,
      chance: this.#tools.chance,
      serve: (certificate) => this.#tools.report({ kind: "certificate", certificate }),
      notice: (level, text) => this.#notice(level, text),
    };
    return new CertificateTask(wanted, issuers, tools);
  }

  /**
   * Until a missing certificate is there, others may do for its names: of an issuer that was named before, or from when
   * the server had fewer names.
   */
  #serveMeanwhile(): void {
    const names = [...this.#tasks.values()].flatMap((task) => (task.hasCertificate ? [] : task.wanted.names));
    if (names.length === 0) return;
    const stores = [...this.#issuers.values()].flatMap(({ store }) => store ?? []);
    for (const store of [...stores, ...this.#otherStores()]) {
      for (const certificate of store.search(names, this.#tools.clock.now())) {
        const of = { wanted: undefined, issuer: "", whence: "state" } as const;
        this.#tools.report({ kind: "certificate", certificate: servedCertificate(certificate, of) });
      }
    }
  }

  #otherStores(): readonly CertificateStore[] {
    const known = [...this.#issuers.values()].map(({ issuer }) => issuer.settings.statePath);
    try {
      const folders = readdirSync(this.#statePath, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const paths = folders.map(({ name }) => join(this.#statePath, name)).filter((path) => !known.includes(path));
      return paths.slice(0, OTHER_ISSUERS_MAX)
        .map((path) => new CertificateStore(new StateDirectory(path), (level, text) => this.#notice(level, text)));
    } catch {
      // Made with the first certificate.
      return [];
    }
  }

  async #nameWanted(id: string, written: string): Promise<void> {
    const onDemand = this.#onDemand.get(id);
    const key = `${id} ${written}`;
    if (onDemand === undefined || this.#asking.has(key)) return;
    this.#asking.add(key);
    try {
      const refused = await this.#admit(onDemand, written);
      if (refused === undefined) return;
      if (refused.why !== undefined) this.#notice("warning", refused.why);
      const { forMs } = refused;
      this.#tools.report({ kind: "name-refused", onDemand: id, name: written, forMs });
    } finally {
      this.#asking.delete(key);
    }
  }

  /** @returns why a name gets no certificate; nothing: it was told, or is being ordered */
  async #admit(onDemand: OnDemand, written: string): Promise<Refused | void> {
    const { settings } = onDemand;
    const before = this.#demanded.get(written.toLowerCase());
    if (before !== undefined) return before.task.serveAgain();
    const failed = this.#failed.get(written.toLowerCase());
    if (failed !== undefined && failed.dueAt > this.#tools.clock.now()) return this.#untilDue(failed);
    const admitted = await onDemand.admit(written);
    if (!("name" in admitted)) return admitted;
    const { name } = admitted;
    if (this.#abort.signal.aborted || this.#demanded.has(name)) return undefined;
    if (this.#demanded.size >= settings.namesMax) {
      return { forMs: FULL_MS, why: `more than ${settings.namesMax} names on demand: ${name} gets no certificate; `
        + "names= is the bound" };
    }
    const { keyType, issuers, challenges, profile } = settings;
    const manner = { keyType, issuers, challenges, profile };
    const wanted = { ...manner, id: certificateId([name], manner), names: [name] };
    const task = this.#failed.get(name) ?? this.#newTask(wanted);
    if (!task.load()) {
      if (task.dueAt > this.#tools.clock.now()) return this.#untilDue(task);
      const refused = onDemand.takeOrder();
      if (refused !== undefined) return refused;
    }
    this.#failed.delete(name);
    this.#demanded.set(name, { task, onDemand, name });
    this.#look();
    return undefined;
  }

  /** What has failed is left alone for as long as any other certificate is. */
  #untilDue({ dueAt }: CertificateTask): Refused {
    return { forMs: dueAt - this.#tools.clock.now(), why: undefined };
  }

  /** Starts what is due, and sets the timer for what is next. */
  #look(): void {
    this.#timer?.cancel();
    if (this.#abort.signal.aborted) return;
    const now = this.#tools.clock.now();
    const waiting = [...this.#tasks.values(), ...[...this.#demanded.values()].map(({ task }) => task)]
      .filter((task) => !this.#running.has(task))
      .map((task) => ({ task, dueAt: task.dueAt }))
      .sort((a, b) => a.dueAt - b.dueAt);
    for (const { task, dueAt } of waiting) {
      if (this.#running.size >= ORDERS_MAX) return;
      if (dueAt <= now) this.#run(task);
    }
    const next = waiting.find(({ task }) => !this.#running.has(task))?.dueAt ?? Number.POSITIVE_INFINITY;
    const pauseMs = Math.min(Math.max(next - now, LOOK_PAUSE_MIN_MS), LOOK_PAUSE_MAX_MS);
    this.#timer = this.#tools.clock.after(pauseMs, () => this.#look());
  }

  #run(task: CertificateTask): void {
    const demanded = this.#demanded.get(task.wanted.names[0] ?? "");
    const step = demanded?.task === task ? this.#stepDemanded(demanded) : task.step();
    const ended = step.catch((thrown: unknown) => {
      if (this.#abort.signal.aborted) return;
      // Our own mistake: the process ends, and the master starts another.
      queueMicrotask(() => {
        throw thrown;
      });
    });
    this.#running.set(task, ended.finally(() => {
      this.#running.delete(task);
      this.#look();
    }));
  }

  /** Before it is renewed, the URL is asked once more: names that nobody wants any more end so. */
  async #stepDemanded({ task, onDemand, name }: DemandedTask): Promise<void> {
    if (task.isDue && task.hasCertificate && !(await onDemand.stillAllows(name))) {
      this.#demanded.delete(name);
      this.#notice("info", `${onDemand.settings.ask} does not allow ${name} any more: its certificate is not renewed`);
      return;
    }
    await task.step();
    if (task.hasCertificate) return;
    // Nobody may want it again, so it does not try by itself; who waits now is told.
    this.#demanded.delete(name);
    this.#failed.set(name, task);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > FAILED_MAX && oldest !== undefined) this.#failed.delete(oldest);
    const { forMs } = this.#untilDue(task);
    this.#tools.report({ kind: "name-refused", onDemand: onDemand.settings.id, name, forMs });
  }

  #notice(level: LogLevel, text: string): void {
    this.#tools.report({ kind: "notice", level, text });
  }
}

/** Directories beside those of the issuers that are named now. */
const OTHER_ISSUERS_MAX = 32;
/** Names on demand whose orders failed; with the oldest its failures are forgotten. */
const FAILED_MAX = 1000;
