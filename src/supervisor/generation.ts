/**
 * One configuration at work: its edge process and the workers of its applications, from their start to their end.
 *
 *     opening -> serving -> draining -> ending
 *
 * opening: processes are started; the edge is told to listen when every application has a ready worker, or has shown
 * that it cannot start. serving: the edge has listened. draining: nothing new is taken, what runs is finished.
 * ending: what still runs is cut off, the processes end. `isGone` when none is left.
 *
 * The master holds one generation, and for the time of a reload two. A generation never looks at another one; whether
 * it may take over, or has to go, is the master's question.
 */
import type { EdgeNews, EdgeReport } from "../edge/index.ts";
import { unreachable } from "../std/assert.ts";
import { formatDuration } from "../std/units.ts";
import type { CertificateProcess } from "./certificate-process.ts";
import { EdgeProcess } from "./edge-process.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { describeExit } from "./exit-words.ts";
import type { Happening } from "./inbox.ts";
import { SpawnLauncher } from "./launcher.ts";
import { unopenableLogs } from "./open-logs.ts";
import type { Place } from "./place.ts";
import type { Crew, HousedCrew, Plan } from "./plan.ts";
import { WorkerPool } from "./pool.ts";
import type { PoolHooks, PoolSettings } from "./pool-settings.ts";
import { PreloadLauncher } from "./preload-launcher.ts";
import { edgeRestartLimits, RestartPolicy } from "./restart-policy.ts";
import type { LoadedReport, WorkerExit } from "./worker.ts";
import { TlsWatch } from "./tls-watch.ts";

/** An edge that dies so often before it ever listened will not listen the next time either. */
const edgeAttemptCountMax = 5;
/** What the workers get of the graceful timeout for their own end: a fifth, at most two seconds. */
const workersShareMsMax = 2000;
/** How long a replaced edge keeps connections without a request: who asks in a loop asks once more within it. */
const idleMsMax = 2000;
/** Without workers nothing has to be looked after: a timer needs some time, though. */
const waitMsMax = 60_000;

type Phase =
  | { readonly kind: "opening" }
  | { readonly kind: "serving" }
  /** The edge finishes what runs, and the workers with it. */
  | { readonly kind: "draining"; readonly edgeDeadlineAt: number; readonly deadlineAt: number }
  /** Nothing is served any more; the processes end. */
  | { readonly kind: "ending" };

export class Generation {
  readonly plan: Plan;
  readonly #place: Place;
  readonly #certificates: CertificateProcess;
  readonly #pools: readonly WorkerPool[];
  readonly #edgePolicy: RestartPolicy = new RestartPolicy(edgeRestartLimits);
  readonly #tls: TlsWatch;
  #edge: EdgeProcess | undefined;
  #edgeFailureCount = 0;
  #isTold = false;
  #phase: Phase = { kind: "opening" };
  #fault: ExitStatus | undefined;

  constructor(place: Place, plan: Plan, certificates: CertificateProcess) {
    this.#place = place;
    this.#certificates = certificates;
    this.plan = plan;
    this.#tls = new TlsWatch(plan.configuration, place.ticketKeys, certificates, place.log);
    this.#pools = plan.crews.map((crew) => this.#poolOf(crew));
  }

  get phase(): Phase["kind"] {
    return this.#phase.kind;
  }

  /** It will never serve: the exit status that says why. The log has the words. */
  get fault(): ExitStatus | undefined {
    return this.#fault;
  }

  /** No process of it is left. */
  get isGone(): boolean {
    return this.#phase.kind === "ending" && this.#edge === undefined && this.#pools.every(({ isEmpty }) => isEmpty);
  }

  /** The applications that had a ready worker, by name. */
  get served(): readonly string[] {
    return this.#pools.filter(({ hasServed }) => hasServed).map(({ app }) => app.name);
  }

  /** The applications that could not start, by name. */
  get failed(): readonly string[] {
    return this.#pools.filter(({ hasFailed }) => hasFailed).map(({ app }) => app.name);
  }

