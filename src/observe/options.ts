/**
 * The logs' options.
 */
import { choice, onOff, text } from "../config/arguments.ts";
import type { AnyRow, DefaultedRow, OptionRow } from "../config/directive.ts";
import type { LogLevel } from "../config/model.ts";
import type { OptionValues } from "../config/option-values.ts";

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

/** What the options say about logs. */
export interface LogOptions {
  /** "-" for standard output, a path, or undefined for none. */
  readonly accessLog: string | undefined;
  /** gunicorn's atoms, or the word "combined". */
  readonly accessLogFormat: string;
  /** "-" for standard error, else a path. */
  readonly errorLog: string;
  readonly level: LogLevel;
  readonly useColors: boolean | undefined;
}

/** Reads the options; paths are made absolute against `cwd`. */
export function logSettings(values: OptionValues, cwd: string): LogOptions {
  const inDirectory = (path: string): string => (path === "-" || path.startsWith("/") ? path : `${cwd}/${path}`);
  const silenced = values.source(accessLogRow) !== "default" && !values.one(accessLogRow);
  const accessLog = values.optional(accessLogfileRow) ?? (values.one(accessLogRow) ? "-" : undefined);
  return {
    accessLog: silenced || accessLog === undefined ? undefined : inDirectory(accessLog),
    accessLogFormat: values.one(accessLogFormatRow),
    errorLog: inDirectory(values.one(errorLogfileRow)),
    level: values.one(logLevelRow),
    useColors: values.optional(useColorsRow),
  };
}
