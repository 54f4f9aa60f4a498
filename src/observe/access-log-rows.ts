/**
 * Rows of access logs: ngx_http_log_module's, and log_subrequest of the core. What is refused is refused in nginx's
 * words.
 */
import { onOff } from "../config/nginx/argument-types.ts";
import { type ComplexValue, type ValuePart, constantOf, parseComplexValue } from "../config/nginx/complex-value.ts";
import {
  ARGUMENT_COUNT_MAX, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import { parseSizeText, parseTimeText } from "../config/nginx/units.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { AccessLogTarget, LogEscape, LogFormat, OpenLogFileCache } from "./settings.ts";
import { isSyslog, parseSyslog } from "./syslog-target.ts";

const module = "ngx_http_log_module";

/** nginx's own. */
export const COMBINED_NAME = "combined";
const combinedText =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** nginx's predefined format. */
export function combinedFormat(): LogFormat {
  const value = parseComplexValue(combinedText);
  return { name: COMBINED_NAME, escape: "default", value: value.ok ? value.value : [] };
}

const escapes: readonly (LogEscape | "atoms")[] = ["default", "json", "none", "atoms"];

const logFormatArguments: Arguments<LogFormat> = {
  label: "name [escape=default|json|none] string ...",
  countMin: 2,
  countMax: ARGUMENT_COUNT_MAX,
  parse: ([name = "", ...rest]) => {
    const [, written] = /^escape=(.*)$/s.exec(rest[0] ?? "") ?? [];
    const escape = written === undefined ? "default" : escapes.find((known) => known === written);
    if (escape === undefined) {
      return err({
        nginx: `unknown log format escaping "${written ?? ""}"`,
        expected: "escape= with default, json, none, or atoms for gunicorn's formats",
        index: 1,
        words: escapes.map((known) => `escape=${known}`),
      });
    }
    const strings = written === undefined ? rest : rest.slice(1);
    if (escape === "atoms") return ok({ name, escape, value: strings.join("") });
    const parts: ValuePart[] = [];
    for (const [index, word] of strings.entries()) {
      const value = parseFormatString(word);
      if (!value.ok) {
        const place = index + (written === undefined ? 1 : 2);
        return err({ nginx: value.error, expected: undefined, index: place });
      }
      append(parts, value.value);
    }
    return ok({ name, escape, value: parts });
  },
};

/** Formats know no captures, and nginx has other words for what is no name. */
function parseFormatString(word: string): Result<ComplexValue, string> {
  const value = parseComplexValue(word);
  if (!value.ok) {
    const at = word.search(/\$(?!\{\w|\w)/);
    return err(at < 0 ? value.error : `invalid parameter "${word.slice(at)}"`);
  }
  const capture = value.value.find((part) => part.kind === "capture");
  return capture === undefined ? value : err(`unknown "${capture.index}" variable`);
}

/** Joins literals that meet. */
function append(parts: ValuePart[], more: ComplexValue): void {
  for (const part of more) {
    const last = parts.at(-1);
    if (last?.kind === "literal" && part.kind === "literal") {
      parts[parts.length - 1] = { kind: "literal", text: last.text + part.text };
    } else parts.push(part);
  }
}

export const logFormatRow: DirectiveRow<LogFormat> = {
  name: "log_format",
  contexts: ["http"],
  arguments: logFormatArguments,
  mayRepeat: true,
  merge: "none",
  module,
  doc: "A line of an access log. escape=atoms, which nginx does not have, takes gunicorn's atoms, such as %(h)s.",
  example: "log_format timed '$remote_addr \"$request\" $status $request_time';",
};

/** access_log as it is written: the path is not yet made absolute. Undefined is `off`. */
export type AccessLogWords = AccessLogTarget | undefined;

/** Bytes that are gathered when gzip does not say how many. */
const GZIP_BUFFER_SIZE = 65_536;
const GZIP_LEVEL = 1;

const logParameters: Readonly<Record<string, (value: string) => Result<Partial<AccessLogTarget>, string>>> = {
  "buffer=": (value) => {
    const bufferSize = parseSizeText(value, false);
    return bufferSize ? ok({ bufferSize }) : err(`invalid buffer size "${value}"`);
  },
  "gzip": () => ok({ gzip: GZIP_LEVEL }),
  "gzip=": (value) => {
    const isLevel = /^[1-9]$/.test(value);
    return isLevel ? ok({ gzip: Number(value) }) : err(`invalid compression level "${value}"`);
  },
  "flush=": (value) => {
    const flushMs = parseTimeText(value, "milliseconds");
    return flushMs ? ok({ flushMs }) : err(`invalid flush time "${value}"`);
  },
  "if=": (value) => {
    const condition = parseComplexValue(value);
    return condition.ok ? ok({ condition: condition.value }) : condition;
  },
};

const accessLogArguments: Arguments<AccessLogWords> = {
  label: "path [format [buffer=size] [gzip[=level]] [flush=time] [if=condition]] | off",
  countMin: 1,
  countMax: ARGUMENT_COUNT_MAX,
  parse: (words) => {
    const [written = "", format = COMBINED_NAME, ...parameters] = words;
    if (written === "off") {
      return words.length === 1 ? ok(undefined) : err({ ...invalid(words[1] ?? ""), index: 1 });
    }
    const path = parsePath(written);
    if (!path.ok) return path;
    let log: AccessLogTarget = {
      path: path.value, format, bufferSize: 0, flushMs: undefined, gzip: undefined, condition: undefined,
    };
    for (const [index, word] of parameters.entries()) {
      const [, name = word, value = ""] = /^(\w+=)(.*)$/s.exec(word) ?? [];
      const parameter = logParameters[name];
      if (parameter === undefined) return err({ ...invalid(word), index: index + 2 });
      const said = parameter(value);
      if (!said.ok) return err({ nginx: said.error, expected: undefined, index: index + 2 });
      log = { ...log, ...said.value };
    }
    if (log.gzip !== undefined && log.bufferSize === 0) log = { ...log, bufferSize: GZIP_BUFFER_SIZE };
    const fault = faultOf(log, written);
    return fault === undefined ? ok(log) : err({ nginx: fault, expected: undefined, index: 0 });
  },
};

function parsePath(written: string): Result<string | ComplexValue, ArgumentRefusal> {
  // nginx takes the empty name for standard error.
  if (written === "") return ok("/dev/stderr");
  if (isSyslog(written)) {
    const target = parseSyslog(written);
    return target.ok ? ok(written) : err({ ...target.error, index: 0 });
  }
  const value = parseComplexValue(written);
  if (!value.ok) return err({ nginx: value.error, expected: undefined, index: 0 });
  return ok(constantOf(value.value) ?? value.value);
}

/** What does not go together. */
function faultOf(log: AccessLogTarget, written: string): string | undefined {
  if (log.flushMs !== undefined && log.bufferSize === 0) return `no buffer is defined for access_log "${written}"`;
  if (log.bufferSize === 0) return undefined;
  if (typeof log.path !== "string") return "buffered logs cannot have variables in name";
  return isSyslog(log.path) ? "logs to syslog cannot be buffered" : undefined;
}

function invalid(word: string): Pick<ArgumentRefusal, "nginx" | "expected" | "words"> {
  const words = Object.keys(logParameters);
  return { nginx: `invalid parameter "${word}"`, expected: `one of ${words.join(", ")}`, words };
}

export const accessLogRow: DirectiveRow<AccessLogWords> = {
  name: "access_log",
  contexts: ["http", "server", "location", "if in location", "limit_except"],
  arguments: accessLogArguments,
  mayRepeat: true,
  merge: "nearest",
  module,
  doc: "Where requests are logged, and how. Unlike nginx, nothing is logged until it is written; - is standard output.",
  example: "access_log /var/log/shop.log combined buffer=32k flush=5s;",
};

/** nginx's "open_log_file_cache": inactive=10s min_uses=1 valid=60s. */
const cacheDefaults: OpenLogFileCache = { max: 0, inactiveMs: 10_000, minUses: 1, validMs: 60_000 };

const cacheParameters: Readonly<Record<string, (value: string) => Partial<OpenLogFileCache> | undefined>> = {
  "max=": (value) => (/^\d{1,9}$/.test(value) ? { max: Number(value) } : undefined),
  "min_uses=": (value) => (/^\d{1,9}$/.test(value) ? { minUses: Number(value) } : undefined),
  "inactive=": (value) => {
    const inactiveMs = parseTimeText(value, "seconds");
    return inactiveMs === undefined ? undefined : { inactiveMs };
  },
  "valid=": (value) => {
    const validMs = parseTimeText(value, "seconds");
    return validMs === undefined ? undefined : { validMs };
  },
};

const openLogFileCacheArguments: Arguments<OpenLogFileCache | undefined> = {
  label: "max=N [inactive=time] [min_uses=N] [valid=time] | off",
  countMin: 1,
  countMax: 4,
  parse: (words, directive) => {
    let cache = cacheDefaults;
    for (const [index, word] of words.entries()) {
      if (word === "off") continue;
      const [, name = "", value = ""] = /^(\w+=)(.*)$/s.exec(word) ?? [];
      const said = cacheParameters[name]?.(value);
      if (said === undefined) {
        const nginx = `invalid "${directive}" parameter "${word}"`;
        return err({ nginx, expected: undefined, index, words: Object.keys(cacheParameters) });
      }
      cache = { ...cache, ...said };
    }
    if (words.includes("off")) return ok(undefined);
    if (cache.max > 0) return ok(cache);
    return err({ nginx: `"${directive}" must have "max" parameter`, expected: undefined, index: 0 });
  },
};

export const openLogFileCacheRow: DefaultedDirectiveRow<OpenLogFileCache | undefined> = {
  name: "open_log_file_cache",
  contexts: ["http", "server", "location"],
  arguments: openLogFileCacheArguments,
  default: "off",
  merge: "nearest",
  module,
  doc: "Keeps access logs open whose paths have variables.",
  example: "open_log_file_cache max=1000 inactive=20s valid=1m min_uses=2;",
};

export const logSubrequestRow: DefaultedDirectiveRow<boolean> = {
  name: "log_subrequest",
  contexts: ["http", "server", "location"],
  arguments: one(onOff()),
  default: "off",
  merge: "nearest",
  module: "ngx_http_core_module",
  doc: "Are requests within requests, such as those of add_before_body, logged, too?",
  example: "log_subrequest on;",
};
