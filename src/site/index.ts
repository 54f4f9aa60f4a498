/** What does the configuration say, as a whole? */
export { buildConfiguration } from "./build-configuration.ts";
export type { BuiltConfiguration, SiteFacts } from "./build-configuration.ts";
export { siteDirectives } from "./directives.ts";
