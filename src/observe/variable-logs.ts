/**
 * Access logs whose paths have variables (ngx_http_log_module, "access_log"): the file is found out line by line.
 *
 * It is opened and written to at once, as in nginx, and not in the background: what a name means, and which descriptors
 * open_log_file_cache keeps, depends on the order of requests. With the cache a line costs one write(2). What a client
 * says may be in the path, so that the descriptors are bounded; a file is only made where the root of its request is.
 */
import { closeSync, constants, fstatSync, openSync, type PathLike, statSync, writeSync } from "node:fs";
import { Complaints, type Report } from "./complaints.ts";
import type { OpenLogFileCache } from "./settings.ts";

/** Without O_NONBLOCK a named pipe that nobody reads would hold the whole thread. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** nginx's. */
const MODE = 0o644;

/** A line and where it goes; texts are bytes. */
export interface PlacedLine {
  readonly path: string;
  /** The root of the request; "" where there is none to ask for. */
  readonly root: string;
  readonly line: string;
}

/** A file that was written to lately. */
interface Known {
  /** Undefined while it was not used often enough to stay open. */
  fd: number | undefined;
  useCount: number;
  usedMs: number;
  /** When it was last seen that the name is still this file's. */
  checkedMs: number;
}

export class VariableLogs {
  readonly #cache: OpenLogFileCache | undefined;
  readonly #complaints: Complaints;
  #droppedCount = 0;
  /** By path, the one that was used longest ago first. */
  readonly #known = new Map<string, Known>();

  /** @param cache undefined: files are opened for each line */
  constructor(cache: OpenLogFileCache | undefined, report: Report) {
    this.#cache = cache;
    this.#complaints = new Complaints(report);
  }

  /** Lines that could not be written. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Descriptors that are open. */
  get openCount(): number {
    return [...this.#known.values()].filter(({ fd }) => fd !== undefined).length;
  }

  /** Writes the line, or counts it as dropped. */
  add({ path, root, line }: PlacedLine): void {
    try {
      const bytes = Buffer.from(`${line}\n`, "latin1");
      if (this.#cache === undefined) writeTo(open(path, root), bytes, true);
      else this.#writeKnown({ path, root }, bytes, this.#cache);
    } catch (error) {
      // The requests go on.
      this.#droppedCount++;
      const { message } = error as NodeJS.ErrnoException;
      this.#complaints.tell(`the access log ${printable(path)} cannot be written: ${printable(message)}`);
    }
  }

  /** Closes what is open, so that the names count again. */
  reopen(): void {
    this.#forget(0);
  }

  /** Nothing is left to write. */
  close(): void {
    this.#forget(0);
  }

  #writeKnown({ path, root }: Omit<PlacedLine, "line">, bytes: Buffer, cache: OpenLogFileCache): void {
    const known = this.#lookUp(path, cache);
    if (known.fd !== undefined) {
      this.#known.set(path, known);
      return writeTo(known.fd, bytes, false);
    }
    // One that cannot be opened takes no other's place.
    const fd = open(path, root);
    const isKept = fd !== undefined && known.useCount >= cache.minUses;
    if (isKept) known.fd = fd;
    this.#forget(cache.max - 1);
    this.#known.set(path, known);
    writeTo(fd, bytes, !isKept);
  }

  /** Counts a use of the file, and takes it out of the order of use. */
  #lookUp(path: string, { inactiveMs, validMs }: OpenLogFileCache): Known {
    const nowMs = performance.now();
    const before = this.#known.get(path);
    this.#known.delete(path);
    const isForgotten = before === undefined || nowMs - before.usedMs > inactiveMs;
    if (isForgotten && before?.fd !== undefined) closeSync(before.fd);
    const known = isForgotten ? { fd: undefined, useCount: 0, usedMs: nowMs, checkedMs: nowMs } : before;
    known.useCount++;
    known.usedMs = nowMs;
    if (known.fd !== undefined && nowMs - known.checkedMs >= validMs) {
      known.checkedMs = nowMs;
      if (!isStill(path, known.fd)) {
        closeSync(known.fd);
        known.fd = undefined;
      }
    }
    return known;
  }

  /** Closes those that were not used for a while, and of the others all but the last `max`. */
  #forget(max: number): void {
    const nowMs = performance.now();
    for (const [path, { fd, usedMs }] of this.#known) {
      if (this.#known.size <= max && nowMs - usedMs <= (this.#cache?.inactiveMs ?? 0)) return;
      this.#known.delete(path);
      if (fd !== undefined) closeSync(fd);
    }
  }
}

/** Undefined where nginx would make none: "if the directory does not exist, the log is not created". */
function open(path: string, root: string): number | undefined {
  if (root !== "" && !statSync(named(root)).isDirectory()) return undefined;
  return openSync(named(path), FLAGS, MODE);
}

function writeTo(fd: number | undefined, bytes: Buffer, closes: boolean): void {
  if (fd === undefined) return;
  try {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
  } finally {
    if (closes) closeSync(fd);
  }
}

/** Is the open file the one that has the name now? */
function isStill(path: string, fd: number): boolean {
  const file = statSync(named(path), { throwIfNoEntry: false });
  const opened = fstatSync(fd);
  return file?.ino === opened.ino && file.dev === opened.dev;
}

/** A name in the system's bytes. */
function named(path: string): PathLike {
  return Buffer.from(path, "latin1");
}

/** A path may hold what a client said. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
