/**
 * Opening files under `disable_symlinks`, part by part, as openat(2) with O_NOFOLLOW would: each directory is opened
 * below the descriptor of the one before, so that nobody can put a link in the way between a look and an opening.
 * Node has no openat; on Linux a path below /proc/self/fd/N is the same.
 */
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { OPEN_FLAGS, closeDescriptor, openDescriptor } from "../../net/index.ts";
import { concatBytes, fromLatin1, fromUtf8 } from "../../std/bytes.ts";
import { systemCode } from "../../std/system-reason.ts";
import { systemPath } from "./file-path.ts";
import type { SymlinkSettings } from "./settings.ts";

export interface Opened {
  readonly fd: number;
  readonly stats: Stats;
}

/** Parts of one path; a deeper one is nobody's (PATH_MAX allows 2,047). */
export const DEPTH_MAX = 256;

/** Opens for reading what the path names. Errors: the system's; ELOOP for a link that must not be followed. */
export async function openChecked(path: string, symlinks: SymlinkSettings): Promise<Opened> {
  if (symlinks.mode === "off") return openDescriptor(systemPath(path));
  const { start, names } = partsOf(path, symlinks.from);
  if (names.length > DEPTH_MAX) throw systemError("ENAMETOOLONG");
  let current = await openDescriptor(systemPath(start), constants.O_RDONLY | constants.O_DIRECTORY);
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    try {
      const next = await openPart(current.fd, name, isLast, symlinks.mode === "if_not_owner");
      closeDescriptor(current.fd);
      current = next;
    } catch (error) {
      closeDescriptor(current.fd);
      throw error;
    }
  }
  return current;
}

/** @returns where the walk begins, and the names below; `from` counts only where the path begins with it */
function partsOf(path: string, from: string): { readonly start: string; readonly names: readonly string[] } {
  const trusted = from.replace(/\/+$/, "");
  const isBelow = trusted !== "" && path.startsWith(`${trusted}/`);
  const start = isBelow ? trusted : path.startsWith("/") ? "/" : ".";
  const names = path.slice(isBelow ? trusted.length : 0).split("/").filter((name) => name !== "");
  return { start, names: path.endsWith("/") ? [...names, "."] : names };
}

async function openPart(directory: number, name: string, isLast: boolean, ownersMay: boolean): Promise<Opened> {
  const path = concatBytes([fromUtf8(`/proc/self/fd/${directory}/`), fromLatin1(name)]);
  const kind = isLast ? OPEN_FLAGS : constants.O_RDONLY | constants.O_DIRECTORY;
  try {
    return await openDescriptor(path, kind | constants.O_NOFOLLOW);
  } catch (error) {
    const code = systemCode(error);
    // A link that is asked to be a directory is "not a directory" rather than a loop; nginx answers 404 to that, too.
    if (!ownersMay || (code !== "ELOOP" && code !== "ENOTDIR") || !(await lstat(path)).isSymbolicLink()) throw error;
  }
  const opened = await openDescriptor(path, kind);
  const link = await lstat(path);
  if (!link.isSymbolicLink() || link.uid === opened.stats.uid) return opened;
  closeDescriptor(opened.fd);
  throw systemError("ELOOP");
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
