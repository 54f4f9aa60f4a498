/**
 * `-t` opens what a start would open to write: a file that passes is not refused by the next reload for its logs.
 */
import { closeSync, openSync } from "node:fs";
import type { Configuration } from "../edge/model.ts";
import { systemReason } from "../std/system-reason.ts";

/** nginx's words for each log that cannot be opened. Files that are missing are made, as nginx makes them. */
export function unopenableLogs({ process: { errorLogs }, site }: Configuration): readonly string[] {
  const paths = new Set(errorLogs.map(({ path }) => path));
  // Locations without logs of their own share those of the block around them.
  for (const logs of new Set(site.locations.map((location) => location.errorLogs))) {
    for (const { path } of logs) paths.add(path);
  }
  for (const { logs } of new Set(site.locations.map(({ accessLogs }) => accessLogs))) {
    for (const { path } of logs) if (typeof path === "string") paths.add(path);
  }
  return [...paths].filter((path) => path.startsWith("/")).flatMap((path) => {
    try {
      closeSync(openSync(path, "a", 0o644));
      return [];
    } catch (problem) {
      return [`open() "${path}" failed (${systemReason(problem)})`];
    }
  });
}
