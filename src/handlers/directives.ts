/** The directives of what makes responses. */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { staticDirectives } from "./static/directives.ts";

export { contentTypes, staticDirectives, staticRows, staticSettings, typesRows } from "./static/directives.ts";

export const handlersDirectives: readonly AnyDirectiveRow[] = [...staticDirectives];
