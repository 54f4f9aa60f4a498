/**
 * What the master and the edge process say to each other, over Node's own IPC channel of `spawn`.
 * The edge holds all traffic; the master only tells it who may work and when to end.
 */
import type { Config } from "../config/model.ts";

/** A listening socket as the edge receives it: bound by the master, inherited, not yet listened on. */
export interface InheritedListener {
  /** Host and port, or path, as bound (a port of 0 is already resolved). */
  readonly address:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /** One descriptor for each edge thread; they may be duplicates of one socket or SO_REUSEPORT siblings. */
  readonly fds: readonly number[];
}

/** A Python worker that is ready to take requests. */
export interface WorkerAddress {
  readonly name: string;
  readonly pid: number;
  readonly socketPath: string;
  readonly statePath: string;
  readonly interface: "wsgi" | "asgi";
  readonly threads: number;
}

export type EdgeCommand =
  | {
      readonly kind: "start";
      readonly config: Config;
      readonly listeners: readonly InheritedListener[];
      readonly runDirectory: string;
    }
  /** Connect to it and give it work. The first one also makes the edge listen. */
  | { readonly kind: "worker-ready"; readonly worker: WorkerAddress }
  /** Give it nothing more; report `worker-idle` once nothing of it is outstanding in any thread. */
  | { readonly kind: "worker-retire"; readonly name: string }
  /** It is dead (or about to be killed, for "timeout"): what had started gets 502, or 504 for "timeout". */
  | { readonly kind: "worker-gone"; readonly name: string; readonly reason: "crash" | "timeout" | "stopped" }
  /** Accept nothing more, finish what runs, report `drained`, and exit 0. */
  | { readonly kind: "drain" }
  | { readonly kind: "reopen-logs" };

export type EdgeReport =
  /** The process is up and waits for `worker-ready`. */
  | { readonly kind: "started" }
  | { readonly kind: "listening" }
  | { readonly kind: "worker-idle"; readonly name: string }
  /** A connection to it broke: if it still lives, it is of no use any more. */
  | { readonly kind: "worker-lost"; readonly name: string }
  | { readonly kind: "drained" };
