/** Failures of files in nginx's words, which tools read in the error log, and the statuses that they become. */
import { getSystemErrorMap } from "node:util";

/** nginx: what is not there, or may not be looked at; everything else is our fault. */
const STATUSES: Readonly<Record<string, number>> = {
  ENOENT: 404, ENOTDIR: 404, ENAMETOOLONG: 404,
  EACCES: 403, EMLINK: 403, ELOOP: 403, EPERM: 403,
};

/** glibc's words where libuv has others. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory", ENOTDIR: "Not a directory", EACCES: "Permission denied",
  ENAMETOOLONG: "File name too long", ELOOP: "Too many levels of symbolic links", EMFILE: "Too many open files",
};

export function statusOfError(code: string): number {
  return STATUSES[code] ?? 500;
}

/** "open() "/srv/x" failed (2: No such file or directory)" @param call open, stat, opendir */
export function failureNotice(call: string, path: string, code: string): string {
  for (const [number, [name, message]] of getSystemErrorMap()) {
    if (name === code) return `${call}() "${path}" failed (${-number}: ${WORDS[code] ?? message})`;
  }
  return `${call}() "${path}" failed (${code})`;
}
