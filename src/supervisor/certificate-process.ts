/**
 * Certificates that are had by ACME, as the master sees them: a child process gets them, the edges serve them and
 * answer challenges, and what one says to the other passes through here. What there is, is kept, so that an edge that
 * is started later has it from its first handshake on.
 *
 * The process is started when a configuration wants certificates, and again when it dies; a site goes on meanwhile with
 * those that it has.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { acmePair, certificateOfName } from "../acme/index.ts";
import type { AcmeCommand, AcmeReport, AcmeSettings, Challenge, ServedCertificate } from "../acme/index.ts";
import type { EdgeNews } from "../edge/index.ts";
import { unreachable } from "../std/assert.ts";
import { describeExit } from "./exit-words.ts";
import type { Inbox } from "./inbox.ts";
import type { MasterLog } from "./master-log.ts";
import { type RestartLimits, RestartPolicy } from "./restart-policy.ts";
import type { WorkerExit } from "./worker.ts";

/** src/acme/main.ts in a checkout, dist/acme/main.js in a package. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = fileURLToPath(new URL(`../acme/main${extension}`, import.meta.url));
const restartLimits: RestartLimits = { delayMinMs: 1000, delayMaxMs: 60_000 };
/** How long the doors stay closed for certificates of the state directory; reading some hundred takes a tenth of it. */
const LOAD_MS_MAX = 5000;

export interface CertificateProcessOptions {
  readonly log: MasterLog;
  readonly inbox: Inbox;
  /** Tells all edges. */
  readonly tell: (news: EdgeNews) => void;
}

export class CertificateProcess {
  readonly #options: CertificateProcessOptions;
  readonly #policy: RestartPolicy = new RestartPolicy(restartLimits);
  #settings: AcmeSettings | undefined;
  #child: ChildProcess | undefined;
  #startedAt = 0;
  /** Until when the first certificates are waited for; undefined once they are there. */
  #loadingUntil: number | undefined;
  /** It was told to end. */
  #isDismissed = false;
  #isEnding = false;
  #files: ReadonlyMap<string, string> = new Map();
  readonly #challenges = new Map<string, Challenge>();

  constructor(options: CertificateProcessOptions) {
    this.#options = options;
  }

  /** Certificates and keys by the names under which the configuration's servers have them; another map for others. */
  get files(): ReadonlyMap<string, string> {
    return this.#files;
  }

  get challenges(): readonly Challenge[] {
    return [...this.#challenges.values()];
  }

  /** Are certificates of the state directory still to come, so that it is worth waiting for them? */
  isLoading(now: number): boolean {
    return this.#loadingUntil !== undefined && now < this.#loadingUntil;
  }

  /** No process is left. */
  get isGone(): boolean {
    return this.#child === undefined;
  }

  /** From now on this is wanted; undefined for nothing. */
  use(settings: AcmeSettings | undefined): void {
    if (this.#isEnding) return;
    this.#settings = settings;
    if (settings === undefined) {
      this.#dismiss();
    } else if (this.#child !== undefined && !this.#isDismissed) {
      this.#send({ kind: "settings", settings });
    } else {
      this.#loadingUntil = performance.now() + LOAD_MS_MAX;
      this.#policy.reset();
    }
  }

  /** Starts the process if it is due; returns the milliseconds until something may be due again. */
  heal(now: number): number {
    if (this.#settings === undefined || this.#isEnding || this.#child !== undefined) return this.#waitMs(now);
    const waitMs = this.#policy.waitMs(now);
    if (waitMs > 0) return waitMs;
    this.#start(this.#settings, now);
    return this.#waitMs(now);
  }

  /** Ends it: nothing is ordered any more. */
  end(): void {
    if (this.#isEnding) return void this.#child?.kill("SIGKILL");
    this.#isEnding = true;
    this.#dismiss();
  }

  /** From an edge. */
  say(command: AcmeCommand): void {
    this.#send(command);
  }

  hear(pid: number | undefined, report: AcmeReport): void {
    if (pid !== this.#child?.pid) return;
    const { log, tell } = this.#options;
    switch (report.kind) {
      case "started":
        return;
      case "challenge":
        this.#challenges.set(report.challenge.id, report.challenge);
        return tell(report);
      case "challenge-removed":
        this.#challenges.delete(report.id);
        return tell(report);
      case "certificate":
        this.#keep(report.certificate);
        return;
      case "loaded":
        this.#loadingUntil = undefined;
        return;
      case "name-refused":
        return tell(report);
      case "notice":
        return log.log(report.level, "certificates", report.text);
      default:
        return unreachable(report);
    }
  }

  ended(pid: number | undefined, exit: WorkerExit): void {
    if (pid !== this.#child?.pid) return;
    this.#child = undefined;
    this.#loadingUntil = undefined;
    // Whoever asks for them is gone.
    for (const id of this.#challenges.keys()) this.#options.tell({ kind: "challenge-removed", id });
    this.#challenges.clear();
    if (this.#isDismissed) return;
    const text = `${describeExit(exit)} and is started again; certificates that are there are served meanwhile`;
    this.#options.log.log("error", "certificates", text);
    this.#policy.failed({ now: performance.now(), startedAt: this.#startedAt, hadServed: false });
  }

  #keep({ wanted, names, chain, key }: ServedCertificate): void {
    // What no server has written is found by its name.
    const written = this.#settings?.certificates.find(({ id }) => id === wanted);
    const ids = written === undefined ? names.map((name) => certificateOfName(name)) : [written.id];
    const pairs = ids.map((id) => acmePair(id));
    const added = pairs.flatMap((pair): [string, string][] => [[pair.certificate, chain], [pair.key, key]]);
    this.#files = new Map([...this.#files, ...added]);
  }

  #waitMs(now: number): number {
    return this.#loadingUntil === undefined ? Number.POSITIVE_INFINITY : Math.max(1, this.#loadingUntil - now);
  }

  #start(settings: AcmeSettings, now: number): void {
    const { inbox } = this.#options;
    this.#startedAt = now;
    this.#isDismissed = false;
    const child = spawn(process.execPath, [...process.execArgv, entry], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
      // A session of its own: Ctrl-C in a terminal reaches the master alone.
      detached: true,
    });
    this.#child = child;
    const { pid } = child;
    child.on("message", (report) => {
      // Our own process on a private channel; the type is the contract in acme/messages.ts.
      inbox.add({ kind: "acme-report", pid, report: report as AcmeReport });
    });
    child.on("exit", (code, signal) => {
      inbox.add({ kind: "acme-exit", pid, exit: { code: code ?? undefined, signal: signal ?? undefined } });
    });
    child.on("error", (error) => {
      if (pid !== undefined) return;
      inbox.add({ kind: "acme-exit", pid, exit: { code: undefined, signal: undefined, unstarted: error.message } });
    });
    this.#send({ kind: "settings", settings });
  }

  #dismiss(): void {
    this.#isDismissed = true;
    this.#send({ kind: "end" });
  }

  #send(command: AcmeCommand): void {
    if (this.#child?.connected === true) this.#child.send(command, () => undefined);
  }
}
