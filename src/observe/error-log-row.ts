/** The rows of error logs. What is refused is refused in nginx's words. */
import type { ErrorLogSettings, LogLevel } from "../config/model.ts";
import { onOff } from "../config/nginx/argument-types.ts";
import {
  ARGUMENT_COUNT_MAX, type ArgumentRefusal, type Arguments, type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import { err, ok, type Result } from "../std/result.ts";
import { isSyslog, parseSyslog } from "./syslog-target.ts";

/** nginx's levels, and what they are here; "trace" is ours. */
const levels: Readonly<Record<string, LogLevel>> = {
  emerg: "critical", alert: "critical", crit: "critical", error: "error", warn: "warning", notice: "info", info: "info",
  debug: "debug", trace: "trace",
};

/** Parts of the debug level, of which several may be named. */
const debugParts: readonly string[] = [
  "debug_core", "debug_alloc", "debug_mutex", "debug_event", "debug_http", "debug_mail", "debug_stream",
];

const errorLogArguments: Arguments<ErrorLogSettings> = {
  label: "file [level]",
  countMin: 1,
  countMax: ARGUMENT_COUNT_MAX,
  parse: ([file = "", ...words]) => {
    const path = parsePath(file);
    if (!path.ok) return path;
    const level = parseLevel(words);
    return level.ok ? ok({ path: path.value, level: level.value }) : level;
  },
};

function parsePath(file: string): Result<string, ArgumentRefusal> {
  if (file === "stderr" || file === "") return ok("-");
  if (file.startsWith("memory:")) {
    const expected = "a file, stderr or syslog:server=…; nothing is kept in memory here: write to a file on a tmpfs";
    return err({ nginx: "nginx was built without debug support", expected, index: 0 });
  }
  if (!isSyslog(file)) return ok(file);
  const target = parseSyslog(file);
  return target.ok ? ok(file) : err({ ...target.error, index: 0 });
}

function parseLevel(words: readonly string[]): Result<LogLevel, ArgumentRefusal> {
  let level: LogLevel | undefined;
  let isPart = false;
  for (const [at, word] of words.entries()) {
    const index = at + 1;
    if (debugParts.includes(word) && (level === undefined || isPart)) {
      level = "debug";
      isPart = true;
      continue;
    }
    const known = Object.hasOwn(levels, word) ? levels[word] : undefined;
    if (known === undefined && !debugParts.includes(word)) {
      const why = word === "json" ? "; lines are not written as JSON here" : "";
      const expected = `one of ${Object.keys(levels).join(", ")}${why}`;
      return err({ nginx: `invalid log level "${word}"`, expected, index, words: Object.keys(levels) });
    }
    if (level !== undefined) return err({ nginx: `duplicate log level "${word}"`, expected: undefined, index });
    level = known;
  }
  return ok(level ?? "error");
}

export const errorLogRow: DirectiveRow<ErrorLogSettings> = {
  name: "error_log",
  contexts: ["main", "http", "server", "location"],
  arguments: errorLogArguments,
  mayRepeat: true,
  merge: "nearest",
  module: "ngx_core_module",
  doc: "Where errors are logged, and from which level on. In the main context: of the whole program and its apps.",
  example: "error_log /var/log/shop-error.log warn;",
};

export const logColorsRow: DirectiveRow<boolean> = {
  name: "log_colors",
  contexts: ["main"],
  arguments: one(onOff()),
  merge: "none",
  module: "tricorn",
  doc: "Colours in what is logged to standard error; not written: on a terminal, unless NO_COLOR is set.",
  example: "log_colors off;",
};
