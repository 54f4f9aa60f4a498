/**
 * The files of a configuration's logs, for the master: it may make what the unprivileged edge may only write to, as
 * nginx's master opens its logs before its workers give up their rights.
 */
import { closeSync, constants, fchownSync, fstatSync, openSync } from "node:fs";
import type { ErrorLogSettings } from "../config/model.ts";
import { standardOf } from "./log-sink.ts";
import type { AccessLogSettings } from "./settings.ts";
import { isSyslog } from "./syslog-target.ts";

/** What nginx gives its logs, less the umask. */
const MODE = 0o644;

/** Absolute paths, each once; those with variables are not known before there are requests. */
export function logFilePaths(
  accessLogs: Iterable<AccessLogSettings>, errorLogs: Iterable<readonly ErrorLogSettings[]>,
): readonly string[] {
  const access = [...accessLogs].flatMap(({ logs }) => logs.map(({ path }) => path));
  const error = [...errorLogs].flatMap((logs) => logs.map(({ path }) => path));
  const files = [...access, ...error].filter((path) => typeof path === "string")
    .filter((path) => path !== "-" && !isSyslog(path));
  return [...new Set(files)];
}

/**
 * Makes the files that are not there, and gives those of our own user to `owner`, so that the edge can write to them:
 * at the start, and before the edge is told to reopen its logs.
 * @param owner as whom the edge runs; undefined when that is this process's user
 * @returns those that cannot be opened, with the system's error: "open() … failed" is nginx's word for it
 */
export function prepareLogFiles(
  paths: readonly string[], owner: { readonly uid: number } | undefined,
): readonly { readonly path: string; readonly error: unknown }[] {
  const failed: { readonly path: string; readonly error: unknown }[] = [];
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  for (const path of paths) {
    if (standardOf(path) !== undefined) continue;
    try {
      const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE);
      if (owner !== undefined) give(fd, owner.uid);
      closeSync(fd);
    } catch (error) {
      // ENXIO: a named pipe that nobody reads yet.
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") failed.push({ path, error });
    }
  }
  return failed;
}

/** Whoever may write to a log's directory could have linked it to another file of ours: that one is not given away. */
function give(fd: number, uid: number): void {
  const file = fstatSync(fd);
  if (file.isFile() && file.nlink === 1 && file.uid === process.getuid?.() && file.uid !== uid) {
    fchownSync(fd, uid, file.gid);
  }
}
