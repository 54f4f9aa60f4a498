/**
 * The directives about processes: those of the main context and of `events { }`, and what they say.
 */
import type { ErrorLogSettings, ProcessSettings } from "../config/model.ts";
import { onOff, string, time } from "../config/nginx/argument-types.ts";
import type { Block, CheckedDirective } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import { type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, none, one } from
  "../config/nginx/directive-row.ts";
import { idleDirectives } from "./idle-directives.ts";
import { account, assignment, mask, workerCount, wholeNumber } from "./directive-arguments.ts";

const inMain = { module: "ngx_core_module", merge: "none", contexts: ["main"] } as const;
const ours = { ...inMain, module: "tricorn" } as const;

/** The number of an edge thread has six bits on the wire: docs/wire.md. */
const threadCountMax = 64;

const eventsRow: DirectiveRow<true> = {
  ...inMain,
  name: "events",
  arguments: none(),
  content: { kind: "directives", context: "events" },
  doc: "What is said about connections as such.",
  example: "events { worker_connections 1024; }",
};

const userRow: DirectiveRow<readonly [user: string, group: string | undefined]> = {
  ...inMain,
  name: "user",
  arguments: account(),
  doc: "As whom the edge and the workers of applications run, by name or number, if root starts the program. Left out: "
    + "as whoever starts it (nginx: as nobody).",
  example: "user www-data;",
};

const groupRow: DirectiveRow<string> = {
  ...ours,
  name: "group",
  arguments: one(string("group")),
  doc: "The group of the edge and of workers where no user is named: the second argument of user does the same.",
  example: "group www-data;",
};

const workerProcessesRow: DefaultedDirectiveRow<number | "auto"> = {
  ...inMain,
  name: "worker_processes",
  arguments: one(workerCount()),
  default: "1",
  doc: "Threads of the edge, which talk to clients; auto: one for each processor. At most 64 are started.",
  example: "worker_processes auto;",
};

const workerConnectionsRow: DefaultedDirectiveRow<number> = {
  ...inMain,
  contexts: ["events"],
  name: "worker_connections",
  arguments: one(wholeNumber({ min: 1, max: 2 ** 31 - 1 })),
  default: "512",
  doc: "Client connections that one thread of the edge keeps open, as far as the limit of open files allows.",
  example: "worker_connections 10240;",
};

const workerShutdownTimeoutRow: DefaultedDirectiveRow<number> = {
  ...inMain,
  name: "worker_shutdown_timeout",
  arguments: one(time()),
  default: "30s",
  doc: "How long running requests may take to end when the program ends or its configuration is replaced. "
    + "(nginx has no limit by default.)",
  example: "worker_shutdown_timeout 1m;",
};

const pidRow: DirectiveRow<string> = {
  ...inMain,
  name: "pid",
  arguments: one(string("file")),
  doc: "The master's process id is written to this file, which goes with it. A relative path begins at the prefix.",
  example: "pid /run/tricorn.pid;",
};

const daemonRow: DefaultedDirectiveRow<boolean> = {
  ...inMain,
  name: "daemon",
  arguments: one(onOff()),
  default: "on",
  doc: "Leave the terminal: the command returns once the server listens. (Under Tricorn's own name: off if left out.)",
  example: "daemon off;",
};

const envRow: DirectiveRow<readonly [name: string, value: string | undefined]> = {
  ...inMain,
  name: "env",
  arguments: one(assignment()),
  mayRepeat: true,
  doc: "A variable of the environment of every application. A name alone changes nothing: what is set is inherited.",
  example: "env DJANGO_SETTINGS_MODULE=shop.settings.live;",
};

const umaskRow: DirectiveRow<number> = {
  ...ours,
  name: "umask",
  arguments: one(mask()),
  doc: "The bits, in octal, that are taken from the mode of every file which is created; left as it is by default.",
  example: "umask 027;",
};

