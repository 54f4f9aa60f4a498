/**
 * The supervisor's options: where to listen, as whom to run.
 */
import { bind, count, descriptor, octal, text, unixPath } from "../config/arguments.ts";
import type { AnyRow, OptionRow, World } from "../config/directive.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Bind, ProcessSettings } from "../config/model.ts";
import type { OptionValues, Source } from "../config/option-values.ts";

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
];

export interface ProcessInput {
  readonly values: OptionValues;
  readonly world: World;
  readonly workerProcesses: number;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** The supervisor's slot of the configuration. */
export function processSettings({ values, world, workerProcesses, report }: ProcessInput): ProcessSettings {
  const inDirectory = (path: string): string => (path.startsWith("/") ? path : `${world.cwd}/${path}`);
  const pid = values.optional(pidRow);
  return {
    binds: bindsOf(values, report).map((one) => (one.kind === "unix" ? { ...one, path: inDirectory(one.path) } : one)),
    workerProcesses,
    pid: pid === undefined ? undefined : inDirectory(pid),
    user: values.optional(userRow),
    group: values.optional(groupRow),
    umask: values.optional(umaskRow),
  };
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
