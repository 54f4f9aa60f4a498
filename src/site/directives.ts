/** Every directive of the language, as its room says it. */
import { acmeDirectives } from "../acme/directives.ts";
import { accessDirectives } from "../access/directives.ts";
import { appDirectives } from "../app/directives.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { edgeDirectives } from "../edge/directives.ts";
import { filterDirectives } from "../filters/directives.ts";
import { handlersDirectives } from "../handlers/directives.ts";
import { observeDirectives } from "../observe/directives.ts";
import { routeDirectives } from "../route/directives.ts";
import { supervisorDirectives } from "../supervisor/directives.ts";
import { upstreamDirectives } from "../upstream/directives.ts";
import { tlsDirectives } from "../tls/directives.ts";
import { listenRow } from "./listen.ts";

export const siteDirectives: readonly AnyDirectiveRow[] = [
  ...supervisorDirectives, ...appDirectives, ...routeDirectives, listenRow, ...edgeDirectives, ...accessDirectives,
  ...upstreamDirectives, ...handlersDirectives, ...filterDirectives, ...tlsDirectives, ...acmeDirectives,
  ...observeDirectives,
];
