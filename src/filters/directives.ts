/** The directives of responses on their way out, and what they say. */
import type { Block } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import { additionSettings, bodyDirectives, substitutionSettings } from "./body-directives.ts";
import { charsetDirectives, charsetMistakes, charsetSettings } from "./charset-directives.ts";
import { addedHeaders, addedTrailers, expiresSettings, headerDirectives } from "./header-directives.ts";
import type { ResponseSettings } from "./settings.ts";
import { userIdDirectives, userIdSettings } from "./user-id-directives.ts";

export { charsetRow, isUtf8Said } from "./charset-directives.ts";

/** All rows of this room. */
export const filterDirectives: readonly AnyDirectiveRow[] = [
  ...headerDirectives, ...charsetDirectives, ...bodyDirectives, ...userIdDirectives,
];

/** What responseSettings() depends on. */
export const responseRows: readonly AnyDirectiveRow[] = filterDirectives;

/** What is in force in a block; undefined when responses leave as they are. */
export function responseSettings(block: Block): ResponseSettings | undefined {
  const settings: ResponseSettings = {
    headers: addedHeaders(block),
    trailers: addedTrailers(block),
    expires: expiresSettings(block),
    charset: charsetSettings(block),
    substitution: substitutionSettings(block),
    addition: additionSettings(block),
    userId: userIdSettings(block),
  };
  const { headers, trailers, ...groups } = settings;
  const isEmpty = headers.length + trailers.length === 0 && Object.values(groups).every((group) => group === undefined);
  return isEmpty ? undefined : settings;
}

/** What is wrong and only shows when all of `http { }` was read: charsets without a map between them, and such. */
export function responseMistakes(http: Block): readonly PlacedMistake[] {
  return charsetMistakes(http);
}
