/**
 * The log files of a configuration, made and opened once before anything serves: a start, a reload and `-t` are refused
 * for the same logs, and the unprivileged edge finds files that it may write to.
 */
import type { Configuration } from "../edge/model.ts";
import { logFilePaths, prepareLogFiles } from "../observe/index.ts";
import { systemReason } from "../std/system-reason.ts";

/**
 * nginx's words for each log that cannot be opened. Files that are missing are made, as nginx makes them.
 * @param owner whom they are given to; undefined when that is this process's user
 */
export function unopenableLogs(
  { process: { errorLogs }, site: { locations } }: Configuration, owner: { readonly uid: number } | undefined,
): readonly string[] {
  // Locations without logs of their own share those of the block around them.
  const paths = logFilePaths(
    new Set(locations.map(({ accessLogs }) => accessLogs)),
    [errorLogs, ...new Set(locations.map((location) => location.errorLogs))],
  );
  return prepareLogFiles(paths, owner).map(({ path, error }) => `open() "${path}" failed (${systemReason(error)})`);
}
