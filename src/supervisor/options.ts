/**
 * The supervisor's options: where to listen, as whom to run.
 */
import { bind, count, descriptor, octal, text, unixPath } from "../config/arguments.ts";
import type { AnyRow, DefaultedRow, OptionRow, World } from "../config/directive.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Bind } from "../config/model.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues, Source } from "../config/option-values.ts";
import { blockOf, directive } from "../config/statements.ts";
import { unreachable } from "../std/assert.ts";

const bindRow: OptionRow<Bind> = {
  name: "bind",
  short: "b",
  argument: bind(),
  separator: ",",
  group: "Addresses",
  doc: "Where to listen; may be given several times. Without any: 127.0.0.1:8000, or 0.0.0.0:$PORT where PORT is set.",
  example: "tricorn shop.wsgi -b :8000 -b '[::1]:8000' -b unix:/run/shop.sock:0660",
  nginx: "listen",
};

const hostRow: OptionRow<string> = {
  name: "host",
  argument: text("HOST"),
  group: "Addresses",
  doc: "The address of the one TCP socket, for those who write host and port apart.",
  example: "tricorn shop.asgi --host 0.0.0.0 --port 8000",
};

const portRow: OptionRow<number> = {
  name: "port",
  environment: ["PORT"],
  argument: count({ min: 0, max: 65_535 }),
  group: "Addresses",
  doc: "Its port; 0 takes a free one, which the banner names.",
  example: "tricorn shop.asgi --port 8080",
};

const udsRow: OptionRow<Bind> = {
  name: "uds",
  argument: unixPath(),
  group: "Addresses",
  doc: "Listen on a Unix socket of mode 0666, less what --umask takes away: as --bind unix:PATH.",
  example: "tricorn shop.asgi --uds /run/shop.sock",
};

const fdRow: OptionRow<Bind> = {
  name: "fd",
  argument: descriptor(),
  group: "Addresses",
  doc: "Listen on an inherited descriptor, as systemd's socket units hand it over (the first is 3): as --bind fd://N.",
  example: "tricorn shop.asgi --fd 3",
};

const pidRow: OptionRow<string> = {
  name: "pid",
  short: "p",
  argument: text("PATH"),
  group: "Process",
  doc: "Write the master's process id to this file, and remove it at the end.",
  example: "tricorn shop.wsgi --pid /run/shop.pid",
  nginx: "pid",
};

const userRow: OptionRow<string> = {
  name: "user",
  short: "u",
  argument: text("NAME"),
  group: "Process",
  doc: "Run the edge and the Python workers as this user (name or number); only root can.",
  example: "tricorn shop.wsgi --bind :80 --user www-data",
  nginx: "user",
};

const groupRow: OptionRow<string> = {
  name: "group",
  short: "g",
  argument: text("NAME"),
  group: "Process",
  doc: "And with this group; the user's own one if left out.",
  example: "tricorn shop.wsgi --user shop --group www-data",
  nginx: "user",
};

const umaskRow: OptionRow<number> = {
  name: "umask",
  short: "m",
  argument: octal(),
  group: "Process",
  doc: "The bits taken from the mode of every file that Tricorn and the application create; left as it is by default.",
  example: "tricorn shop.wsgi --umask 027",
};

const limitConcurrencyRow: DefaultedRow<number> = {
  name: "limit-concurrency",
  argument: count({ min: 0, max: 2 ** 31 - 1 }),
  default: "0",
  group: "Workers",
  doc: "Connections and requests in progress at once before the answer is 503; 0: no such limit.",
  example: "tricorn shop.asgi --limit-concurrency 1000",
};

const workerConnectionsRow: DefaultedRow<number> = {
  name: "worker-connections",
  argument: count({ min: 1, max: 1_000_000 }),
  default: "10240",
  group: "Edge",
  doc: "Client connections that one edge thread keeps open, as far as the system's limit of open files allows.",
  example: "tricorn shop.wsgi --worker-connections 50000",
  nginx: "worker_connections",
};

export const supervisorRows: readonly AnyRow[] = [
  bindRow,
  hostRow,
  portRow,
  udsRow,
  fdRow,
  pidRow,
  userRow,
  groupRow,
  umaskRow,
  limitConcurrencyRow,
  workerConnectionsRow,
];

