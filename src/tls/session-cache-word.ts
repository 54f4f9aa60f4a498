/** The words of `ssl_session_cache`. */
import type { ArgumentRefusal } from "../config/nginx/directive-row.ts";
import { parseSizeText } from "../config/nginx/units.ts";
import { err, ok, type Result } from "../std/result.ts";

export interface SessionCache {
  readonly shared: { readonly name: string; readonly size: number } | undefined;
}

/** nginx: 8 pages. */
const ZONE_SIZE_MIN = 32_768;

/** nginx's checks and words. */
export function parseSessionCache(words: readonly string[]): Result<SessionCache, ArgumentRefusal> {
  let shared: SessionCache["shared"];
  for (const [index, word] of words.entries()) {
    const refuse = (nginx: string, expected?: string): Result<SessionCache, ArgumentRefusal> =>
      err({ nginx, expected, index });
    if (word === "off" || word === "none" || /^builtin(?::\d{1,9})?$/.test(word)) continue;
    const [, name, sizeText = ""] = /^shared:([^:]+):(.*)$/s.exec(word) ?? [];
    if (name === undefined) {
      return refuse(`invalid session cache "${word}"`, "off, none, builtin[:size] or shared:name:size");
    }
    const size = parseSizeText(sizeText, false);
    if (size === undefined) return refuse(`invalid session cache "${word}"`, "a cache such as shared:SSL:10m");
    if (size < ZONE_SIZE_MIN) return refuse(`session cache "${word}" is too small`);
    shared = { name, size };
  }
  return ok({ shared });
}
