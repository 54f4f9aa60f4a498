/**
 * The edge process: it is told what to do by the master, runs the first edge thread itself and starts the others.
 *
 * Any thread that dies takes the process with it: its sockets would otherwise hold connections that nobody
 * accepts. The master holds the sockets and starts the process again.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { LoadZone, WORKERS_MAX } from "../app/index.ts";
import type { LinkedWorker } from "../app/index.ts";
import { ErrorLog, wantsColors } from "../observe/index.ts";
import { REGEX_NODE_FLAGS } from "../route/index.ts";
import { SOFTWARE } from "../std/version.ts";
import { allocateSessionZones } from "../tls/index.ts";
import { UpstreamZone } from "../upstream/index.ts";
import { ConnectionCounts } from "./connection-counts.ts";
import { EdgeThread } from "./edge-thread.ts";
import type { ThreadCommand, ThreadReport, ThreadSettings } from "./edge-thread.ts";
import type { EdgeCommand, EdgeReport, WorkerAddress } from "./messages.ts";
import { Stapling } from "./stapling.ts";

class EdgeProcess {
  readonly #zoneMemory = LoadZone.allocate();
  readonly #zone = new LoadZone(this.#zoneMemory);
  readonly #log: ErrorLog;
  readonly #stapling: Stapling;
  readonly #threads: ((command: ThreadCommand) => void)[] = [];
  /** Workers by slot of the load zone. */
  readonly #slots: (string | undefined)[] = new Array<string | undefined>(WORKERS_MAX).fill(undefined);
  /** For each thing that all threads must report: how many have. */
  readonly #counts = new Map<string, number>();

  constructor(start: Extract<EdgeCommand, { kind: "start" }>) {
    const { kind: _, ...common } = start;
    const { configuration } = start;
    const { errorLogs, useColors, workerProcesses } = configuration.process;
    this.#log = new ErrorLog({
      logs: errorLogs,
      useColors: wantsColors(useColors, process.stderr.isTTY, process.env),
    });
    const counts = ConnectionCounts.allocate(workerProcesses);
    const upstreamZone = UpstreamZone.allocate(configuration.site.upstreams);
    const sessionZones = allocateSessionZones(new Set(configuration.site.locations.map(({ tls }) => tls)));
    for (let edge = 0; edge < workerProcesses; edge++) {
      const zones = { zone: this.#zoneMemory, upstreamZone, counts, sessionZones };
      const settings = { ...common, ...zones, edge, software: SOFTWARE };
      this.#threads.push(edge === 0 ? this.#startHere(settings) : this.#startWorker(settings));
    }
    this.#stapling = new Stapling(configuration.site, {
      changed: (update) => this.#tellAll({ kind: "staple", update }),
      notice: (level, text) => this.#log.log(level, "edge", text),
    });
    this.#stapling.follow(start.tls.files);
  }

  command(command: Exclude<EdgeCommand, { kind: "start" }>): void {
    switch (command.kind) {
      case "worker-ready": {
        const worker = this.#assignSlot(command.worker);
        if (worker !== undefined) this.#tellAll({ kind: "worker-ready", worker });
        return;
      }
      case "worker-gone":
        this.#tellAll(command);
        return this.#freeSlot(command.name);
      case "listen":
        return void this.#stapling.ready().then(() => this.#tellAll(command));
      case "tls":
        this.#tellAll(command);
        return this.#stapling.follow(command.secrets.files);
      case "reopen-logs":
        this.#log.reopen();
        return this.#tellAll(command);
      default:
        return this.#tellAll(command);
    }
  }

  #startHere(settings: ThreadSettings): (command: ThreadCommand) => void {
    const thread = new EdgeThread(settings, (report) => this.#onReport(settings.edge, report));
    return (command) => thread.command(command);
  }

  #startWorker(settings: ThreadSettings): (command: ThreadCommand) => void {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./thread-entry.${extension}`, import.meta.url), { workerData: settings });
    worker.on("message", (report: ThreadReport) => this.#onReport(settings.edge, report));
    worker.on("error", (error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    });
    return (command) => worker.postMessage(command);
  }

  #onReport(edge: number, report: ThreadReport): void {
    switch (report.kind) {
      case "notice":
        return this.#notice(report, this.#threads.length > 1 ? `edge-${edge}` : "edge");
      case "worker-idle":
        if (this.#countTo(`idle ${report.name}`)) tellMaster({ kind: "worker-idle", name: report.name });
        return;
      case "challenge-ready":
        if (this.#countTo(`challenge ${report.id}`)) tellMaster(report);
        return;
      case "answered":
      case "name-wanted":
      case "worker-lost":
      case "healthy":
      case "found":
        return tellMaster(report);
      case "listening":
        if (this.#countTo("listening")) tellMaster({ kind: "listening" });
        return;
      case "drained":
        if (this.#countTo("drained")) void this.#exit();
        return;
    }
  }

  #notice({ level, text, logs }: Extract<ThreadReport, { kind: "notice" }>, who: string): void {
    if (logs === undefined) this.#log.log(level, who, text);
    else this.#log.logTo(logs, level, who, text);
  }

  /** Have all threads said it now? */
  #countTo(what: string): boolean {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    if (count < this.#threads.length) return false;
    this.#counts.delete(what);
    return true;
  }

  #tellAll(command: ThreadCommand): void {
    for (const thread of this.#threads) thread(command);
  }

  #assignSlot(worker: WorkerAddress): LinkedWorker | undefined {
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) {
      this.#log.log("error", "edge", `${worker.name} gets no work: there are ${WORKERS_MAX} workers already`);
      return undefined;
    }
    this.#slots[slot] = worker.name;
    this.#zone.clear(slot);
    return { ...worker, slot };
  }

  /** The slot may be given again once every thread has let go of the worker; they do so at once. */
  #freeSlot(name: string): void {
    const slot = this.#slots.indexOf(name);
    if (slot >= 0) setTimeout(() => (this.#slots[slot] = undefined), SLOT_REST_MS);
  }

  async #exit(): Promise<void> {
    tellMaster({ kind: "drained" });
    await this.#log.close();
    process.exit(0);
  }
}

/** Other threads may still count a dead worker's requests for a moment. */
const SLOT_REST_MS = 1000;

function tellMaster(report: EdgeReport): void {
  process.send?.(report);
}

let edge: EdgeProcess | undefined;
process.on("message", (command: EdgeCommand) => {
  if (command.kind === "start") {
    // Before the first expression is compiled, and after the modules were: V8 takes what it compiled in earlier starts,
    // its own libraries included, only under the flags of then. On the command line these two cost 25 ms.
    for (const flag of REGEX_NODE_FLAGS) setFlagsFromString(flag);
    edge = new EdgeProcess(command);
    tellMaster({ kind: "started" });
  } else {
    edge?.command(command);
  }
});
// The master is gone: nobody holds the sockets any more.
process.on("disconnect", () => process.exit(0));
// Signals of a terminal reach the whole group; the master decides what they mean.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
  process.on(signal, () => undefined);
}
