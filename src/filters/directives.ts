/** The directives of responses on their way out, and what they say. */
import type { Block } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { ResponseSettings } from "./settings.ts";

/** All rows of this room. */
export const filterDirectives: readonly AnyDirectiveRow[] = [];

/** What responseSettings() depends on. */
export const responseRows: readonly AnyDirectiveRow[] = filterDirectives;

/** What is in force in a block; undefined when responses leave as they are. */
export function responseSettings(block: Block): ResponseSettings | undefined {
  void block;
  return undefined;
}

/** What is wrong and only shows when all of `http { }` was read: charsets without a map between them. */
export function responseMistakes(http: Block): readonly PlacedMistake[] {
  void http;
  return [];
}
