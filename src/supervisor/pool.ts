/**
 * The Python workers of one application: as many as wanted, new ones ready before old ones go, never started in a
 * tight loop.
 *
 * One rule does reload, recycling and scaling: a worker that shall go is marked as leaving, another one is started in
 * its place, and as soon as there are more ready workers than wanted, leaving ones retire.
 */
import type { AppSettings } from "../config/model.ts";
import { formatDuration } from "../std/units.ts";
import type { ControlConnection } from "./control-server.ts";
import type { ControlReport } from "./control-messages.ts";
import { describeActivity, describeExit, describeFailure } from "./exit-words.ts";
import type { Happening } from "./inbox.ts";
import type { Launcher } from "./launcher.ts";
import type { Log } from "./master-log.ts";
import type { PoolHooks, PoolSettings } from "./pool-settings.ts";
import { RestartPolicy, workerRestartLimits } from "./restart-policy.ts";
import { longestSilence, monotonicSeconds, readState } from "./state-file.ts";
import { type LoadedReport, startReminderMs, Worker, type WorkerExit } from "./worker.ts";

/** From the signal that makes a silent worker print its stacks to the one that ends it. */
const abortToKillMs = 2000;
/** Beyond the grace a worker was given, before it is killed. */
const stopToKillMs = 500;
/** What a process wrote before it ended arrives within this time, or not at all. */
const lastWordsMs = 250;
const healIntervalMs = 1000;

/** A worker that lost its connection to the edge has so long to end by itself. */
const lostToKillMs = 1000;

export class WorkerPool {
  readonly #settings: PoolSettings;
  readonly #hooks: PoolHooks;
  readonly #launcher: Launcher;
  readonly #policy: RestartPolicy = new RestartPolicy(workerRestartLimits);
  readonly #workers: Map<string, Worker> = new Map();
  #wanted: number;
  #generation = 1;
  /** A reload of which no worker is ready yet, and the workers to keep if none ever is. */
  #unproven: { readonly generation: number; readonly kept: readonly Worker[] } | undefined;
  #hasServed = false;
  #hasFailed = false;
  #isSettled = false;
  #isStopping = false;
  #watchAt = 0;

