/** What happened? */
export { AccessLogs, type AccessLogWriter } from "./access-logs.ts";
export { ErrorLog, wantsColors } from "./error-log.ts";
export type { ErrorLogOptions } from "./error-log.ts";
export { logFilePaths, prepareLogFiles } from "./log-files.ts";
export type { AccessLogSettings, AccessLogTarget, LogEscape, LogFormat, OpenLogFileCache } from "./settings.ts";
