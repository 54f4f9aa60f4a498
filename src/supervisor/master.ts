/**
 * The master: owns the sockets, the edge and the workers, and does nothing else.
 *
 * One loop: reap → take one signal → heal → sleep. Whatever happens outside only leaves a note in the inbox; what is
 * done about it is all here, in order.
 */
import type { EdgeReport } from "../edge/index.ts";
import { unreachable } from "../std/assert.ts";
import { formatDuration } from "../std/units.ts";
import { banner } from "./banner.ts";
import { EdgeProcess } from "./edge-process.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { describeExit } from "./exit-words.ts";
import type { Happening } from "./inbox.ts";
import type { Launcher } from "./launcher.ts";
import type { Place } from "./place.ts";
import { WorkerPool } from "./pool.ts";
import type { PoolHooks } from "./pool-settings.ts";
import { edgeRestartLimits, RestartPolicy } from "./restart-policy.ts";
import type { MasterSignal, SignalQueue } from "./signals.ts";
import type { WorkerExit } from "./worker.ts";

/** An edge that dies so often before it ever listened will not listen the next time either. */
const edgeAttemptCountMax = 5;
/** What the workers get of the graceful timeout for their own end: a fifth, at most two seconds. */
const workersShareMsMax = 2000;

type Phase =
  | { readonly kind: "serving" }
  /** The edge finishes what runs, and the workers with it. */
  | { readonly kind: "draining"; readonly edgeDeadlineAt: number; readonly deadlineAt: number }
  /** Nothing is served any more; the processes end. */
  | { readonly kind: "ending" };

export class Master {
  readonly #place: Place;
  readonly #signals: SignalQueue;
  readonly #pool: WorkerPool;
  readonly #edgePolicy: RestartPolicy = new RestartPolicy(edgeRestartLimits);
  #edge: EdgeProcess | undefined;
  #edgeFailureCount = 0;
  #hasListened = false;
  #phase: Phase = { kind: "serving" };
  #status: ExitStatus = exitStatus.fine;

  constructor(place: Place, signals: SignalQueue, makeLauncher: (edgePid: () => number) => Launcher) {
    this.#place = place;
    this.#signals = signals;
    const hooks: PoolHooks = {
      ready: (worker) => this.#edge?.send({ kind: "worker-ready", worker: worker.address(place.config.app.threads) }),
      retire: (worker) => {
        this.#edge?.send({ kind: "worker-retire", name: worker.name });
        return this.#edge !== undefined;
      },
      gone: (worker, reason) => this.#edge?.send({ kind: "worker-gone", name: worker.name, reason }),
      hopeless: () => this.#end({ graceMs: 0, status: exitStatus.application }),
    };
    this.#pool = new WorkerPool(
      place,
      hooks,
      makeLauncher(() => this.#edge?.pid ?? 0),
    );
  }