  constructor(settings: PoolSettings, hooks: PoolHooks, launcher: Launcher) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#launcher = launcher;
    this.#wanted = settings.app.workers;
  }

  get app(): AppSettings {
    return this.#settings.app;
  }

  /** A worker has been ready, once. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** The first workers could not start, and none has since. */
  get hasFailed(): boolean {
    return this.#hasFailed && !this.#hasServed;
  }

  /** True if no process is left. */
  get isEmpty(): boolean {
    return this.#workers.size === 0 && this.#launcher.isEmpty();
  }

  /** What the workers said about the application, once one of them has. */
  loaded(): LoadedReport | undefined {
    return this.#all().find(({ loaded }) => loaded !== undefined)?.loaded;
  }

  /** Acts on what one of its workers or preloaders, or the end of one, says; false for what others say. */
  take(happening: Happening): boolean {
    if (this.#launcher.take(happening)) return true;
    if (happening.kind === "preloader-failed") {
      if (happening.launcher !== this.#launcher) return false;
      this.#startFailed({ startedAt: performance.now(), isLeaving: false, generation: happening.generation });
      return true;
    }
    const name = happening.kind === "hello" ? happening.hello.name : "name" in happening ? happening.name : undefined;
    const worker = name === undefined ? undefined : this.#workers.get(name);
    if (worker !== undefined) this.#takeOf(worker, happening);
    return worker !== undefined;
  }

  #takeOf(worker: Worker, happening: Happening): void {
    switch (happening.kind) {
      case "hello":
        return this.#hello(worker, happening.hello, happening.connection);
      case "report":
        return this.#report(worker, happening.report);
      case "violation":
        return this.#violation(worker, happening.reason);
      case "closed":
        return this.#closed(worker);
      case "process-exit":
        return this.#processExit(worker, happening.exit);
      default:
        // Not of a worker.
        return;
    }
  }

  // What workers say.

  #hello(
    worker: Worker,
    hello: Extract<ControlReport, { readonly type: "hello" }>,
    connection: ControlConnection,
  ): void {
    if (worker.isConnected || (worker.pid !== undefined && worker.pid !== hello.pid)) {
      return refuseHello(hello, connection, this.#settings.log);
    }
    worker.pid = hello.pid;
    worker.connection = connection;
    worker.isConnected = true;
    if (worker.state === "stopping") connection.send({ type: "stop", grace_s: 0 });
    else this.#launcher.connected(worker);
  }

  #report(worker: Worker, report: ControlReport): void {
    switch (report.type) {
      case "loaded":
        worker.loaded = report;
        if (worker.state === "starting") worker.become("loaded");
        return;
      case "ready":
        if (worker.state === "loaded") this.#becameReady(worker);
        return;
      case "failed":
        if (!worker.isComing) return;
        // Before anything has served it is the end of the program, which no log level hides.
        this.#settings.log.log(this.#hasServed ? "error" : "critical", worker.title, describeFailure(report));
        this.#stop(worker, 0);
        this.#startFailed(worker);
        return;
      case "recycle":
        if (worker.state !== "ready" || this.#isSettled) return;
        this.#settings.log.log("info", worker.title, `will be replaced: ${report.reason}`);
        worker.isLeaving = true;
        return;
      default:
        this.#violation(worker, `unexpected "${report.type}"`);
    }
  }

  /** It broke the contract: it is of no use any more. */
  #violation(worker: Worker, reason: string): void {
    this.#settings.log.log("error", worker.title, `control channel: ${reason}`);
    worker.kill("SIGKILL");
  }

  /** Its control connection has ended. Its exit should follow; if it does not, it is made to. */
  #closed(worker: Worker): void {
    worker.isConnected = false;
    if (worker.exit !== undefined) this.#ended(worker, worker.exit);
    else if (!this.#launcher.knowsEnd(worker)) this.#ended(worker, { code: undefined, signal: undefined });
    else worker.deadlineAt = Math.min(worker.deadlineAt, performance.now() + healIntervalMs);
  }

  #processExit(worker: Worker, exit: WorkerExit): void {
    worker.exit = { ...exit, at: performance.now() };
    if (!worker.isConnected) this.#ended(worker, exit);
  }

  // What the edge says.

  /** Nothing of it is outstanding in any edge thread. */
  idle(name: string): void {
    const worker = this.#workers.get(name);
    if (worker?.state === "retiring") this.#stop(worker, Math.max(1000, worker.deadlineAt - performance.now()));
  }

  /** The edge's connection to it broke. Its end is probably on its way; if not, it is of no use any more. */
  lost(name: string): void {
    const worker = this.#workers.get(name);
    if (worker?.state !== "ready") return;
    worker.deadlineAt = Math.min(worker.deadlineAt, performance.now() + lostToKillMs);
  }

  /** There is another edge: workers take connections from it alone; those that retire have nothing left to do. */
  edgeStarted(pid: number): void {
    for (const worker of this.#workers.values()) {
      worker.isKnownToEdge = false;
      worker.connection?.send({ type: "edge", pid });
      if (worker.state === "ready") this.#introduce(worker);
      if (worker.state === "retiring") this.#stop(worker, 1000);
    }
  }

  // What the operator says.

  /** Replaces all workers; those that run now stay if the new ones cannot start. */
  reload(): void {
    this.#generation++;
    const kept = this.#all().filter((worker) => worker.state === "ready" && !worker.isLeaving);
    for (const worker of this.#workers.values()) worker.isLeaving = true;
    const unproven = { generation: this.#generation, kept: [...(this.#unproven?.kept ?? []), ...kept] };
    this.#unproven = this.#hasServed ? unproven : undefined;
    this.#policy.reset();
    this.#launcher.reload(this.#generation);
  }

  /** One more worker, or one less; never none. */
  resize(by: 1 | -1): void {
    this.#wanted = Math.max(1, this.#wanted + by);
    this.#settings.log.log("info", "master", `${this.#wanted} workers${ofApp(this.#settings)} are wanted now`);
    const current = this.#current();
    const newest = current.at(-1);
    if (current.length > this.#wanted && newest !== undefined) newest.isLeaving = true;
  }

  /**
   * The end is near: whoever wants a successor gets none. (A supervisor may have sent TERM to all processes.)
   * @param graceMs until `stop`, at the latest
   */
  settle(graceMs: number): void {
    this.#isSettled = true;
    for (const worker of this.#workers.values()) {
      worker.connection?.send({ type: "retire", grace_s: graceMs / 1000 });
    }
  }

  /** Ends all of them, with so much time to finish; nothing is started any more. */
  stop(graceMs: number): void {
    this.#isStopping = true;
    for (const worker of this.#workers.values()) {
      if (worker.state !== "stopping") this.#stop(worker, graceMs);
      else worker.deadlineAt = Math.min(worker.deadlineAt, performance.now() + graceMs + stopToKillMs);
    }
    this.#launcher.stop();
  }

  /** Ends all of them now. */
  kill(): void {
    this.stop(0);
    for (const worker of this.#workers.values()) worker.kill("SIGKILL");
    this.#launcher.kill();
  }

  /** Does what is due; returns in how many milliseconds something may be due again. */
  heal(now: number): number {
    this.#enforceDeadlines(now);
    this.#watch(now);
    if (this.#isStopping) return 100;
    this.#retireLeaving();
    this.#startMissing(now);
    const deadlines = this.#all().map(({ deadlineAt, exit }) =>
      exit === undefined ? deadlineAt : exit.at + lastWordsMs,
    );
    const waits = [this.#watchAt, ...deadlines].map((at) => at - now);
    if (this.#policy.waitMs(now) > 0) waits.push(this.#policy.waitMs(now));
    return Math.max(10, Math.min(healIntervalMs, ...waits));
  }

  // The rules.

  #all(): readonly Worker[] {
    return [...this.#workers.values()];
  }

  /** Those that will do the work: not leaving, ready or on their way. */
  #current(): readonly Worker[] {
    return this.#all().filter((worker) => !worker.isLeaving && (worker.isComing || worker.state === "ready"));
  }

  #startMissing(now: number): void {
    const all = this.#all();
    const missing = this.#wanted - this.#current().length;
    if (missing <= 0 || this.#policy.waitMs(now) > 0 || !this.#launcher.isReady()) return;
    // While others still serve, few more processes than wanted: an application may fill the memory.
    const surge = Math.max(1, Math.ceil(this.#wanted / 4));
    const room = this.#wanted + surge - all.filter((worker) => worker.isComing || worker.state === "ready").length;
    for (let count = Math.min(missing, room); count > 0; count--) {
      const { name, title } = this.#settings.names.next("worker", this.#settings.title);
      const worker = new Worker({
        name,
        title,
        runDirectory: this.#settings.quarters.directory,
        generation: this.#generation,
        startedAt: now,
      });
      this.#workers.set(name, worker);
      this.#launcher.launch(worker);
    }
  }

  #becameReady(worker: Worker): void {
    worker.become("ready");
    this.#hasServed = true;
    if (this.#unproven?.generation === worker.generation) this.#unproven = undefined;
    const after = formatDuration(performance.now() - worker.startedAt);
    this.#settings.log.log("debug", worker.title, `ready after ${after} (process ${worker.pid})`);
    this.#introduce(worker);
  }

  #introduce(worker: Worker): void {
    worker.isKnownToEdge = true;
    this.#hooks.ready(worker);
  }

  #retireLeaving(): void {
    const leaving = this.#all().filter((worker) => worker.isLeaving);
    for (const worker of leaving) {
      if (worker.isComing) this.#stop(worker, 0);
    }
    let excess = this.#all().filter(({ state }) => state === "ready").length - this.#wanted;
    for (const worker of leaving) {
      if (worker.state !== "ready" || excess <= 0) continue;
      excess--;
      worker.become("retiring");
      worker.deadlineAt = performance.now() + this.#settings.app.gracefulTimeoutMs;
      if (!this.#hooks.retire(worker)) this.#stop(worker, this.#settings.app.gracefulTimeoutMs);
      else worker.connection?.send({ type: "retire", grace_s: this.#settings.app.gracefulTimeoutMs / 1000 });
    }
  }

  #stop(worker: Worker, graceMs: number): void {
    worker.become("stopping");
    worker.deadlineAt = performance.now() + graceMs + stopToKillMs;
    if (worker.isConnected) worker.connection?.send({ type: "stop", grace_s: graceMs / 1000 });
    else worker.kill("SIGTERM");
  }

  #enforceDeadlines(now: number): void {
    for (const worker of this.#all()) {
      if (worker.exit !== undefined && now >= worker.exit.at + lastWordsMs) this.#ended(worker, worker.exit);
      else if (now >= worker.deadlineAt) this.#overdue(worker, now);
    }
  }

  #overdue(worker: Worker, now: number): void {
    const { log, app, wordOf } = this.#settings;
    if (worker.state === "retiring") {
      const limit = formatDuration(app.gracefulTimeoutMs);
      log.log(
        "warning",
        worker.title,
        `still busy ${limit} (${wordOf("graceful_timeout")}) after it was to retire${this.#doing(worker)}`,
      );
      this.#stop(worker, 0);
      return;
    }
    if (worker.state === "stopping") {
      log.log("warning", worker.title, `did not end in time and is killed${this.#doing(worker)}`);
    } else {
      log.log("error", worker.title, "lost its connection and is killed");
    }
    worker.deadlineAt = now + 5000;
    if (!worker.kill("SIGKILL")) this.#ended(worker, { code: undefined, signal: undefined });
  }

  /** Once a second: is anybody silent for too long? */
  #watch(now: number): void {
    if (now < this.#watchAt) return;
    const { timeoutMs } = this.#settings.app;
    this.#watchAt = now + (timeoutMs > 0 ? Math.min(healIntervalMs, timeoutMs / 4) : healIntervalMs);
    const nowSeconds = monotonicSeconds();
    for (const worker of this.#all()) {
      if (worker.isComing && now >= worker.remindAt) {
        worker.remindAt = now + startReminderMs;
        const step = worker.state === "loaded" ? "starting up" : "importing the application";
        this.#settings.log.log("info", worker.title, `still ${step} after ${formatDuration(now - worker.startedAt)}`);
      }
      if (timeoutMs === 0 || !worker.isServing) continue;
      const activity = readState(worker.statePath);
      if (activity === undefined) continue;
      const silenceMs = longestSilence(activity, nowSeconds) * 1000;
      if (silenceMs > timeoutMs) this.#timedOut(worker, silenceMs);
    }
  }

  #timedOut(worker: Worker, silenceMs: number): void {
    const what = worker.loaded?.interface === "asgi" ? "its event loop has not turned" : "a request has been running";
    const { app, wordOf } = this.#settings;
    const limit = `${wordOf("timeout")} is ${formatDuration(app.timeoutMs)}`;
    this.#settings.log.log(
      "error",
      worker.title,
      `${what} for ${formatDuration(silenceMs)}, ${limit}: it prints where it is and is replaced`,
    );
    this.#hooks.gone(worker, "timeout");
    worker.isKnownToEdge = false;
    worker.become("stopping");
    worker.deadlineAt = performance.now() + abortToKillMs;
    worker.kill("SIGABRT");
  }

  #ended(worker: Worker, exit: WorkerExit): void {
    this.#workers.delete(worker.name);
    this.#settings.names.forget(worker.name);
    const before = worker.state;
    worker.become("gone");
    worker.connection?.close();
    const { log } = this.#settings;
    if (worker.isKnownToEdge) this.#hooks.gone(worker, before === "stopping" ? "stopped" : "crash");
    if (before === "stopping") {
      log.log("debug", worker.title, describeExit(exit));
    } else if (before === "ready" || before === "retiring") {
      log.log("error", worker.title, `${describeExit(exit)}${this.#doing(worker)}`);
      this.#policy.failed({ now: performance.now(), startedAt: worker.startedAt, hadServed: true });
    } else {
      log.log(this.#hasServed ? "error" : "critical", worker.title, `${describeExit(exit)} before it was ready`);
      this.#startFailed(worker);
    }
  }

  /** A worker could not start, for a reason that is in the log already. */
  #startFailed(worker: Pick<Worker, "generation" | "startedAt" | "isLeaving">): void {
    if (this.#isStopping) return;
    if (!this.#hasServed && !this.#hooks.hopeless()) return;
    if (!this.#hasServed) this.#hasFailed = true;
    if (this.#unproven?.generation === worker.generation) {
      this.#keepOld(this.#unproven.kept);
    } else if (!worker.isLeaving) {
      const now = performance.now();
      this.#policy.failed({ now, startedAt: worker.startedAt, hadServed: false });
      const which = `a worker${ofApp(this.#settings)}`;
      const pause = formatDuration(this.#policy.waitMs(now));
      this.#settings.log.log("warning", "master", `the next attempt to start ${which} is in ${pause}`);
    }
  }

  /** The reload has failed: nobody who serves has to go. */
  #keepOld(kept: readonly Worker[]): void {
    const { generation } = this.#unproven ?? { generation: 0 };
    this.#unproven = undefined;
    const still = kept.filter(({ state }) => state === "ready");
    for (const worker of still) worker.isLeaving = false;
    for (const worker of this.#workers.values()) {
      if (worker.generation === generation) worker.isLeaving = true;
    }
    const what = `${still.length} worker${still.length === 1 ? "" : "s"} of before${ofApp(this.#settings)}`;
    this.#settings.log.log("error", "master", `the reload has failed: ${what} keep running`);
    this.#launcher.keepOld();
  }

  #doing(worker: Worker): string {
    const activity = readState(worker.statePath);
    if (activity === undefined || worker.loaded === undefined) return "";
    return `; ${describeActivity(activity, worker.loaded.interface, monotonicSeconds())}`;
  }
}

/** Where there are several. */
function ofApp({ title }: PoolSettings): string {
  return title === undefined ? "" : ` of ${title}`;
}

/** A process that is not who it says. */
export function refuseHello(
  hello: Extract<ControlReport, { readonly type: "hello" }>,
  connection: ControlConnection,
  log: Log,
): void {
  log.log("warning", "master", `process ${hello.pid} called itself ${hello.name}, which it is not`);
  connection.close();
}
