/**
 * Access logs whose paths have variables (ngx_http_log_module, "access_log"): the file is found out line by line.
 *
 * What a client says may be in the path, so that everything is bounded: paths and bytes that wait, and descriptors that
 * stay open, which open_log_file_cache allows. A file is only made where the request's root directory is there.
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Complaints, type Report } from "./complaints.ts";
import type { OpenLogFileCache } from "./settings.ts";

/** Lines wait at most so long for others to the same file. */
const FLUSH_MS = 200;
/** Paths and bytes that wait to be written. */
export const WAITING_PATHS_MAX = 1024;
const WAITING_SIZE_MAX = 4_194_304;
/** How long close() waits for a disk that does not answer. */
const CLOSE_TIMEOUT_MS = 2000;
/** Without O_NONBLOCK a named pipe that nobody reads would hold one of Node's few threads. */
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

interface Waiting {
  readonly root: string;
  text: string;
}

/** A file that was written to lately. */
interface Known {
  /** Undefined while it was not used often enough to stay open. */
  handle: FileHandle | undefined;
  useCount: number;
  usedMs: number;
  /** When it was last seen that the name is still this file's. */
  checkedMs: number;
}

export class VariableLogs {
  readonly #cache: OpenLogFileCache | undefined;
  readonly #complaints: Complaints;
  #waiting = new Map<string, Waiting>();
  #waitingSize = 0;
  #droppedCount = 0;
  /** By path, the one that was used longest ago first. */
  readonly #known = new Map<string, Known>();
  #flushedMs = Number.NEGATIVE_INFINITY;
  #isScheduled = false;
  /** What is done with files, one thing after the other. */
  #work: Promise<void> = Promise.resolve();

  /** @param cache undefined: files are opened for each write */
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
    return [...this.#known.values()].filter(({ handle }) => handle !== undefined).length;
  }

  add({ path, root, line }: PlacedLine): void {
    const known = this.#waiting.get(path);
    const isFull = this.#waitingSize + line.length >= WAITING_SIZE_MAX;
    if (isFull || path.includes("\0") || (known === undefined && this.#waiting.size >= WAITING_PATHS_MAX)) {
      this.#droppedCount++;
      return;
    }
    if (known === undefined) this.#waiting.set(path, { root, text: `${line}\n` });
    else known.text += `${line}\n`;
    this.#waitingSize += line.length + 1;
    if (!this.#isScheduled) this.#schedule();
  }

  /** Closes what is open, so that the names count again. */
  reopen(): void {
    this.#work = this.#work.then(async () => this.#forget(0));
  }

  /** Writes the rest, within two seconds. */
  async close(): Promise<void> {
    this.#work = this.#work.then(async () => this.#writeAll()).then(async () => this.#forget(0));
    const timeout = new Promise<void>((resolve) => void setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
    await Promise.race([this.#work, timeout]);
  }

  #schedule(): void {
    this.#isScheduled = true;
    const flush = (): void => {
      this.#work = this.#work.then(async () => this.#writeAll());
    };
    if (performance.now() - this.#flushedMs >= FLUSH_MS) setImmediate(flush);
    else setTimeout(flush, FLUSH_MS).unref();
  }

  async #writeAll(): Promise<void> {
    this.#flushedMs = performance.now();
    this.#isScheduled = false;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#waitingSize = 0;
    for (const [path, { root, text }] of waiting) {
      try {
        await this.#write(path, root, text);
      } catch (error) {
        // The requests go on.
        this.#droppedCount += text.split("\n").length - 1;
        const { message } = error as NodeJS.ErrnoException;
        this.#complaints.tell(`the access log ${printable(path)} cannot be written: ${printable(message)}`);
      }
      if (this.#cache !== undefined) await this.#forget(this.#cache.max);
    }
  }

  async #write(path: string, root: string, text: string): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    const known = this.#cache === undefined ? undefined : await this.#lookUp(path, this.#cache);
    if (known?.handle !== undefined) return known.handle.appendFile(bytes);
    // nginx: "if the directory does not exist, the log is not created".
    if (root !== "" && !(await stat(Buffer.from(root, "latin1"))).isDirectory()) return;
    const handle = await open(Buffer.from(path, "latin1"), FLAGS, MODE);
    if (known !== undefined && known.useCount >= (this.#cache?.minUses ?? 0)) known.handle = handle;
    try {
      await handle.appendFile(bytes);
    } finally {
      if (known?.handle !== handle) await handle.close();
    }
  }

  /** Counts a use of the file. */
  async #lookUp(path: string, { inactiveMs, validMs }: OpenLogFileCache): Promise<Known> {
    const nowMs = performance.now();
    const before = this.#known.get(path);
    const isForgotten = before === undefined || nowMs - before.usedMs > inactiveMs;
    const known = isForgotten ? { handle: undefined, useCount: 0, usedMs: nowMs, checkedMs: nowMs } : before;
    if (before !== undefined && isForgotten) await before.handle?.close();
    known.useCount++;
    known.usedMs = nowMs;
    // Last in the order of use.
    this.#known.delete(path);
    this.#known.set(path, known);
    if (known.handle !== undefined && nowMs - known.checkedMs >= validMs) {
      known.checkedMs = nowMs;
      if (!(await isStill(path, known.handle))) {
        await known.handle.close();
        known.handle = undefined;
      }
    }
    return known;
  }

  /** Closes those that were not used for a while, and of the others all but the last `max`. */
  async #forget(max: number): Promise<void> {
    const nowMs = performance.now();
    for (const [path, { handle, usedMs }] of this.#known) {
      if (this.#known.size <= max && nowMs - usedMs <= (this.#cache?.inactiveMs ?? 0)) return;
      this.#known.delete(path);
      // Whatever the disk says at the end, the descriptor is gone.
      await handle?.close().catch(() => undefined);
    }
  }
}

/** Is the open file the one that has the name now? */
async function isStill(path: string, handle: FileHandle): Promise<boolean> {
  try {
    const [named, opened] = await Promise.all([stat(Buffer.from(path, "latin1")), handle.stat()]);
    return named.ino === opened.ino && named.dev === opened.dev;
  } catch {
    // It was moved away, or its directory was.
    return false;
  }
}

/** A path may hold what a client said. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