export interface ProcessInput {
  readonly values: OptionValues;
  readonly world: World;
  /** Edge threads, which share the system's limit of open files. */
  readonly workerProcesses: number;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** What stands in the main context about processes. */
export function processStatements({ values, world, workerProcesses, report }: ProcessInput): readonly Statement[] {
  const pid = values.optional(pidRow);
  const user = values.optional(userRow);
  const group = values.optional(groupRow);
  const umask = values.optional(umaskRow);
  return [
    ...(user === undefined ? [] : [directive("user", user, ...(group === undefined ? [] : [group]))]),
    ...(user !== undefined || group === undefined ? [] : [directive("group", group)]),
    ...(pid === undefined ? [] : [directive("pid", pid.startsWith("/") ? pid : `${world.cwd}/${pid}`)]),
    ...(umask === undefined ? [] : [directive("umask", umask.toString(8).padStart(3, "0"))]),
    directive("worker_processes", workerProcesses),
    directive("limit_concurrency", values.one(limitConcurrencyRow)),
    blockOf("events", [], [
      directive("worker_connections", connectionsOf({ values, world, workerProcesses, report })),
    ]),
  ];
}

/** What all `listen`s say. */
export interface ListenManner {
  /** Connections that the kernel keeps until they are accepted. */
  readonly backlog: number;
  readonly isTls: boolean;
  /** Where nothing is said, it is where browsers look for HTTPS. */
  readonly isPublic: boolean;
}

/** The `listen`s of the one server. */
export function listenStatements(
  { values, world, report }: ProcessInput, { backlog, isTls, isPublic }: ListenManner,
): readonly Statement[] {
  const isSaid = [bindRow, hostRow, portRow, udsRow, fdRow].some((row) => values.source(row) !== "default");
  const binds = isSaid || !isPublic ? bindsOf(values, report) : publicBinds;
  const manner = [...(isTls ? ["ssl"] : []), `backlog=${backlog}`];
  return binds.map((bound) => directive("listen", ...listenWords(bound, binds, world.cwd), ...manner));
}

const publicBinds: readonly Bind[] = [{ kind: "tcp", host: "0.0.0.0", port: 443 }];

function listenWords(bound: Bind, all: readonly Bind[], cwd: string): readonly string[] {
  switch (bound.kind) {
    case "fd": return [`fd:${bound.fd}`];
    case "tcp": {
      // "[::]:80" takes IPv4, too, unless that has a bind of its own. (Port 0 is another one each time.)
      const takesBoth = bound.host === "::" && !all.some((other) =>
        other.kind === "tcp" && other.port === bound.port && other.port !== 0 && !other.host.includes(":"));
      const host = bound.host.includes(":") ? `[${bound.host}]` : bound.host;
      return [`${host}:${bound.port}`, ...(takesBoth ? ["ipv6only=off"] : [])];
    }
    case "unix": {
      const path = bound.path.startsWith("/") ? bound.path : `${cwd}/${bound.path}`;
      const mode = bound.mode?.toString(8).padStart(3, "0");
      return [`unix:${path}`, ...(mode === undefined ? [] : [`mode=0${mode}`])];
    }
    default: return unreachable(bound);
  }
}

const strengths: readonly Source[] = ["default", "platform", "environment", "command line"];

/** The strongest source that says anything about addresses decides about all of them. */
function bindsOf(values: OptionValues, report: (diagnostic: Diagnostic) => void): readonly Bind[] {
  const whole: readonly OptionRow<Bind>[] = [bindRow, udsRow, fdRow];
  const strength = (row: AnyRow): number => strengths.indexOf(values.source(row));
  const wholeStrength = Math.max(...whole.map(strength));
  const partStrength = Math.max(strength(hostRow), strength(portRow));
  if (wholeStrength > 0 && wholeStrength === partStrength) {
    report(
      error("--bind, --uds or --fd was given together with --host or --port", "write all of it as --bind HOST:PORT"),
    );
  }
  if (wholeStrength >= partStrength && wholeStrength > 0) {
    return whole.filter((row) => strength(row) === wholeStrength).flatMap((row) => values.all(row));
  }
  const port = values.optional(portRow);
  // PORT is what platforms set in a container, where nobody could reach the loopback address.
  const host = values.optional(hostRow) ?? (values.source(portRow) === "platform" ? "0.0.0.0" : "127.0.0.1");
  return [{ kind: "tcp", host: host.replace(/^\[(.*)\]$/, "$1"), port: port ?? 8000 }];
}

/** Descriptors that are no client connections: sockets to the workers, spool files, logs, Node's own. */
const fileCountReserved = 256;

function connectionsOf({ values, world, workerProcesses, report }: ProcessInput): number {
  const wanted = values.one(workerConnectionsRow);
  const room = Math.max(16, Math.floor((world.fileCountMax - fileCountReserved) / workerProcesses));
  if (wanted <= room) return wanted;
  if (values.source(workerConnectionsRow) !== "default") {
    report({
      severity: "warning",
      message: `--worker-connections is ${room} instead of ${wanted}: a process may open ${world.fileCountMax} files`,
      hint: "raise the limit with `ulimit -n`, or LimitNOFILE= of a systemd unit",
    });
  }
  return room;
}
