/** The directives of applications: `app NAME { }` with what stands in it, and app_pass with what belongs to it. */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { appPassDirectives } from "./directives-of-app-pass.ts";
import { appBlockDirectives } from "./directives-of-apps.ts";

export { type AppsInput, type WrittenApp, appMistakes, writtenApps } from "./directives-apps-together.ts";
export { type AppFacts, appRow, appSettings } from "./directives-of-apps.ts";
export { appPassRow, appPassRows, appPassSettings } from "./directives-of-app-pass.ts";

export const appDirectives: readonly AnyDirectiveRow[] = [...appBlockDirectives, ...appPassDirectives];
