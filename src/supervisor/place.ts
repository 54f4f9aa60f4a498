/**
 * The place a master works in: what exists before the first process is started, is the same for all configurations,
 * and is put away after the last process.
 */
import type { Configuration } from "../edge/model.ts";
import type { Result } from "../std/result.ts";
import type { FoundName } from "../upstream/index.ts";
import type { Inbox } from "./inbox.ts";
import type { MasterLog } from "./master-log.ts";
import type { ProcessNames } from "./process-names.ts";
import type { RunDirectory } from "./quarters.ts";
import type { SocketTable } from "./socket-table.ts";
import type { TlsKeys } from "./tls-watch.ts";

export interface Place {
  /** `tricorn/0.1.0`. */
  readonly software: string;
  /** Whose signals are obeyed: docs/signals.md. */
  readonly face: "tricorn" | "nginx";
  /** Reads the configuration again; undefined where there is no file. */
  readonly readAgain: (() => Promise<Result<Configuration, string>>) | undefined;
  /** The umask that this process was started with. */
  readonly umask: number;
  readonly run: RunDirectory;
  readonly names: ProcessNames;
  readonly sockets: SocketTable;
  /** Peers of upstreams that have passed their health checks, as the last edge said. */
  readonly health: { peers: readonly string[] };
  /** What the names of upstreams are, as the last edge has found. */
  readonly found: { names: readonly FoundName[] };
  /** What session tickets are sealed with, for all generations. */
  readonly ticketKeys: TlsKeys;
  readonly log: MasterLog;
  readonly inbox: Inbox;
  /** Says something to whoever looks at standard error, where the log is elsewhere. */
  readonly complain: (text: string) => void;
  /** True if this process was started from a terminal that has been closed since. */
  readonly isTerminalGone: () => boolean;
}
