/**
 * What the pool of workers of one application is made with, and what it asks of the edge.
 */
import type { AppSettings } from "../config/model.ts";
import type { Identity } from "./identity.ts";
import type { Inbox } from "./inbox.ts";
import type { Log } from "./master-log.ts";
import type { Quarters } from "./plan.ts";
import type { ProcessNames } from "./process-names.ts";
import type { Worker } from "./worker.ts";

export interface PoolSettings {
  readonly app: AppSettings;
  /** What the log calls the application; undefined where it is the only one. */
  readonly title: string | undefined;
  /** What the log calls a setting: `--timeout`, or `timeout`. */
  readonly wordOf: (setting: "timeout" | "graceful_timeout") => string;
  readonly interpreter: string;
  /** Whom workers become; undefined to stay. */
  readonly identity: Identity | undefined;
  readonly umask: number | undefined;
  readonly quarters: Quarters;
  /** `tricorn/0.1.0`. */
  readonly software: string;
  readonly names: ProcessNames;
  readonly log: Log;
  readonly inbox: Inbox;
}

export interface PoolHooks {
  /** Connect to it and give it work. */
  readonly ready: (worker: Worker) => void;
  /** Give it nothing more and say when it is idle. False if there is no edge that could. */
  readonly retire: (worker: Worker) => boolean;
  readonly gone: (worker: Worker, reason: "crash" | "timeout" | "stopped") => void;
  /** The very first workers cannot start. True: they are to be tried again and again. */
  readonly hopeless: () => boolean;
}
