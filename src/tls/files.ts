/** The files that settings name, read: by whoever checks a configuration, and by the master. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { systemCode } from "../std/system-reason.ts";
import type { TlsFiles } from "./settings.ts";

/** A bundle of all public authorities has 200 KB. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/** Why a file cannot be opened, in the words of nginx: "2: No such file or directory". */
export function errnoOf(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    return "it is no regular file, or too large";
  } catch (problem) {
    const isDenied = systemCode(problem) === "EACCES";
    return isDenied ? "13: Permission denied" : "2: No such file or directory";
  }
}

/** Why a file is not among those that were read, in the words of OpenSSL 3. */
export function whyUnread(path: string): string {
  const opening = `calling fopen(${path}, r)`;
  try {
    if (!statSync(path).isFile()) return "it is no regular file";
    accessSync(path, constants.R_OK);
    return `it is larger than ${FILE_SIZE_MAX} bytes`;
  } catch (problem) {
    const isDenied = systemCode(problem) === "EACCES";
    return isDenied
      ? `error:8000000D:system library::Permission denied:${opening} error:10080002:BIO routines::system lib`
      : `error:80000002:system library::No such file or directory:${opening} error:10000080:BIO routines::no such file`;
  }
}

/** @returns contents by path; what cannot be read is not among them */
export function readTlsFiles(paths: Iterable<string>): TlsFiles {
  const files = new Map<string, string>();
  for (const path of paths) {
    try {
      const found = statSync(path);
      // A pipe would be waited for, and has nothing left for the next who reads.
      if (found.isFile() && found.size <= FILE_SIZE_MAX) files.set(path, readFileSync(path, "latin1"));
    } catch {
      // Whoever needs it says that it is missing.
    }
  }
  return files;
}
