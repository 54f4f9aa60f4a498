/**
 * Where bytes of a log leave: a file, or a stream of the process, that is written to without ever waiting.
 *
 * Bytes wait in memory while one write is under way, and beyond a bound they are dropped. A file may be appended to by
 * several processes and threads (O_APPEND) and opened again after log rotation. In a pipe, which is written to in small
 * pieces, whole lines stay whole, too.
 */
import { close, closeSync, constants, fstatSync, openSync, readlinkSync, write } from "node:fs";
import { assert } from "../std/assert.ts";

/** Bytes that may wait for a slow disk or reader. */
export const PENDING_SIZE_MAX = 4_194_304;
/** How long close() waits for a reader that does not read. */
const CLOSE_TIMEOUT_MS = 2000;
/** How long a full pipe is left alone: longer and longer, for its reader may only be slow for a moment. */
const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 20;
/** PIPE_BUF: what Linux writes into a pipe without anything between. */
const PIPE_SIZE = 4096;
const NEWLINE = 10;

export interface LogSinkOptions {
  /** An absolute path, or "-" for the standard stream. */
  readonly path: string;
  /** What "-" is. */
  readonly standard: 1 | 2;
  /** Of a file that is made, less the umask. */
  readonly mode: number;
  /** Lines that were taken, and could not be written. */
  readonly onLost: (lineCount: number, error: NodeJS.ErrnoException) => void;
  /** Lines are taken again after `count` had been dropped; bytes to write in their place. */
  readonly onDropped: (count: number) => Buffer;
}

interface Piece {
  readonly bytes: Buffer;
  readonly lineCount: number;
}

export class LogSink {
  readonly #options: LogSinkOptions;
  #fd: number | undefined;
  /** Descriptors to close when the write that is under way is over. */
  #retired: number[] = [];
  #isPipe = false;
  #pending: Piece[] = [];
  #pendingSize = 0;
  #writingSize = 0;
  #droppedCount = 0;
  #toldCount = 0;
  #writing = false;
  #retryMs = RETRY_MIN_MS;
  #closed = false;
  #drained: (() => void) | undefined;

  /** Opens nothing yet. */
  constructor(options: LogSinkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** Lines lost because nobody took them. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Bytes that were taken and have not left. */
  get pendingSize(): number {
    return this.#pendingSize + this.#writingSize;
  }

  /** Opens the file, also anew under its name; throws the system's error, and then writes on where it did before. */
  open(): void {
    const old = this.#fd;
    this.#fd = openLog(this.#options);
    this.#isPipe = !fstatSync(this.#fd).isFile();
    if (old === undefined || old <= 2) return;
    // A write to the old descriptor may be under way in the thread pool.
    if (this.#writing) this.#retired.push(old);
    else closeSync(old);
  }

  /** Takes whole lines. @returns false if they were dropped */
  write(bytes: Buffer, lineCount: number): boolean {
    if (this.#fd === undefined || this.pendingSize + bytes.length > PENDING_SIZE_MAX) {
      this.drop(lineCount);
      return false;
    }
    this.#pending.push({ bytes, lineCount });
    this.#pendingSize += bytes.length;
    if (!this.#writing) this.#flush();
    return true;
  }

  /** Counts lines that come to nothing. */
  drop(lineCount: number): void {
    this.#droppedCount += lineCount;
  }

  /** Writes what is left, within two seconds, and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#writing || this.#pending.length > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
        setTimeout(resolve, CLOSE_TIMEOUT_MS).unref();
      });
    }
    // Were it closed under a write that hangs, its number might soon be another file's.
    if (this.#writing || this.#fd === undefined) return;
    if (this.#fd > 2) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #flush(): void {
    const pieces = this.#pending;
    const lineCount = pieces.reduce((sum, piece) => sum + piece.lineCount, 0);
    this.#writingSize = this.#pendingSize;
    this.#pending = [];
    this.#pendingSize = 0;
    this.#writing = true;
    const [first] = pieces;
    const bytes = pieces.length === 1 && first !== undefined ? first.bytes : Buffer.concat(pieces.map((p) => p.bytes));
    this.#write(bytes, 0, lineCount);
  }

  #write(bytes: Buffer, offset: number, lineCount: number): void {
    assert(this.#fd !== undefined, "a sink is not closed while it writes");
    const length = (this.#isPipe ? pieceEnd(bytes, offset) : bytes.length) - offset;
    write(this.#fd, bytes, offset, length, null, (error, count) => {
      if (error?.code === "EAGAIN" && !this.#closed) {
        setTimeout(() => this.#write(bytes, offset, lineCount), this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
        return;
      }
      this.#retryMs = RETRY_MIN_MS;
      // A reader that is gone (EPIPE) or a full disk (ENOSPC) must not stop the server: these lines are lost.
      if (error !== null) {
        this.#droppedCount += lineCount;
        this.#options.onLost(lineCount, error);
      } else if (offset + count < bytes.length) {
        this.#write(bytes, offset + count, lineCount);
        return;
      }
      this.#written(error === null);
    });
  }

  #written(isWell: boolean): void {
    this.#writing = false;
    this.#writingSize = 0;
    for (const fd of this.#retired) close(fd);
    this.#retired = [];
    // Only once there is somebody who takes lines again.
    const count = this.#droppedCount - this.#toldCount;
    if (isWell && count > 0) {
      this.#toldCount = this.#droppedCount;
      const bytes = this.#options.onDropped(count);
      this.#pending.push({ bytes, lineCount: 0 });
      this.#pendingSize += bytes.length;
    }
    if (this.#pending.length > 0) this.#flush();
    else this.#drained?.();
  }
}

/** The end of the last line that a pipe takes whole; of one that is longer, its own. */
function pieceEnd(bytes: Buffer, offset: number): number {
  if (bytes.length - offset <= PIPE_SIZE) return bytes.length;
  const end = bytes.lastIndexOf(NEWLINE, offset + PIPE_SIZE - 1);
  return end >= offset ? end + 1 : bytes.indexOf(NEWLINE, offset) + 1 || bytes.length;
}

/** Throws the system's error. */
function openLog({ path, standard, mode }: LogSinkOptions): number {
  const own = path === "-" ? standard : standardOf(path);
  if (own !== undefined) return openStandard(own);
  // Without O_NONBLOCK a named pipe that nobody reads would hold the whole thread.
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode);
}

/**
 * /dev/stdout, /dev/stderr and links to them, as containers have them in place of log files: the process's own streams,
 * which, once its user was changed, it could not open by name.
 */
export function standardOf(path: string): 1 | 2 | undefined {
  if (path === "/dev/stdout") return 1;
  if (path === "/dev/stderr") return 2;
  try {
    const target = readlinkSync(path);
    return target === "/dev/stdout" ? 1 : target === "/dev/stderr" ? 2 : undefined;
  } catch {
    // It is no link, or not there.
    return undefined;
  }
}

/** A pipe is opened once more so that a write that must wait fails instead, and holds none of Node's few threads. */
function openStandard(fd: 1 | 2): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } catch {
    // It is another user's, or there is no /proc: it can be written to as it is.
    return fd;
  }
}
