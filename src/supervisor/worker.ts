/**
 * One Python worker as the master sees it: a process, its connection, its place in life.
 *
 *     starting -> loaded -> ready -> retiring -> stopping -> gone
 *
 * starting: the process exists.  loaded: the application is imported.  ready: the edge may use it.
 * retiring: the edge gives it nothing more and waits for what it has.  stopping: told to end, with a deadline.
 * Any state may go to stopping or gone; nothing ever goes back.
 */
import { assert } from "../std/assert.ts";
import type { AppSettings } from "../config/model.ts";
import type { WorkerAddress } from "../edge/index.ts";
import type { ControlConnection } from "./control-server.ts";
import type { ControlReport } from "./control-messages.ts";

export type WorkerState = "starting" | "loaded" | "ready" | "retiring" | "stopping" | "gone";

const transitions: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  starting: ["loaded", "stopping", "gone"],
  loaded: ["ready", "stopping", "gone"],
  ready: ["retiring", "stopping", "gone"],
  retiring: ["stopping", "gone"],
  stopping: ["gone"],
  gone: [],
};

/** What the worker said about the application. */
export type LoadedReport = Extract<ControlReport, { readonly type: "loaded" }>;

/** How its process ended; "unstarted" if there never was one. */
export interface WorkerExit {
  readonly code: number | undefined;
  /** "SIGKILL" or a number. */
  readonly signal: string | undefined;
  readonly unstarted?: string;
}

export class Worker {
  readonly name: string;
  /** For the log. */
  readonly title: string;
  readonly socketPath: string;
  readonly statePath: string;
  /** Which reload it belongs to. */
  readonly generation: number;
  /** Milliseconds of performance.now(). */
  readonly startedAt: number;
  /** To be replaced: it retires as soon as another one can do its work. */
  isLeaving = false;
  pid: number | undefined;
  connection: ControlConnection | undefined;
  loaded: LoadedReport | undefined;
  isConnected = false;
  /** Its process has ended; what it wrote before may still be on its way. */
  exit: (WorkerExit & { readonly at: number }) | undefined;
  /** The edge knows it, so the edge must hear that it is gone. */
  isKnownToEdge = false;
  /** When the state it is in must end. */
  deadlineAt: number = Number.POSITIVE_INFINITY;
  /** For the log while it starts slowly. */
  remindAt: number;
  #state: WorkerState = "starting";

  constructor(identity: {
    readonly name: string;
    readonly title: string;
    readonly runDirectory: string;
    readonly generation: number;
    readonly startedAt: number;
  }) {
    this.name = identity.name;
    this.title = identity.title;
    this.socketPath = `${identity.runDirectory}/${identity.name}.sock`;
    this.statePath = `${identity.runDirectory}/${identity.name}.state`;
    this.generation = identity.generation;
    this.startedAt = identity.startedAt;
    this.remindAt = identity.startedAt + startReminderMs;
  }

  get state(): WorkerState {
    return this.#state;
  }

  become(next: WorkerState): void {
    assert(transitions[this.#state].includes(next), `${this.name} cannot go from ${this.#state} to ${next}`);
    this.#state = next;
  }

  /** On its way to ready. */
  get isComing(): boolean {
    return this.#state === "starting" || this.#state === "loaded";
  }

  /** Takes requests, or finishes those it has. */
  get isServing(): boolean {
    return this.#state === "ready" || this.#state === "retiring";
  }

  /** What the edge is told of a ready worker. */
  address({ name: app, threads }: AppSettings): WorkerAddress {
    assert(
      this.pid !== undefined && this.loaded !== undefined,
      `${this.name} is ready, so it has a pid and was loaded`,
    );
    const { name, pid, socketPath, statePath, loaded } = this;
    return { name, app, pid, socketPath, statePath, interface: loaded.interface, threads };
  }

  /** Sends a signal to its process; false if that is gone. */
  kill(signal: NodeJS.Signals): boolean {
    if (this.pid === undefined || this.#state === "gone") return false;
    try {
      return process.kill(this.pid, signal);
    } catch {
      // ESRCH: it has ended, its exit is on the way.
      return false;
    }
  }
}

/** A start that takes longer is worth a line in the log, again and again: large models load for minutes. */
export const startReminderMs = 10_000;
