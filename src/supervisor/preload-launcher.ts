/**
 * Workers by fork: one Python process of a generation imports the application, then forks a worker whenever asked.
 *
 * A reload starts another preloader beside the old one, which goes when its last worker has. A forked worker is not
 * our child: the preloader tells of its end, and the end of its control connection does if the preloader is gone.
 */
import type { ChildProcess } from "node:child_process";
import { spawnPython } from "./spawn-python.ts";
import type { ControlConnection } from "./control-server.ts";
import type { ControlReport } from "./control-messages.ts";
import { describeExit, describeFailure, signalName } from "./exit-words.ts";
import type { Happening } from "./inbox.ts";
import { logOutput, reportExit } from "./launcher.ts";
import type { Launcher } from "./launcher.ts";
import type { PoolSettings } from "./pool-settings.ts";
import { startMessage } from "./start-message.ts";
import type { Worker, WorkerExit } from "./worker.ts";

interface Preloader {
  readonly name: string;
  /** For the log. */
  readonly title: string;
  readonly generation: number;
  readonly process: ChildProcess;
  connection: ControlConnection | undefined;
  isLoaded: boolean;
  isStopping: boolean;
  /** Why it cannot preload is in the log already. */
  hasFailed: boolean;
  /** Names of its workers that still exist. */
  readonly workers: Set<string>;
}

/** For a preloader that waits for its workers: they have deadlines, it has none. */
const graceForever = 86_400;

export class PreloadLauncher implements Launcher {
  readonly #settings: PoolSettings;
  readonly #edgePid: () => number;
  readonly #preloaders: Map<string, Preloader> = new Map();
  #generation = 1;
  #keptGeneration = 1;

  constructor(settings: PoolSettings, edgePid: () => number) {
    this.#settings = settings;
    this.#edgePid = edgePid;
  }

  isReady(): boolean {
    const current = this.#current();
    if (current === undefined) this.#start();
    return current?.isLoaded === true;
  }

  launch(worker: Worker): void {
    const current = this.#current();
    current?.workers.add(worker.name);
    current?.connection?.send({ type: "fork", name: worker.name, start: this.#startMessage(worker) });
  }

  connected(worker: Worker): void {
    // The edge may have been started anew since the fork was asked for.
    worker.connection?.send({ type: "edge", pid: this.#edgePid() });
  }

  knowsEnd(worker: Worker): boolean {
    return [...this.#preloaders.values()].some(({ workers }) => workers.has(worker.name));
  }

  reload(generation: number): void {
    this.#keptGeneration = this.#generation;
    this.#generation = generation;
  }

  keepOld(): void {
    this.#generation = this.#keptGeneration;
    this.#dismissUnused();
  }

  stop(): void {
    for (const preloader of this.#preloaders.values()) this.#stop(preloader);
  }

  kill(): void {
    for (const { process } of this.#preloaders.values()) process.kill("SIGKILL");
  }

  isEmpty(): boolean {
    return this.#preloaders.size === 0;
  }

  take(happening: Happening): boolean {
    const name = happening.kind === "hello" ? happening.hello.name : "name" in happening ? happening.name : "";
    const preloader = this.#preloaders.get(name);
    if (preloader === undefined) return false;
    switch (happening.kind) {
      case "hello":
        preloader.connection = happening.connection;
        happening.connection.send(this.#startMessage(preloader));
        break;
      case "report":
        this.#report(preloader, happening.report);
        break;
      case "violation":
        this.#settings.log.log("error", preloader.title, `control channel: ${happening.reason}`);
        preloader.process.kill("SIGKILL");
        break;
      case "process-exit":
        this.#ended(preloader, happening.exit);
        break;
      default:
        // Its exit follows the end of its connection.
        break;
    }
    return true;
  }

  #current(): Preloader | undefined {
    return [...this.#preloaders.values()].find(
      ({ generation, isStopping }) => generation === this.#generation && !isStopping,
    );
  }

  #start(): void {
    const { interpreter, app, quarters: { controlSocket }, software, inbox, log, names } = this.#settings;
    const { name, title } = names.next("preloader", this.#settings.title);
    const process = spawnPython({ interpreter, settings: app, controlSocket, name, software });
    logOutput(process, title, log);
    reportExit(process, { name, interpreter, inbox });
    this.#preloaders.set(name, {
      name,
      title,
      generation: this.#generation,
      process,
      connection: undefined,
      isLoaded: false,
      isStopping: false,
      hasFailed: false,
      workers: new Set(),
    });
  }

  #startMessage(who: Worker | Preloader): ReturnType<typeof startMessage> {
    const { directory, logSocket } = this.#settings.quarters;
    const isWorker = "statePath" in who;
    return startMessage(this.#settings, {
      socketPath: isWorker ? who.socketPath : `${directory}/${who.name}.sock`,
      statePath: isWorker ? who.statePath : `${directory}/${who.name}.state`,
      logSocket: isWorker ? logSocket : undefined,
      edgePid: this.#edgePid(),
    });
  }

  #report(preloader: Preloader, report: ControlReport): void {
    switch (report.type) {
      case "loaded":
        preloader.isLoaded = true;
        this.#dismissUnused();
        return;
      case "failed":
        this.#settings.log.log("critical", preloader.title, describeFailure(report));
        preloader.hasFailed = true;
        this.#fail(preloader);
        return;
      case "exit": {
        const signal = report.signal === undefined ? undefined : signalName(report.signal);
        this.#settings.inbox.add({ kind: "process-exit", name: report.name, exit: { code: report.code, signal } });
        preloader.workers.delete(report.name);
        this.#dismissUnused();
        return;
      }
      default:
        // "fork": the worker says hello itself.
        return;
    }
  }

  #ended(preloader: Preloader, exit: WorkerExit): void {
    this.#preloaders.delete(preloader.name);
    this.#settings.names.forget(preloader.name);
    preloader.connection?.close();
    const isExpected = preloader.isStopping || preloader.hasFailed;
    this.#settings.log.log(isExpected ? "debug" : "error", preloader.title, describeExit(exit));
    if (!isExpected) this.#fail(preloader);
  }

  /** It will fork nothing (more). Those it has forked live on. */
  #fail(preloader: Preloader): void {
    preloader.isStopping = true;
    const { generation, isLoaded } = preloader;
    this.#settings.inbox.add({ kind: "preloader-failed", launcher: this, generation, hadLoaded: isLoaded });
  }

  #dismissUnused(): void {
    for (const preloader of this.#preloaders.values()) {
      if (preloader.generation !== this.#generation && preloader.workers.size === 0) this.#stop(preloader);
    }
  }

  #stop(preloader: Preloader): void {
    if (!preloader.isStopping) preloader.connection?.send({ type: "stop", grace_s: graceForever });
    if (preloader.connection === undefined) preloader.process.kill("SIGKILL");
    preloader.isStopping = true;
  }
}
