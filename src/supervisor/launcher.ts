/**
 * How a worker's process comes to be: spawned on its own, or forked by the preloader.
 */
import type { ChildProcess } from "node:child_process";
import { spawnPython } from "./spawn-python.ts";
import type { Happening, Inbox } from "./inbox.ts";
import type { Log } from "./master-log.ts";
import { type LineSink, readLines } from "./output-lines.ts";
import type { PoolSettings } from "./pool-settings.ts";
import { startMessage } from "./start-message.ts";
import type { Worker } from "./worker.ts";

export interface Launcher {
  /** May launch() be called now? If not, what it takes is under way, and the inbox will tell. */
  isReady(): boolean;
  /** Starts the process of a new worker; its exit arrives in the inbox. */
  launch(worker: Worker): void;
  /** The worker has said hello: it is told what it does not know yet. */
  connected(worker: Worker): void;
  /** Will the exit of this worker's process be reported? */
  knowsEnd(worker: Worker): boolean;
  /** From now on launch() is about this generation, with the code as it is on disk now. */
  reload(generation: number): void;
  /** The generation of the last reload cannot start: back to the one before. */
  keepOld(): void;
  /** Acts on what is about its own processes; false for what is not. */
  take(happening: Happening): boolean;
  /** No more launches; its own processes end when the workers have. */
  stop(): void;
  /** Its own processes end now. */
  kill(): void;
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
    const { interpreter, app, quarters: { controlSocket }, software, inbox, log } = this.#settings;
    const { name, title } = worker;
    const child = spawnPython({ interpreter, settings: app, controlSocket, name, software });
    worker.pid = child.pid;
    logOutput(child, title, log);
    reportExit(child, { name, interpreter, inbox });
  }

  connected(worker: Worker): void {
    const { socketPath, statePath } = worker;
    const input = { socketPath, statePath, logSocket: undefined, edgePid: this.#edgePid() };
    worker.connection?.send(startMessage(this.#settings, input));
  }

  knowsEnd(): boolean {
    return true;
  }

  // There is nothing besides the workers themselves, and each launch reads the code anew.

  reload(): void {}
  keepOld(): void {}
  stop(): void {}
  kill(): void {}

  take(): boolean {
    return false;
  }

  isEmpty(): boolean {
    return true;
  }
}

/** What a process prints goes to the log, line by line. */
export function outputSink(title: string, log: Log): LineSink {
  return {
    line: (bytes) => log.output(title, bytes),
    dropped: (count) => log.log("warning", title, `${count} lines dropped: it prints more than 1 MiB in a second`),
  };
}

/** Standard output and standard error of a process go to the log. */
export function logOutput(child: ChildProcess, title: string, log: Log): void {
  for (const stream of [child.stdout, child.stderr]) if (stream !== null) readLines(stream, outputSink(title, log));
}

/** The end of a process, or that it never began, arrives in the inbox. */
export function reportExit(
  child: ChildProcess,
  { name, interpreter, inbox }: { readonly name: string; readonly interpreter: string; readonly inbox: Inbox },
): void {
  child.on("exit", (code, signal) => {
    inbox.add({ kind: "process-exit", name, exit: { code: code ?? undefined, signal: signal ?? undefined } });
  });
  child.on("error", (error) => {
    if (child.pid !== undefined) return;
    const exit = { code: undefined, signal: undefined, unstarted: `${interpreter}: ${error.message}` };
    inbox.add({ kind: "process-exit", name, exit });
  });
}
