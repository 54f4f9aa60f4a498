/**
 * Sends a response's body that comes from a file, at the client's pace: by sendfile(2) where it may, else by reading
 * ahead one buffer while another is on its way. Memory is two buffers, however large the file.
 *
 * Two versions of a file never mix: the descriptor is held, so that a file put in its place changes nothing, and after
 * each portion the descriptor is asked whether the file was changed where it is. If it was, the body ends there and the
 * connection must be cut. More at its end is no change (logs grow while they are fetched), if a part that was sent is
 * still the same.
 *
 *   portion ──taken──▶ portion … ──▶ "complete" | "changed" | "failed"
 *      └─ limit_rate: a pause ─┘
 */
import { read, readSync } from "node:fs";
import { allocate, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { FileIdentity, OpenFile } from "./open-file.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { ReadBuffers } from "./read-buffers.ts";
import type { Sendfile } from "./sendfile.ts";

/** What a body is made of: text of ours (between several ranges), memory, or bytes `[start, end)` of the file. */
export type BodyPart =
  | { readonly kind: "bytes"; readonly bytes: Bytes }
  | { readonly kind: "file"; readonly start: number; readonly end: number };

/** Where a body goes. */
export interface BodySink {
  /**
   * Descriptor of the socket, if bytes may go into it past the stream: nothing is queued, nothing encrypts or frames.
   * Else −1.
   */
  readonly descriptor: number;
  /** Writes bytes, which stay as they are until `taken` is called. */
  write(bytes: Bytes, taken: () => void): void;
  /** So many bytes of the body went past the stream. */
  passed(size: number): void;
  /** Where others may be served first: calls `begin` once it is worth reading. Without it: at once. */
  whenWanted?(begin: () => void): void;
}

export type BodyOutcome =
  | { readonly kind: "complete" }
  /** The file is no longer what it was: the response must be cut. */
  | { readonly kind: "changed" }
  | { readonly kind: "failed"; readonly error: Error };

export interface FileBodyOptions {
  /** Undefined when all parts are bytes. It is released at the end. */
  readonly file: OpenFile | undefined;
  readonly parts: readonly BodyPart[];
  readonly buffers: ReadBuffers;
  /** Undefined: reads and writes. */
  readonly sendfile: Sendfile | undefined;
  readonly limit: RateLimit | undefined;
  /** Called once, unless `close` was. */
  readonly onDone: (outcome: BodyOutcome) => void;
}

/** nginx: sendfile_max_chunk 2m. One connection must not keep the thread, nor its disk. */
const SENDFILE_SIZE_MAX = 2_097_152;
/** What is read and written by ourselves when the socket is full, to hear when it no longer is. */
const PROBE_SIZE = 65_536;
/** So much of what was sent is remembered, to tell a file that grew from one that was written anew. */
const SAMPLE_SIZE = 512;
/** Portions a second under limit_rate, and their least size. */
const PORTIONS_PER_S = 8, PORTION_SIZE_MIN = 1024;

interface Sample {
  readonly position: number;
  readonly bytes: Bytes;
}

/** A portion that was read and waits for the one before it. */
interface Portion {
  readonly buffer: Bytes;
  readonly size: number;
}

export class FileBody {
  readonly #options: FileBodyOptions;
  readonly #sink: BodySink;
  #seen: FileIdentity | undefined;
  #sample: Sample | undefined = undefined;
  #index = 0;
  /** Next byte of the current part to be read, from the start of the file. */
  #position = 0;
  #end = 0;
  /** Bytes of the body that were given to the sink, for limit_rate. */
  #sent = 0;
  #reading = false;
  #writing = false;
  #ahead: Portion | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #closed = false;

  constructor(sink: BodySink, options: FileBodyOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#seen = options.file?.identity;
    this.#enterPart();
  }

  /** Begins; the head was written. */
  start(): void {
    if (this.#sink.whenWanted === undefined) this.#step();
    else this.#sink.whenWanted(() => this.#step());
  }

  /** Ends it early: the client is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#ahead !== undefined) this.#options.buffers.give(this.#ahead.buffer);
    this.#ahead = undefined;
    // A read that is under way still needs the descriptor.
    if (!this.#reading) this.#options.file?.release();
  }

  #enterPart(): void {
    const part = this.#options.parts[this.#index];
    if (part?.kind !== "file") return;
    this.#position = part.start;
    this.#end = part.end;
  }

  /** Sends what may be sent now; comes back by a callback. */
  #step(): void {
    const { parts, file, sendfile } = this.#options;
    for (;;) {
      if (this.#closed || this.#writing) return;
      const part = parts[this.#index];
      if (part === undefined) return this.#finish({ kind: "complete" });
      if (part.kind === "bytes") {
        const { bytes } = part;
        const size = this.#allowed(bytes.length - this.#position);
        if (size === 0) return;
        this.#position += size;
        const rest = this.#position < bytes.length;
        const portion = bytes.subarray(this.#position - size, this.#position);
        if (!rest) this.#nextPart();
        return this.#write(portion, undefined);
      }
      if (this.#position === this.#end && this.#ahead === undefined && !this.#reading) {
        this.#nextPart();
        continue;
      }
      if (this.#ahead !== undefined) return this.#writePortion(this.#ahead);
      if (this.#reading || file === undefined) return;
      const size = this.#allowed(this.#end - this.#position);
      if (size === 0) return;
      const direct = sendfile === undefined ? 0 : this.#sendDirectly(sendfile, file, Math.min(size, SENDFILE_SIZE_MAX));
      if (direct === "done") return;
      if (direct === size) continue;
      if (direct > 0 || this.#sink.descriptor >= 0) return this.#probe(file, size - direct);
      return this.#read(file, size);
    }
  }

  /** @returns bytes that the socket took, or "done" when this is over, or goes on in another turn */
  #sendDirectly(sendfile: Sendfile, file: OpenFile, size: number): number | "done" {
    const socket = this.#sink.descriptor;
    if (socket < 0) return 0;
    const took = sendfile({ socket, file: file.fd, position: this.#position, size });
    if (took === 0) return 0;
    this.#position += took;
    this.#sent += took;
    this.#sink.passed(took);
    if (!this.#isUnchanged(file)) {
      this.#finish({ kind: "changed" });
      return "done";
    }
    this.#remember(file, this.#position - took, Math.min(took, SAMPLE_SIZE));
    if (took < SENDFILE_SIZE_MAX) return took;
    // Others wait for their turn, too.
    setImmediate(() => this.#step());
    return "done";
  }

  /**
   * The socket is full: a little that is read and written by ourselves waits in its queue, and tells when it takes
   * more.
   * Read at once, because sendfile has had the disk fetch these bytes already.
   */
  #probe(file: OpenFile, size: number): void {
    const { buffers } = this.#options;
    const buffer = buffers.take(PROBE_SIZE);
    try {
      const count = readSync(file.fd, buffer, 0, Math.min(size, PROBE_SIZE), this.#position);
      this.#onRead(file, buffer, count);
    } catch (error) {
      buffers.give(buffer);
      this.#finish({ kind: "failed", error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #read(file: OpenFile, size: number): void {
    const { buffers } = this.#options;
    const buffer = buffers.take(size);
    this.#reading = true;
    read(file.fd, buffer, 0, Math.min(size, buffer.length), this.#position, (error, count) => {
      this.#reading = false;
      if (this.#closed) {
        buffers.give(buffer);
        file.release();
      } else if (error === null) {
        this.#onRead(file, buffer, count);
      } else {
        buffers.give(buffer);
        this.#finish({ kind: "failed", error });
      }
    });
  }

  #onRead(file: OpenFile, buffer: Bytes, count: number): void {
    if (count === 0 || !this.#isUnchanged(file)) {
      this.#options.buffers.give(buffer);
      return this.#finish({ kind: "changed" });
    }
    this.#sample ??= { position: this.#position, bytes: copyBytes(buffer, 0, Math.min(count, SAMPLE_SIZE)) };
    this.#position += count;
    this.#ahead = { buffer, size: count };
    this.#step();
  }

  #writePortion({ buffer, size }: Portion): void {
    this.#ahead = undefined;
    this.#write(buffer.subarray(0, size), buffer);
    const { file, sendfile, limit } = this.#options;
    // While the socket is fed, the disk may work; sendfile needs no such help, and a limit has time.
    if (this.#closed || file === undefined || sendfile !== undefined || limit !== undefined) return;
    const left = this.#end - this.#position;
    if (left > 0) this.#read(file, left);
  }

  /** @param owned to be given back when it is written */
  #write(bytes: Bytes, owned: Bytes | undefined): void {
    this.#writing = true;
    this.#sent += bytes.length;
    this.#sink.write(bytes, () => {
      if (owned !== undefined) this.#options.buffers.give(owned);
      this.#writing = false;
      this.#step();
    });
  }

  #nextPart(): void {
    this.#index++;
    this.#position = this.#end = 0;
    this.#enterPart();
  }

  /** How much of `left` bytes may go now; 0: a timer was set. */
  #allowed(left: number): number {
    const { limit } = this.#options;
    if (limit === undefined || left === 0) return left;
    const now = performance.now();
    const portion = Math.min(left, Math.max(PORTION_SIZE_MIN, Math.floor(limit.rate / PORTIONS_PER_S)));
    const allowance = limit.allowance(this.#sent, now);
    if (allowance >= portion) return Math.min(left, allowance);
    this.#timer = setTimeout(() => this.#step(), limit.delayMs(this.#sent, portion, now));
    return 0;
  }

  #isUnchanged(file: OpenFile): boolean {
    const seen = this.#seen ?? file.identity;
    try {
      const now = file.now();
      if (now.size < seen.size) return false;
      if (now.mtimeMs === seen.mtimeMs) return true;
      if (now.size === seen.size || this.#sample === undefined || !isStillThere(file, this.#sample)) return false;
      this.#seen = now;
      return true;
    } catch {
      // Whoever cannot be asked, on a file system that is gone, may have changed.
      return false;
    }
  }

  #remember(file: OpenFile, position: number, size: number): void {
    if (this.#sample !== undefined) return;
    try {
      this.#sample = sampleOf(file, position, size);
    } catch {
      // Without a sample every change counts.
    }
  }

  #finish(outcome: BodyOutcome): void {
    this.close();
    this.#options.onDone(outcome);
  }
}

/** Reads again what was sent a moment ago, so that the disk need not be asked. */
function sampleOf(file: OpenFile, position: number, size: number): Sample {
  const bytes = allocate(size);
  return { position, bytes: bytes.subarray(0, readSync(file.fd, bytes, 0, size, position)) };
}

function isStillThere(file: OpenFile, { position, bytes }: Sample): boolean {
  return sampleOf(file, position, bytes.length).bytes.equals(bytes);
}
