/**
 * The file system as nginx's language sees it.
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { type Files, TEXT_SIZE_MAX } from "../config/nginx/read-tree.ts";
import { err, ok, type Result } from "../std/result.ts";
import { systemReason } from "../std/system-reason.ts";
import { glob } from "./glob.ts";

export function realFiles(): Files {
  return { readText, glob: (pattern) => glob(pattern, { list, exists }) };
}

const chunkSize = 65_536;

/** Whatever can be read to its end, a pipe, too; not its size counts, but what comes. */
function readText(path: string): Result<string, string> {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkSize);
      const count = readSync(fd, chunk);
      if (count === 0) return ok(Buffer.concat(chunks, size).toString("utf8"));
      chunks.push(chunk.subarray(0, count));
      size += count;
      if (size > TEXT_SIZE_MAX) return err("27: File too large");
    }
  } catch (problem) {
    return err(systemReason(problem));
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not there, not a directory, not to be read: nothing in it can match, as in glob(3).
    return [];
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // In a directory that this user may not search.
    return false;
  }
}
