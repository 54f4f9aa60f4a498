/**
 * What the master and the edge process say to each other, over Node's own IPC channel of `spawn` (with structured
 * clones, so that objects which are shared in the configuration still are on the other side).
 * The edge holds all traffic; the master only tells it who may work, when to listen and when to end.
 */
import type { AcmeCommand, AcmeReport, Challenge } from "../acme/index.ts";
import type { TlsSecrets } from "../tls/index.ts";
import type { FoundName, UpstreamServerSettings } from "../upstream/index.ts";
import type { Configuration } from "./model.ts";

/** A listening socket as the edge receives it: bound by the master, inherited. */
export interface InheritedListener {
  /** Its number in `site.listeners`; a name with several addresses is several of these. */
  readonly listener: number;
  /** Host and port, or path, as bound (a port of 0 is already resolved). */
  readonly address:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /**
   * For each edge thread the descriptors that it listens on: nobody else's numbers, though the sockets behind them may
   * be the same. All sockets of the address are among them, so that nobody waits in a queue which nobody looks into.
   */
  readonly fds: readonly (readonly number[])[];
}

/** A Python worker that is ready to take requests. */
export interface WorkerAddress {
  /** Never used twice in the life of a master. */
  readonly name: string;
  /** What `app_pass` calls its application. */
  readonly app: string;
  readonly pid: number;
  readonly socketPath: string;
  readonly statePath: string;
  readonly interface: "wsgi" | "asgi";
  readonly threads: number;
}

/** What every edge thread is told, too. */
export type EdgeNews =
  /** Open the doors, and report `listening`. Comes once, behind the workers that are ready by then. */
  | { readonly kind: "listen" }
  /** An application could not start: until one of its workers is ready, its requests get 503 at once. */
  | { readonly kind: "app-failed"; readonly app: string }
  /** Give it nothing more; report `worker-idle` once nothing of it is outstanding in any thread. */
  | { readonly kind: "worker-retire"; readonly name: string }
  /** It is dead (or about to be killed, for "timeout"): what had started gets 502, or 504 for "timeout". */
  | { readonly kind: "worker-gone"; readonly name: string; readonly reason: "crash" | "timeout" | "stopped" }
  /**
   * Accept nothing more, finish what runs, report `drained`, and exit 0. Connections without a request are closed
   * after `idleMs`: a request that comes on one of them before is answered as its last.
   */
  | { readonly kind: "drain"; readonly idleMs: number }
  | { readonly kind: "reopen-logs" }
  /** Of certificates that are being got by ACME. */
  | Extract<AcmeReport, { readonly kind: "challenge" | "challenge-removed" | "name-refused" }>
  /** Files of certificates have changed, or ticket keys. */
  | { readonly kind: "tls"; readonly secrets: TlsSecrets }
  /** A named upstream has these servers from now on, in place of those of the configuration. */
  | {
      readonly kind: "upstream-servers";
      readonly upstream: string;
      readonly servers: readonly UpstreamServerSettings[];
    };

export type EdgeCommand =
  | EdgeNews
  | {
      readonly kind: "start";
      readonly configuration: Configuration;
      readonly listeners: readonly InheritedListener[];
      readonly runDirectory: string;
      /** By application: where the bodies are spooled that its workers read. */
      readonly bodyDirectories: Readonly<Record<string, string>>;
      /** As the edge before it has reported them. */
      readonly healthyBefore: readonly string[];
      readonly foundBefore: readonly FoundName[];
      readonly challenges: readonly Challenge[];
      readonly tls: TlsSecrets;
    }
  /** Connect to it and give it work. */
  | { readonly kind: "worker-ready"; readonly worker: WorkerAddress };

export type EdgeReport =
  /** The process is up. */
  | { readonly kind: "started" }
  | { readonly kind: "listening" }
  | { readonly kind: "worker-idle"; readonly name: string }
  /** A connection to it broke: if it still lives, it is of no use any more. */
  | { readonly kind: "worker-lost"; readonly name: string }
  /** Peers of upstreams that have passed their health checks, whenever they are others: for `persistent`. */
  | { readonly kind: "healthy"; readonly peers: readonly string[] }
  /** What the names of upstreams were found to be, whenever it is something else: for a reload without name servers. */
  | { readonly kind: "found"; readonly names: readonly FoundName[] }
  | Extract<AcmeCommand, { readonly kind: "challenge-ready" | "answered" | "name-wanted" }>
  | { readonly kind: "drained" };
