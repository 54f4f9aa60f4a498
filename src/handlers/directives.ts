/** The directives of what makes responses. */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { passDirectives } from "./proxy/directives.ts";
import { responsesDirectives } from "./responses-directives.ts";
import { staticDirectives } from "./static/directives.ts";

export {
  type PassPlaces, fastcgiPassRow, fastcgiRows, fastcgiSettings, grpcPassRow, grpcRows, grpcSettings, mirrorRows,
  mirrorSettings, passMistakes, passPatterns, proxyPassRow, proxyRows, proxySettings, uwsgiPassRow, uwsgiRows,
  uwsgiSettings,
} from "./proxy/directives.ts";
export { emptyGifRow, stubStatusRow } from "./responses-directives.ts";
export { contentTypes, staticRows, staticSettings, typesRows } from "./static/directives.ts";

export const handlersDirectives: readonly AnyDirectiveRow[] = [
  ...staticDirectives, ...passDirectives, ...responsesDirectives,
];
