/** What can the operator type? */
export { checkConfigRow, helpRow, printConfigRow, versionRow } from "./options.ts";
export { helpText } from "./help.ts";
export { printConfig } from "./print-config.ts";
export { realWorld } from "./world.ts";