  /** What was loaded, for each application of which that is known. */
  loaded(): readonly { readonly crew: Crew; readonly loaded: LoadedReport }[] {
    return this.#pools.flatMap((pool, index) => {
      const [crew, loaded] = [this.plan.crews[index], pool.loaded()];
      return crew === undefined || loaded === undefined ? [] : [{ crew, loaded }];
    });
  }

  /** Acts on what one of its processes says, or on its end; false for what is not its own. */
  take(happening: Happening): boolean {
    switch (happening.kind) {
      case "edge-report":
      case "edge-exit":
        if (this.#edge === undefined || happening.pid !== this.#edge.pid) return false;
        if (happening.kind === "edge-report") this.#hearEdge(happening.report);
        else this.#edgeEnded(happening.exit);
        return true;
      default:
        return this.#pools.some((pool) => pool.take(happening));
    }
  }

  // What the operator says.

  /** Replaces all workers; the applications are imported anew. */
  reloadWorkers(): void {
    for (const pool of this.#pools) pool.reload();
  }

  /** Takes up certificate files that have changed, now. */
  renewCertificates(isUrgent: boolean = true): void {
    const secrets = this.#tls.look(performance.now(), isUrgent);
    if (secrets !== undefined) this.#edge?.send({ kind: "tls", secrets });
  }

  /** One more worker of each application, or one less; never none. */
  resize(by: 1 | -1): void {
    for (const pool of this.#pools) pool.resize(by);
  }

  /** Tells its edge, if it has one: another one is told at its start. */
  tell(news: EdgeNews): void {
    this.#edge?.send(news);
  }

  reopenLogs(): void {
    const { configuration, identity } = this.plan;
    // The edge makes new files itself, unless it is another user: what it cannot open it tells.
    const problems = identity === undefined ? [] : unopenableLogs(configuration, identity);
    for (const problem of problems) this.#place.log.log("error", "master", problem);
    this.#edge?.send({ kind: "reopen-logs" });
  }

  /**
   * Ends gracefully: no new connections, what runs is finished, then the workers end.
   * @param isReplaced whether another generation listens where this one did
   */
  drain({ isReplaced }: { readonly isReplaced: boolean }): void {
    if (this.#phase.kind === "draining" || this.#phase.kind === "ending") return;
    const now = performance.now();
    const { gracefulTimeoutMs } = this.plan.configuration.process;
    const share = Math.min(workersShareMsMax, gracefulTimeoutMs / 5);
    const deadlineAt = now + gracefulTimeoutMs;
    this.#phase = { kind: "draining", deadlineAt, edgeDeadlineAt: deadlineAt - share };
    for (const pool of this.#pools) pool.settle(gracefulTimeoutMs - share);
    this.#edge?.send({ kind: "drain", idleMs: isReplaced ? Math.min(idleMsMax, gracefulTimeoutMs / 4) : 0 });
  }

  /** Ends everything: what still runs is cut off, workers may use `graceMs` to end on their own. */
  end(graceMs: number): void {
    this.#edge?.kill("SIGKILL");
    const isImpatient = this.#phase.kind === "ending" && graceMs === 0;
    for (const pool of this.#pools) {
      if (isImpatient) pool.kill();
      else pool.stop(Math.max(0, graceMs));
    }
    this.#phase = { kind: "ending" };
  }

  /** Does what is due; returns the milliseconds until something may be due again. */
  heal(now: number): number {
    // All processes are started from here.
    process.umask(this.plan.configuration.process.umask ?? this.#place.umask);
    // Before the workers, because each is told whom to take connections from.
    const edgeWaitMs = this.#healEdge(now);
    const waits = this.#pools.map((pool) => pool.heal(now));
    this.#openDoors();
    this.renewCertificates(false);
    return Math.max(1, Math.min(waitMsMax, edgeWaitMs, this.#tls.waitMs(now), ...waits));
  }

  // The edge.

  #hearEdge(report: EdgeReport): void {
    switch (report.kind) {
      case "started":
        return;
      case "listening":
        if (this.#phase.kind === "opening") this.#phase = { kind: "serving" };
        return;
      case "worker-idle":
        for (const pool of this.#pools) pool.idle(report.name);
        return;
      case "worker-lost":
        for (const pool of this.#pools) pool.lost(report.name);
        return;
      case "healthy":
        this.#place.health.peers = report.peers;
        return;
      case "found":
        // Of one that is replaced, the other knows better.
        if (this.#phase.kind !== "draining") this.#place.found.names = report.names;
        return;
      case "challenge-ready":
      case "answered":
      case "name-wanted":
        return this.#certificates.say(report);
      case "drained":
        // It exits by itself now, which is what the draining waits for.
        return;
      default:
        return unreachable(report);
    }
  }

  #healEdge(now: number): number {
    const phase = this.#phase;
    if (phase.kind === "ending") return Number.POSITIVE_INFINITY;
    if (phase.kind === "draining") {
      if (this.#edge === undefined) this.end(phase.deadlineAt - now);
      else if (now >= phase.edgeDeadlineAt) {
        const limit = formatDuration(this.plan.configuration.process.gracefulTimeoutMs);
        const word = this.#isFile ? "worker_shutdown_timeout" : "--graceful-timeout";
        this.#place.log.log("warning", "master", `cuts off requests that still run: ${word} is ${limit}`);
        this.end(phase.deadlineAt - now);
      }
      return phase.edgeDeadlineAt - now;
    }
    if (this.#edge !== undefined || this.#fault !== undefined) return Number.POSITIVE_INFINITY;
    const waitMs = this.#edgePolicy.waitMs(now);
    if (waitMs === 0) this.#startEdge();
    return waitMs === 0 ? Number.POSITIVE_INFINITY : waitMs;
  }

  #startEdge(): void {
    const { inbox, run } = this.#place;
    this.#edge = new EdgeProcess({
      ...this.plan,
      runDirectory: run.path,
      bodyDirectories: Object.fromEntries(this.plan.crews.map(({ app, quarters }) => [app.name, quarters.directory])),
      healthyBefore: this.#place.health.peers,
      foundBefore: this.#place.found.names,
      challenges: this.#certificates.challenges,
      tls: this.#tls.begin(performance.now()),
      inbox,
      isPlain: this.#edgeFailureCount > 0,
    });
    this.#isTold = false;
    const { pid } = this.#edge;
    if (pid === undefined) return;
    for (const pool of this.#pools) pool.edgeStarted(pid);
  }

  /** Once everybody is there, or has shown that nobody comes. */
  #openDoors(): void {
    const isOpen = this.#phase.kind === "opening" || this.#phase.kind === "serving";
    if (this.#isTold || this.#edge === undefined || !isOpen || this.#fault !== undefined) return;
    // Whoever comes first shall not be refused for a certificate that lies on the disk.
    if (this.#certificates.isLoading(performance.now())) return;
    if (!this.#pools.every(({ hasServed, hasFailed }) => hasServed || hasFailed)) return;
    for (const app of this.failed) this.#edge.send({ kind: "app-failed", app });
    this.#edge.send({ kind: "listen" });
    this.#isTold = true;
  }

  #edgeEnded(exit: WorkerExit): void {
    const { log } = this.#place;
    const startedAt = this.#edge?.startedAt ?? 0;
    this.#edge = undefined;
    if (this.#phase.kind === "draining" || this.#phase.kind === "ending") {
      return log.log("debug", "edge", describeExit(exit));
    }
    const now = performance.now();
    const hadServed = this.#phase.kind === "serving";
    log.log("error", "edge", `${describeExit(exit)} and is started again; connections that come meanwhile wait`);
    this.#edgePolicy.failed({ now, startedAt, hadServed });
    if (hadServed || ++this.#edgeFailureCount < edgeAttemptCountMax) return;
    log.log(
      "critical",
      "master",
      `the edge ended ${edgeAttemptCountMax} times before it listened: see the lines above`,
    );
    this.#fault = exitStatus.failed;
  }

  // The workers.

  get #isFile(): boolean {
    return this.#place.readAgain !== undefined;
  }

  #poolOf({ app, interpreter, identity, quarters }: HousedCrew): WorkerPool {
    const place = this.#place;
    const isSeveral = this.plan.crews.length > 1;
    const settings: PoolSettings = {
      app,
      title: isSeveral ? app.name : undefined,
      wordOf: (setting) => (this.#isFile ? setting : `--${setting.replace("_", "-")}`),
      interpreter: interpreter.path,
      identity,
      umask: this.plan.configuration.process.umask,
      quarters,
      software: place.software,
      names: place.names,
      log: place.log,
      inbox: place.inbox,
    };
    const hooks: PoolHooks = {
      ready: (worker) => this.#edge?.send({ kind: "worker-ready", worker: worker.address(app) }),
      retire: (worker) => {
        this.#edge?.send({ kind: "worker-retire", name: worker.name });
        return this.#edge !== undefined;
      },
      gone: (worker, reason) => this.#edge?.send({ kind: "worker-gone", name: worker.name, reason }),
      hopeless: () => {
        const isWorthIt = isSeveral || this.#isFile;
        if (!isWorthIt) this.#fault = exitStatus.application;
        return isWorthIt;
      },
    };
    const edgePid = (): number => this.#edge?.pid ?? 0;
    const Launcher = app.preload ? PreloadLauncher : SpawnLauncher;
    return new WorkerPool(settings, hooks, new Launcher(settings, edgePid));
  }
}
