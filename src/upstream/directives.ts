/** The directives of upstreams: their members, who is asked, health checks, and name servers. */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { healthDirectives } from "./directives-of-health.ts";
import { resolverDirectives } from "./directives-of-resolver.ts";
import { upstreamBlockDirectives } from "./directives-of-upstreams.ts";

export { healthCheckOf, healthCheckRow, healthMistakes } from "./directives-of-health.ts";
export { resolverRows, resolverSettings } from "./directives-of-resolver.ts";
export { appMembers, upstreamMistakes, upstreamSettings } from "./directives-of-upstreams.ts";

export const upstreamDirectives: readonly AnyDirectiveRow[] = [
  ...upstreamBlockDirectives, ...healthDirectives, ...resolverDirectives,
];
