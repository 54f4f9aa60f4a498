/**
 * What the pool of workers is made with, and what it asks of the edge.
 */
import type { Config } from "../config/model.ts";
import type { ErrorLog } from "../observe/index.ts";
import type { Inbox } from "./inbox.ts";
import type { Worker } from "./worker.ts";

export interface PoolSettings {
  readonly config: Config;
  readonly runDirectory: string;
  readonly controlSocket: string;
  readonly logSocket: string;
  readonly interpreter: string;
  /** `tricorn/0.1.0`. */
  readonly software: string;
  /** Whom workers become; undefined to stay. */
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  readonly log: ErrorLog;
  readonly inbox: Inbox;
}

export interface PoolHooks {
  /** Connect to it and give it work. */
  readonly ready: (worker: Worker) => void;
  /** Give it nothing more and say when it is idle. False if there is no edge that could. */
  readonly retire: (worker: Worker) => boolean;
  readonly gone: (worker: Worker, reason: "crash" | "timeout" | "stopped") => void;
  /** The very first workers cannot start: there is nothing to serve. */
  readonly hopeless: () => void;
}
