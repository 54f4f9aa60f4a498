/**
 * The logs' options.
 */
import { choice, onOff, text } from "../config/arguments.ts";
import type { AnyRow, DefaultedRow, OptionRow } from "../config/directive.ts";
import type { LogLevel } from "../config/model.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive, onOffWord, withoutVariables } from "../config/statements.ts";

const accessLogRow: DefaultedRow<boolean> = {
  name: "access-log",
  argument: onOff(),
  // gunicorn's default, not uvicorn's: a line for each request costs, and in most deployments somebody in front logs.
  default: "off",
  group: "Logs",
  doc: "Write a line for each request to standard output; --no-access-log also silences --access-logfile.",
  example: "tricorn shop.wsgi --access-log",
};

const accessLogfileRow: OptionRow<string> = {
  name: "access-logfile",
  argument: text("PATH"),
  group: "Logs",
  doc: "Write these lines to a file; -: standard output.",
  example: "tricorn shop.wsgi --access-logfile /var/log/shop/access.log",
  nginx: "access_log",
};

const accessLogFormatRow: DefaultedRow<string> = {
  name: "access-logformat",
  aliases: ["access-log-format"],
  argument: text("FORMAT"),
  default: "combined",
  group: "Logs",
  doc: "The line, in gunicorn's atoms, or the word combined.",
  example: `tricorn shop.wsgi --access-log --access-logformat '%(h)s "%(r)s" %(s)s %(M)s'`,
  nginx: "log_format",
};

const errorLogfileRow: DefaultedRow<string> = {
  name: "error-logfile",
  aliases: ["log-file"],
  argument: text("PATH"),
  default: "-",
  group: "Logs",
  doc: "Tricorn's own messages and all that the application prints go to this file; -: standard error.",
  example: "tricorn shop.wsgi --error-logfile /var/log/shop/error.log",
  nginx: "error_log",
};

const logLevelRow: DefaultedRow<LogLevel> = {
  name: "log-level",
  argument: choice(["critical", "error", "warning", "info", "debug", "trace"]),
  default: "info",
  group: "Logs",
  doc: "The least important messages that are still written; what the application prints always is.",
  example: "tricorn shop.wsgi --log-level warning",
  nginx: "error_log",
};

const useColorsRow: OptionRow<boolean> = {
  name: "use-colors",
  argument: onOff(),
  group: "Logs",
  doc: "Colours in the log; left out: on a terminal, unless NO_COLOR is set.",
  example: "tricorn shop.wsgi --no-use-colors",
};

export const logRows: readonly AnyRow[] = [
  accessLogRow,
  accessLogfileRow,
  accessLogFormatRow,
  errorLogfileRow,
  logLevelRow,
  useColorsRow,
];

/** nginx's names of levels that have another one there. */
const levelWords: Readonly<Partial<Record<LogLevel, string>>> = { critical: "crit", warning: "warn" };

/** What stands in the main context about errors; paths are made absolute against `cwd`. */
export function errorLogStatements(values: OptionValues, cwd: string): readonly Statement[] {
  const level = values.one(logLevelRow);
  const path = values.one(errorLogfileRow);
  const colors = values.optional(useColorsRow);
  return [
    directive("error_log", path === "-" ? "stderr" : absolute(path, cwd), levelWords[level] ?? level),
    ...(colors === undefined ? [] : [directive("log_colors", onOffWord(colors))]),
  ];
}

/** What stands in `http` about the access log. */
export function accessLogStatements(values: OptionValues, cwd: string): readonly Statement[] {
  const silenced = values.source(accessLogRow) !== "default" && !values.one(accessLogRow);
  const path = values.optional(accessLogfileRow) ?? (values.one(accessLogRow) ? "-" : undefined);
  if (silenced || path === undefined) return [];
  return [
    // gunicorn's `combined` writes a dash for a body without bytes, nginx's a zero.
    directive("log_format", "gunicorn", "escape=atoms", values.one(accessLogFormatRow)),
    directive("access_log", path === "-" ? "-" : withoutVariables(absolute(path, cwd)), "gunicorn"),
  ];
}

function absolute(path: string, cwd: string): string {
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}
