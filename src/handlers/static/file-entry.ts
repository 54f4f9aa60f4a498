/** What is known of one path of the file system, and for how long it is worth something. */
import type { FileIdentity, OpenFile } from "../../net/index.ts";
import type { Bytes } from "../../std/bytes.ts";

export type FileEntryKind = "file" | "directory" | "other" | "error";

/** What an opening found. */
export interface FileFinding {
  readonly kind: FileEntryKind;
  /** Of an error: ENOENT, EACCES… */
  readonly code: string;
  readonly identity: FileIdentity;
  /** Has any of the x bits. */
  readonly executable: boolean;
  /** Of a small file: all of it. */
  readonly bytes: Bytes | undefined;
  /** Of a large file. Retain it before the turn of the event loop ends. */
  readonly file: OpenFile | undefined;
  /** Was it left alone long enough that a further change must show in its time? */
  readonly settled: boolean;
}

const NO_IDENTITY: FileIdentity = { device: 0, inode: 0, mtimeMs: 0, size: 0 };

export class FileEntry {
  readonly path: string;
  readonly found: FileFinding;
  /** Monotonic milliseconds of the last check against the file system, and the turn of the event loop it was in. */
  checkedMs: number;
  checkedTurn: number;
  usedMs: number;
  /** When it was put at the end of the queue of those to be forgotten. */
  queuedMs: number;
  uses: number;
  /** In the cache, and good for the next request. */
  kept = false;
  /** Does it count in the memory's budget? */
  inMemory = false;

  constructor(path: string, found: FileFinding, nowMs: number, turn: number, uses: number) {
    this.path = path;
    this.found = found;
    this.checkedMs = this.usedMs = this.queuedMs = nowMs;
    this.checkedTurn = turn;
    this.uses = uses;
  }
}

/** A finding without content. */
export function findingOf(kind: Exclude<FileEntryKind, "file">, code: string): FileFinding {
  return {
    kind, code, identity: NO_IDENTITY, executable: false, bytes: undefined, file: undefined, settled: true,
  };
}
