/**
 * How a worker's process comes to be: spawned on its own, or forked by the preloader.
 */
import { spawnPython } from "../app/spawn.ts";
import { readLines } from "./output-lines.ts";
import type { PoolSettings } from "./pool-settings.ts";
import { startMessage } from "./start-message.ts";
import type { Worker } from "./worker.ts";

export interface Launcher {
  /** May launch() be called now? */
  isReady(): boolean;
  /** Starts the process of a new worker; its exit arrives in the inbox. */
  launch(worker: Worker): void;
  /** The worker has said hello: it is told what to run, if it does not know yet. */
  connected(worker: Worker): void;
  /** From now on launch() is about this generation, with the code as it is on disk now. */
  reload(generation: number): void;
  /** The generation of the last reload cannot start: back to the one before. */
  keepOld(): void;
  /** No more launches. */
  stop(): void;
  /** True if it has no process of its own left. */
  isEmpty(): boolean;
}

/** Each worker is a fresh interpreter: the default. */
export class SpawnLauncher implements Launcher {
  readonly #settings: PoolSettings;
  readonly #edgePid: () => number;

  constructor(settings: PoolSettings, edgePid: () => number) {
    this.#settings = settings;
    this.#edgePid = edgePid;
  }

  isReady(): boolean {
    return true;
  }

  launch(worker: Worker): void {
    const { interpreter, config, controlSocket, software, inbox, log } = this.#settings;
    const { name } = worker;
    const child = spawnPython({ interpreter, settings: config.app, controlSocket, name, software });
    worker.pid = child.pid;
    const sink = {
      line: (bytes: Buffer): void => log.output(name, bytes),
      dropped: (count: number): void => log.log("warning", name, `${count} lines dropped: it prints too fast`),
    };
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) readLines(stream, sink);
    child.on("exit", (code, signal) => {
      inbox.add({ kind: "process-exit", name, exit: { code: code ?? undefined, signal: signal ?? undefined } });
    });
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      const exit = { code: undefined, signal: undefined, unstarted: `${interpreter}: ${error.message}` };
      inbox.add({ kind: "process-exit", name, exit });
    });
  }

  connected(worker: Worker): void {
    const { config, identity, software } = this.#settings;
    const { socketPath, statePath } = worker;
    const edgePid = this.#edgePid();
    worker.connection?.send(startMessage({ config, socketPath, statePath, logSocket: undefined, identity, edgePid, software }));
  }

  reload(): void {
    // Every launch reads the code anew.
  }

  keepOld(): void {
    // Nothing was changed.
  }

  stop(): void {
    // There is nothing besides the workers themselves.
  }

  isEmpty(): boolean {
    return true;
  }
}
