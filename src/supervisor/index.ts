/** Who lives, who dies? */
export { type ExitStatus, exitStatus } from "./exit-status.ts";
export { unopenableLogs } from "./open-logs.ts";
export { start, type StartOptions } from "./start.ts";
