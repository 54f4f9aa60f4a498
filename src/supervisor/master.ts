/**
 * The master: owns the sockets, the generations (an edge and its workers each) and the process that gets certificates,
 * and does nothing else.
 *
 * One loop: reap → take one signal → heal → sleep. Whatever happens outside only leaves a note in the inbox; what is
 * done about it is all here and in generation.ts, in order.
 *
 * A reload with a changed configuration makes a second generation beside the first. When it listens, it takes over and
 * the first one leaves; when it cannot serve what the first one does, it goes and the first one stays.
 */
import { unreachable } from "../std/assert.ts";
import type { Result } from "../std/result.ts";
import { CertificateProcess } from "./certificate-process.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { Generation } from "./generation.ts";
import type { Happening } from "./inbox.ts";
import type { Place } from "./place.ts";
import type { Plan } from "./plan.ts";
import { refuseHello } from "./pool.ts";
import type { MasterSignal, SignalQueue } from "./signals.ts";

export interface MasterHooks {
  /** The generation is the first to listen, or has taken over. */
  readonly serving: (generation: Generation) => void;
  /** Reads the configuration again and leaves its plan in the inbox, or why there is none. */
  readonly readAgain: (current: Plan) => void;
}

export class Master {
  readonly #place: Place;
  readonly #signals: SignalQueue;
  readonly #hooks: MasterHooks;
  readonly #certificates: CertificateProcess;
  #current: Generation;
  /** A reload: the generation that is to take over. */
  #coming: Generation | undefined;
  /** Replaced ones, and those that could not take over. */
  #leaving: readonly Generation[] = [];
  /** Of which the hooks have heard. */
  #announced: Generation | undefined;
  /** The configuration is being read; a HUP that came meanwhile. */
  #isReading = false;
  #isReadingDue = false;
  /** Once the end has begun: with which status. */
  #status: ExitStatus | undefined;

