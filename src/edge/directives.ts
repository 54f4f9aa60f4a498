/** The edge's directives: HTTP's limits and timeouts, and WebSocket. */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { coreDirectives } from "./core-directives.ts";
import { webSocketRows } from "./websocket-directives.ts";

export { httpRows, httpSettings } from "./core-directives.ts";
export { webSocketRows, webSocketSettings } from "./websocket-directives.ts";

export const edgeDirectives: readonly AnyDirectiveRow[] = [...coreDirectives, ...webSocketRows];