const limitConcurrencyRow: DefaultedDirectiveRow<number> = {
  ...ours,
  name: "limit_concurrency",
  arguments: one(wholeNumber({ min: 0, max: 2 ** 31 - 1 })),
  default: "0",
  doc: "Connections and requests in progress at once before the answer is 503; 0: no such limit.",
  example: "limit_concurrency 1000;",
};

/** All rows of this room. */
export const supervisorDirectives: readonly AnyDirectiveRow[] = [
  eventsRow, userRow, groupRow, workerProcessesRow, workerConnectionsRow, workerShutdownTimeoutRow, pidRow, daemonRow,
  envRow, umaskRow, limitConcurrencyRow, ...idleDirectives,
];

/** What the machine and the command line say. */
export interface ProcessFacts {
  /** What relative paths begin with: an absolute directory. */
  readonly prefix: string;
  /** Processors that the program may use. */
  readonly cpuCount: number;
  /** Files and sockets that a process may have open. */
  readonly fileCountMax: number;
  readonly errorLogs: readonly ErrorLogSettings[];
  readonly useColors: boolean | undefined;
  /** Takes what is otherwise than it is written: for `-t --explain`. */
  readonly note: (note: SettingNote) => void;
}

/** A setting is in force otherwise than it is written. */
export interface SettingNote {
  /** Undefined where it is a default. */
  readonly at: CheckedDirective | undefined;
  readonly message: string;
  readonly hint: string;
}

/** What the main context and its `events { }` say. */
export function processSettings(main: Block, facts: ProcessFacts): ProcessSettings {
  const { prefix, errorLogs, useColors } = facts;
  const workerProcesses = threadsOf(main, facts);
  const pid = main.optional(pidRow);
  const [user, group] = main.optional(userRow) ?? [undefined, main.optional(groupRow)];
  return {
    workerProcesses,
    workerConnections: connectionsOf(main, workerProcesses, facts),
    limitConcurrency: main.one(limitConcurrencyRow),
    gracefulTimeoutMs: main.one(workerShutdownTimeoutRow),
    pid: pid === undefined || pid.startsWith("/") ? pid : `${prefix}${prefix.endsWith("/") ? "" : "/"}${pid}`,
    user,
    group,
    umask: main.optional(umaskRow),
    daemon: main.one(daemonRow),
    errorLogs,
    useColors,
  };
}

/** Variables for the environment of every application, which its own `env` overrides; the last of a name counts. */
export function environmentOf(main: Block): readonly (readonly [name: string, value: string])[] {
  const written = main.own(envRow).map(({ directive }) => read(envRow, directive));
  return [...new Map(written.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))];
}

function threadsOf(main: Block, { cpuCount, note }: ProcessFacts): number {
  const written = main.one(workerProcessesRow);
  const wanted = written === "auto" ? cpuCount : written;
  if (wanted > threadCountMax && written !== "auto") {
    note({
      at: main.own(workerProcessesRow)[0],
      message: `${threadCountMax} threads are started instead of ${wanted}`,
      hint: "a request costs a thread of the edge so little that the workers of applications need the processors",
    });
  }
  return Math.min(wanted, threadCountMax);
}

/** Descriptors that are no client connections: sockets to the workers, spool files, logs, Node's own. */
const fileCountReserved = 256;
/** Whatever the limit is. */
const connectionCountMin = 16;

/** All threads are one process, so they share its limit of open files. */
function connectionsOf(main: Block, threads: number, { fileCountMax, note }: ProcessFacts): number {
  const events = main.own(eventsRow)[0]?.block;
  const wanted = events?.one(workerConnectionsRow) ?? Number(workerConnectionsRow.default);
  const room = Math.max(connectionCountMin, Math.floor((fileCountMax - fileCountReserved) / threads));
  if (wanted <= room) return wanted;
  note({
    at: events?.own(workerConnectionsRow)[0],
    message: `${room} connections for each thread instead of ${wanted}: a process may open ${fileCountMax} files`,
    hint: "raise the limit with `ulimit -n`, or LimitNOFILE= of a systemd unit",
  });
  return room;
}
