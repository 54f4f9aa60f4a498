/** The directives of logs, and what they say. */
import type { ErrorLogSettings } from "../config/model.ts";
import { type Block, type CheckedDirective, read } from "../config/nginx/block.ts";
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import { closest } from "../std/similar.ts";
import {
  COMBINED_NAME, accessLogRow, combinedFormat, logFormatRow, logSubrequestRow, openLogFileCacheRow,
} from "./access-log-rows.ts";
import { errorLogRow, logColorsRow } from "./error-log-row.ts";
import type { AccessLogSettings, AccessLogTarget, LogFormat } from "./settings.ts";
import { isSyslog } from "./syslog-target.ts";

/** All rows of this room. */
export const observeDirectives: readonly AnyDirectiveRow[] = [
  logFormatRow, accessLogRow, openLogFileCacheRow, logSubrequestRow, errorLogRow, logColorsRow,
];

/** What accessLogSettings() depends on. */
export const accessLogRows: readonly AnyDirectiveRow[] = [accessLogRow, openLogFileCacheRow, logSubrequestRow];

/** What errorLogSettings() depends on. */
export const errorLogRows: readonly AnyDirectiveRow[] = [errorLogRow];

/** The formats of `http { }`, nginx's own `combined` first. */
export function logFormatsOf(http: Block): readonly LogFormat[] {
  return [combinedFormat(), ...http.own(logFormatRow).map(({ directive }) => read(logFormatRow, directive))];
}

/** The access logs in force in a block. @param prefix what relative paths begin with: an absolute directory */
export function accessLogSettings(block: Block, prefix: string): AccessLogSettings {
  const written = block.all(accessLogRow);
  // In nginx, too, "off" beside others turns them all off.
  const logs = written.includes(undefined) ? [] : written.flatMap((log) => (log === undefined ? [] : [log]));
  return {
    logs: logs.map((log) => ({ ...log, path: absolute(log.path, prefix) })),
    openFileCache: block.one(openLogFileCacheRow),
    logSubrequests: block.one(logSubrequestRow),
  };
}

/**
 * The error logs in force in a block.
 * @param fallback where errors go when no error_log is written: what `-e` names, "-" for standard error
 */
export function errorLogSettings(block: Block, prefix: string, fallback: string): readonly ErrorLogSettings[] {
  const logs = block.all(errorLogRow).map(({ path, level }) => ({ path: absoluteFile(path, prefix), level }));
  return logs.length > 0 ? logs : [{ path: absoluteFile(fallback, prefix), level: "error" }];
}

/** Are there colours on standard error? Undefined where the main context does not say it: see wantsColors(). */
export function logColors(main: Block): boolean | undefined {
  return main.optional(logColorsRow);
}

function absolute(path: string | ComplexValue, prefix: string): string | ComplexValue {
  if (typeof path === "string") return absoluteFile(path, prefix);
  const [first, ...rest] = path;
  if (first?.kind !== "literal") return [{ kind: "literal", text: absoluteFile("", prefix) }, ...path];
  return [{ kind: "literal", text: absoluteFile(first.text, prefix) }, ...rest];
}

function absoluteFile(path: string, prefix: string): string {
  if (path === "-" || path.startsWith("/") || isSyslog(path)) return path;
  return `${prefix}${prefix.endsWith("/") ? "" : "/"}${path}`;
}

/** What is wrong with logs and only shows when all of `http { }` was read: formats that nobody defined, and such. */
export function logMistakes(http: Block, prefix: string): readonly PlacedMistake[] {
  const check = new LogCheck(prefix);
  check.visit(http);
  return check.mistakes;
}

/** Reads all blocks in their order, as nginx does. */
class LogCheck {
  readonly mistakes: PlacedMistake[] = [];
  readonly #prefix: string;
  readonly #formats = new Set<string>([COMBINED_NAME]);
  /** By absolute path. */
  readonly #buffered = new Map<string, AccessLogTarget>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  visit({ directives }: Block): void {
    for (const { row, directive, block } of directives) {
      if (row === logFormatRow) this.#visitFormat(directive);
      else if (row === accessLogRow) this.#visitLog(directive);
      if (block !== undefined) this.visit(block);
    }
  }

  #visitFormat(directive: CheckedDirective["directive"]): void {
    const { name } = read(logFormatRow, directive);
    if (this.#formats.has(name)) {
      const hint = name === COMBINED_NAME ? "it is nginx's own: choose another name" : undefined;
      this.#tell(directive, 0, { nginx: `duplicate "log_format" name "${name}"`, hint });
    }
    this.#formats.add(name);
  }

  #visitLog(directive: CheckedDirective["directive"]): void {
    const log = read(accessLogRow, directive);
    if (log === undefined) return;
    if (!this.#formats.has(log.format)) {
      const meant = closest(log.format, this.#formats);
      const hint = meant === undefined ? "write its log_format above" : `did you mean ${meant}?`;
      this.#tell(directive, 1, { nginx: `unknown log format "${log.format}"`, hint });
    }
    if (typeof log.path !== "string" || log.bufferSize === 0) return;
    const path = absoluteFile(log.path, this.#prefix);
    const other = this.#buffered.get(path);
    this.#buffered.set(path, other ?? log);
    if (other === undefined) return;
    if (other.bufferSize === log.bufferSize && other.flushMs === log.flushMs && other.gzip === log.gzip) return;
    const nginx = `access_log "${log.path}" already defined with conflicting parameters`;
    this.#tell(directive, 0, { nginx, hint: "a file has one buffer: say the same buffer, gzip and flush everywhere" });
  }

  #tell({ name, args, terminator }: CheckedDirective["directive"], index: number, mistake: Words): void {
    this.mistakes.push({ ...mistake, place: args[index] ?? name, nginxLine: terminator.line });
  }
}

type Words = Pick<PlacedMistake, "nginx" | "hint">;
