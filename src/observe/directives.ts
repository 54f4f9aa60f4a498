/** The directives of logs, and what they say. */
import type { Block } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { AccessLogSettings, ErrorLogTarget, LogFormat } from "./settings.ts";

/** All rows of this room. */
export const observeDirectives: readonly AnyDirectiveRow[] = [];

/** What accessLogSettings() depends on. */
export const accessLogRows: readonly AnyDirectiveRow[] = [];

/** What errorLogSettings() depends on. */
export const errorLogRows: readonly AnyDirectiveRow[] = [];

/** The formats of `http { }`, nginx's own `combined` first. */
export function logFormatsOf(http: Block): readonly LogFormat[] {
  void http;
  return [];
}

/** The access logs in force in a block. @param prefix what relative paths begin with: an absolute directory */
export function accessLogSettings(block: Block, prefix: string): AccessLogSettings {
  void [block, prefix];
  return { logs: [], openFileCache: undefined, logSubrequests: false };
}

/**
 * The error logs in force in a block.
 * @param fallback where errors go when no error_log is written: what `-e` names, "-" for standard error
 */
export function errorLogSettings(block: Block, prefix: string, fallback: string): readonly ErrorLogTarget[] {
  void [block, prefix];
  return [{ path: fallback, level: "error" }];
}

/** What is wrong with logs and only shows when all of `http { }` was read: formats that nobody defined, and such. */
export function logMistakes(http: Block): readonly PlacedMistake[] {
  void http;
  return [];
}
