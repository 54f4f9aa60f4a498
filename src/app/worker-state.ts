/** What a worker's state file says (docs/wire.md, "The state file"), read after its death. */
import { readFile } from "node:fs/promises";

const LAST_STARTED_OFFSET = 2048;
const FILE_SIZE = 4096;

/**
 * The id of the last request of this edge thread that the worker started.
 * @returns undefined when the file cannot be read: then everything must be taken as started
 */
export async function lastStarted(statePath: string, edge: number): Promise<number | undefined> {
  try {
    const file = await readFile(statePath);
    return file.length < FILE_SIZE ? undefined : file.readUInt32LE(LAST_STARTED_OFFSET + edge * 4);
  } catch {
    // Removed with its run directory, or never made: nothing is known, so nothing is tried twice.
    return undefined;
  }
}

/** Was `id` given after `last`? Ids wrap at 2³¹, so they are compared as distances. */
export function startsAfter(id: number, last: number): boolean {
  return last === 0 || ((id - last) & 0x7fffffff) - 1 < 0x3fffffff && id !== last;
}