  /** The whole life; returns the exit status once every process has ended. */
  async run(): Promise<ExitStatus> {
    for (;;) {
      for (const happening of this.#place.inbox.take()) this.#reap(happening);
      const signal = this.#signals.take();
      if (signal !== undefined) this.#obey(signal);
      const waitMs = this.#heal(performance.now());
      if (this.#phase.kind === "ending" && this.#edge === undefined && this.#pool.isEmpty) return this.#status;
      if (this.#signals.isEmpty) await this.#place.inbox.sleep(waitMs);
    }
  }

  #reap(happening: Happening): void {
    switch (happening.kind) {
      case "edge-report":
        if (this.#edge !== undefined && happening.pid === this.#edge.pid) this.#hearEdge(happening.report);
        return;
      case "edge-exit":
        if (this.#edge !== undefined && happening.pid === this.#edge.pid) this.#edgeEnded(happening.exit);
        return;
      default:
        return this.#pool.take(happening);
    }
  }

  #hearEdge(report: EdgeReport): void {
    switch (report.kind) {
      case "started":
        return;
      case "listening":
        if (!this.#hasListened) this.#announce();
        this.#hasListened = true;
        return;
      case "worker-idle":
        return this.#pool.idle(report.name);
      case "worker-lost":
        return this.#pool.lost(report.name);
      case "drained":
        // It exits by itself now, which is what the draining waits for.
        return;
      default:
        return unreachable(report);
    }
  }

  #obey(signal: MasterSignal): void {
    const { log } = this.#place;
    // A terminal sends it whenever its window changes.
    if (signal !== "SIGWINCH") log.log("info", "master", `received ${signal}`);
    switch (signal) {
      case "SIGTERM":
      case "SIGINT":
        return this.#phase.kind === "serving" ? this.#drain() : this.#end({ graceMs: 0, status: this.#status });
      case "SIGQUIT":
        return this.#end({ graceMs: 0, status: this.#status });
      case "SIGHUP":
        if (this.#phase.kind !== "serving") return;
        // The kernel's, when a terminal goes; or an operator's, from anywhere.
        return this.#place.isTerminalGone() ? this.#drain() : this.#pool.reload();
      case "SIGTTIN":
        return this.#pool.resize(1);
      case "SIGTTOU":
        return this.#pool.resize(-1);
      case "SIGUSR1":
        log.reopen();
        this.#edge?.send({ kind: "reopen-logs" });
        return;
      case "SIGUSR2":
        // gunicorn's and nginx's signal to upgrade the program: without a handler it would end this one.
        return log.log("warning", "master", "SIGUSR2 upgrades nothing yet: stop and start, or HUP to reload");
      case "SIGWINCH":
        return;
      default:
        return unreachable(signal);
    }
  }

  /** Does what is due; returns the milliseconds to sleep. */
  #heal(now: number): number {
    // Before the workers, because each is told whom to take connections from.
    const edgeWaitMs = this.#healEdge(now);
    return Math.max(1, Math.min(edgeWaitMs, this.#pool.heal(now)));
  }

  #healEdge(now: number): number {
    const phase = this.#phase;
    if (phase.kind === "ending") return Number.POSITIVE_INFINITY;
    if (phase.kind === "draining") {
      if (this.#edge === undefined) this.#end({ graceMs: phase.deadlineAt - now, status: this.#status });
      else if (now >= phase.edgeDeadlineAt) {
        const limit = formatDuration(this.#place.config.app.gracefulTimeoutMs);
        this.#place.log.log("warning", "master", `cuts off requests that still run: --graceful-timeout is ${limit}`);
        this.#end({ graceMs: phase.deadlineAt - now, status: this.#status });
      }
      return phase.edgeDeadlineAt - now;
    }
    if (this.#edge !== undefined) return Number.POSITIVE_INFINITY;
    const waitMs = this.#edgePolicy.waitMs(now);
    if (waitMs === 0) this.#startEdge();
    return waitMs === 0 ? Number.POSITIVE_INFINITY : waitMs;
  }

  #startEdge(): void {
    this.#edge = new EdgeProcess({ ...this.#place, isPlain: this.#edgeFailureCount > 0 });
    if (this.#edge.pid !== undefined) this.#pool.edgeStarted(this.#edge.pid);
  }

  #edgeEnded(exit: WorkerExit): void {
    const { log } = this.#place;
    const startedAt = this.#edge?.startedAt ?? 0;
    this.#edge = undefined;
    if (this.#phase.kind !== "serving") return log.log("debug", "edge", describeExit(exit));
    const now = performance.now();
    log.log("error", "edge", `${describeExit(exit)} and is started again; connections that come meanwhile wait`);
    this.#edgePolicy.failed({ now, startedAt, hadServed: this.#hasListened });
    if (this.#hasListened || ++this.#edgeFailureCount < edgeAttemptCountMax) return;
    log.log(
      "critical",
      "master",
      `the edge ended ${edgeAttemptCountMax} times before it listened: see the lines above`,
    );
    this.#end({ graceMs: 0, status: exitStatus.failed });
  }

  /** Stops gracefully: no new connections, what runs is finished, then the workers end. */
  #drain(): void {
    const now = performance.now();
    const { gracefulTimeoutMs } = this.#place.config.app;
    const share = Math.min(workersShareMsMax, gracefulTimeoutMs / 5);
    const deadlineAt = now + gracefulTimeoutMs;
    this.#phase = { kind: "draining", deadlineAt, edgeDeadlineAt: deadlineAt - share };
    this.#pool.settle(gracefulTimeoutMs - share);
    this.#edge?.send({ kind: "drain" });
    // The edge is the last to hold them: once it closes them, new connections are refused instead of queued.
    for (const listener of this.#place.listeners) listener.close();
  }

  /** Ends everything: what still runs is cut off, workers may use `graceMs` to end on their own. */
  #end({ graceMs, status }: { readonly graceMs: number; readonly status: ExitStatus }): void {
    this.#status = status;
    this.#edge?.kill("SIGKILL");
    if (this.#phase.kind === "ending" && graceMs === 0) this.#pool.kill();
    else this.#pool.stop(Math.max(0, graceMs));
    this.#phase = { kind: "ending" };
  }

  #announce(): void {
    const loaded = this.#pool.loaded();
    const { log, config, software, found, listeners, useColors } = this.#place;
    if (loaded === undefined || !log.includes("info")) return;
    log.print(
      banner({
        software,
        config,
        loaded,
        interpreter: found.path,
        interpreterOrigin: found.origin,
        addresses: listeners.map(({ address }) => address),
        pid: process.pid,
        readyAfterMs: performance.now(),
        useColors,
      }),
    );
  }
}
