/** Reads a directory for its page: names that do not begin with a dot, and what lies behind them. */
import { lstat, readdir, stat } from "node:fs/promises";
import { systemPath } from "./file-path.ts";
import type { DirectoryEntry } from "./autoindex-page.ts";

/** Names of one directory; a page of more would be 20 MB, and its sorting would keep everybody waiting. */
export const ENTRY_COUNT_MAX = 100_000;
/** Stats under way at once: enough for the four threads of libuv's pool. */
const STATS_AT_ONCE = 16;

/** @returns the entries, undefined for too many. Errors: the system's, of the directory itself */
export async function readDirectory(path: string): Promise<readonly DirectoryEntry[] | undefined> {
  const names = (await readdir(systemPath(path), { encoding: "latin1" })).filter((name) => !name.startsWith("."));
  if (names.length > ENTRY_COUNT_MAX) return undefined;
  const entries: DirectoryEntry[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      const entry = await entryOf(path, name);
      if (entry !== undefined) entries.push(entry);
    }
  };
  await Promise.all(Array.from({ length: STATS_AT_ONCE }, work));
  return entries;
}

/** A link is what it leads to, one that leads nowhere is itself; what is gone by now is left out. */
async function entryOf(directory: string, name: string): Promise<DirectoryEntry | undefined> {
  const path = systemPath(directory + name);
  try {
    const stats = await stat(path).catch(() => lstat(path));
    const kind = stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
    return { name, kind, mtimeS: Math.floor(stats.mtimeMs / 1000), size: stats.size };
  } catch {
    return undefined;
  }
}