  constructor(place: Place, signals: SignalQueue, first: Plan, hooks: MasterHooks) {
    this.#place = place;
    this.#signals = signals;
    this.#hooks = hooks;
    const { log, inbox } = place;
    this.#certificates = new CertificateProcess({
      log, inbox, tell: (news) => this.#all().forEach((generation) => generation.tell(news)),
    });
    this.#certificates.use(first.configuration.acme);
    this.#current = new Generation(place, first, this.#certificates);
  }

  /** The whole life; returns the exit status once every process has ended. */
  async run(): Promise<ExitStatus> {
    for (;;) {
      for (const happening of this.#place.inbox.take()) this.#reap(happening);
      const signal = this.#signals.take();
      if (signal !== undefined) this.#obey(signal);
      const waitMs = this.#heal(performance.now());
      if (this.#status !== undefined && this.#all().every(({ isGone }) => isGone)) {
        if (this.#certificates.isGone) return this.#status;
        // It has had its time to say good-bye.
        this.#certificates.end();
      }
      if (this.#signals.isEmpty) await this.#place.inbox.sleep(waitMs);
    }
  }

  #all(): readonly Generation[] {
    return [this.#current, ...(this.#coming === undefined ? [] : [this.#coming]), ...this.#leaving];
  }

  #reap(happening: Happening): void {
    if (happening.kind === "read-again") return this.#readAgain(happening.outcome);
    if (happening.kind === "acme-report") return this.#certificates.hear(happening.pid, happening.report);
    if (happening.kind === "acme-exit") return this.#certificates.ended(happening.pid, happening.exit);
    if (this.#all().some((generation) => generation.take(happening))) return;
    // Nobody's: a process that is gone already, or a stranger.
    const { log } = this.#place;
    if (happening.kind === "hello") refuseHello(happening.hello, happening.connection, log);
    else if (happening.kind === "violation") log.log("error", happening.name, happening.reason);
  }

  #obey(signal: MasterSignal): void {
    const { log, face } = this.#place;
    // A terminal sends it whenever its window changes.
    if (signal !== "SIGWINCH" || face === "nginx") log.log("info", "master", `received ${signal}`);
    switch (signal) {
      case "SIGTERM":
      case "SIGINT":
        return face === "nginx" || this.#isEnding ? this.#end() : this.#drain();
      case "SIGQUIT":
        return face === "nginx" && !this.#isEnding ? this.#drain() : this.#end();
      case "SIGHUP":
        // The kernel's, when a terminal goes; or an operator's, from anywhere.
        if (!this.#isEnding && this.#place.isTerminalGone()) return this.#drain();
        return this.#reload();
      case "SIGTTIN":
        return this.#current.resize(1);
      case "SIGTTOU":
        return this.#current.resize(-1);
      case "SIGUSR1":
        return this.#reopenLogs();
      case "SIGUSR2":
        // gunicorn's and nginx's signal to upgrade the program: without a handler it would end this one.
        return log.log("warning", "master", "SIGUSR2 upgrades nothing yet: stop and start, or HUP to reload");
      case "SIGWINCH":
        // nginx's, for the time of an upgrade.
        if (face === "nginx") log.log("warning", "master", "SIGWINCH is ignored: QUIT ends all processes gracefully");
        return;
      default:
        return unreachable(signal);
    }
  }

  get #isEnding(): boolean {
    return this.#status !== undefined;
  }

  #reopenLogs(): void {
    this.#place.log.reopen();
    for (const generation of this.#all()) generation.reopenLogs();
  }

  /** Does what is due; returns the milliseconds to sleep. */
  #heal(now: number): number {
    const waits = [this.#certificates.heal(now), ...this.#all().map((generation) => generation.heal(now))];
    this.#leaving = this.#leaving.filter(({ isGone }) => !isGone);
    if (this.#isEnding) return Math.min(...waits);
    const { fault } = this.#current;
    if (fault !== undefined) this.#end(fault);
    if (this.#current.phase === "serving" && this.#announced !== this.#current) {
      this.#announced = this.#current;
      this.#hooks.serving(this.#current);
    }
    const isDecided = this.#coming !== undefined && this.#decide(this.#coming);
    return fault !== undefined || isDecided ? 1 : Math.min(...waits);
  }

  // Reload.

  #reload(): void {
    if (this.#isEnding) return;
    if (this.#place.readAgain === undefined) return this.#current.reloadWorkers();
    this.#isReadingDue = this.#isReading || this.#coming !== undefined;
    if (this.#isReadingDue) return;
    this.#isReading = true;
    this.#hooks.readAgain(this.#current.plan);
  }

  #readAgain(outcome: Result<Plan | "unchanged", string>): void {
    const { log, complain } = this.#place;
    this.#isReading = false;
    if (!outcome.ok) {
      log.log("error", "master", `the reload has failed, the configuration of before stays:\n${outcome.error}`);
      complain(outcome.error);
    } else if (this.#isEnding) {
      if (outcome.value !== "unchanged") outcome.value.dropLog();
      // What was bound for it.
      this.#place.sockets.keep([]);
    } else if (outcome.value === "unchanged") {
      log.log("info", "master", "the configuration is the same as before: workers are replaced");
      this.#reopenLogs();
      this.#current.renewCertificates();
      this.#current.reloadWorkers();
    } else {
      this.#coming = new Generation(this.#place, outcome.value, this.#certificates);
    }
    if (this.#isReadingDue) this.#reload();
  }

  /** May the coming generation take over, or has it to go? False if that is open. */
  #decide(coming: Generation): boolean {
    const { log, sockets } = this.#place;
    const { served } = this.#current;
    const missing = coming.failed.filter((app) => served.includes(app));
    if (coming.fault !== undefined || missing.length > 0) {
      const reason = missing.length > 0 ? `${missing.join(", ")} cannot start` : "its edge does not listen";
      log.log("error", "master", `the reload has failed, the configuration of before stays: ${reason}`);
      coming.plan.dropLog();
      coming.end(0);
      this.#leaving = [...this.#leaving, coming];
      sockets.keep(this.#current.plan.listeners);
    } else if (coming.phase === "serving") {
      coming.plan.adoptLog();
      log.log("info", "master", "the new configuration has taken over");
      this.#current.drain({ isReplaced: true });
      this.#leaving = [...this.#leaving, this.#current];
      this.#current = coming;
      this.#certificates.use(coming.plan.configuration.acme);
      sockets.keep(coming.plan.listeners);
    } else {
      return false;
    }
    this.#coming = undefined;
    if (this.#isReadingDue) this.#reload();
    return true;
  }

  // The end.

  /** Stops gracefully: no new connections, what runs is finished, then the workers end. */
  #drain(): void {
    this.#status = exitStatus.fine;
    this.#coming?.end(0);
    this.#certificates.end();
    for (const generation of [this.#current, ...this.#leaving]) generation.drain({ isReplaced: false });
    // The edge is the last to hold them: once it closes them, new connections are refused instead of queued.
    this.#place.sockets.keep([]);
  }

  /** Ends everything now. */
  #end(status: ExitStatus = this.#status ?? exitStatus.fine): void {
    this.#status = status;
    this.#certificates.end();
    for (const generation of this.#all()) generation.end(0);
    this.#place.sockets.keep([]);
  }
}
