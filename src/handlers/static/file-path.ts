/**
 * Which file a path means. Paths come normalised from the router; this is the second lock on the same door, because
 * `alias` joins texts where no slash need be between them: location /i { alias /d/; } and /i../x.
 */
import type { PathLike } from "node:fs";
import { fromLatin1 } from "../../std/bytes.ts";
import type { FileMapping } from "./settings.ts";

/** PATH_MAX of Linux, with the NUL that the kernel adds. */
const PATH_SIZE_MAX = 4095;

/**
 * @param path of the request, normalised, one character a byte
 * @param directory in force for this request
 * @returns undefined when it would leave the directory, or no file can have such a name
 */
export function filePath(mapping: FileMapping, directory: string, path: string): string | undefined {
  const rest = mapping.kind === "root" ? path : mapping.kind === "file" ? "" : path.slice(mapping.prefix.length);
  if (rest.includes("\0") || directory.includes("\0")) return undefined;
  if (directory.length + rest.length > PATH_SIZE_MAX) return undefined;
  if (rest.includes("..") && /(?:^|\/)\.\.(?:\/|$)/.test(rest)) return undefined;
  // With an alias like /srv/files (no slash at its end), "/..." would otherwise continue its last name.
  return directory + rest;
}

/** The path as the file system takes it: names are bytes. */
export function systemPath(path: string): PathLike {
  for (let index = 0; index < path.length; index++) {
    if (path.charCodeAt(index) > 127) return fromLatin1(path);
  }
  return path;
}
