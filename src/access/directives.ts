/** The directives of access, and what they say. */
import type { Block } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { AccessSettings } from "./settings.ts";

/** All rows of this room. */
export const accessDirectives: readonly AnyDirectiveRow[] = [];

/** What accessSettings() depends on. */
export const accessRows: readonly AnyDirectiveRow[] = accessDirectives;

/** What is in force in a block. */
export function accessSettings(block: Block): AccessSettings {
  void block;
  return { satisfy: "all", rules: [], realip: undefined, forwardedAllowIps: undefined, referers: undefined };
}
