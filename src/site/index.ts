/** What does the configuration say, as a whole? */
import { accessDirectives } from "../access/directives.ts";
import { appDirectives } from "../app/directives.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { edgeDirectives } from "../edge/directives.ts";
import { filterDirectives } from "../filters/directives.ts";
import { handlersDirectives } from "../handlers/directives.ts";
import { observeDirectives } from "../observe/directives.ts";
import { routeDirectives } from "../route/directives.ts";
import { supervisorDirectives } from "../supervisor/directives.ts";
import { listenRow } from "./listen.ts";

export { buildConfiguration } from "./build-configuration.ts";
export type { BuiltConfiguration, SiteFacts } from "./build-configuration.ts";

/** Every directive of the language, as its room says it. */
export const siteDirectives: readonly AnyDirectiveRow[] = [
  ...supervisorDirectives, ...appDirectives, ...routeDirectives, listenRow, ...edgeDirectives, ...accessDirectives,
  ...handlersDirectives, ...filterDirectives, ...observeDirectives,
];
