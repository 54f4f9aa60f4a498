/** The files that settings name, read: by whoever checks a configuration, and by the master. */
import { readFileSync, statSync } from "node:fs";
import type { TlsFiles } from "./settings.ts";

/** A bundle of all public authorities has 200 KB. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/** @returns contents by path; what cannot be read is not among them */
export function readTlsFiles(paths: Iterable<string>): TlsFiles {
  const files = new Map<string, string>();
  for (const path of paths) {
    try {
      if (statSync(path).size <= FILE_SIZE_MAX) files.set(path, readFileSync(path, "latin1"));
    } catch {
      // Whoever needs it says that it is missing.
    }
  }
  return files;
}
