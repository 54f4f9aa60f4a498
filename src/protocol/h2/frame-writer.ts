/**
 * Frames on their way out, for all streams of a connection, gathered until somebody writes them: one write a turn.
 *
 * The memory is lent: a connection with nothing to say holds none. Bounded by whoever asks for `size` before DATA, and
 * by the budgets of whatever is answered with a frame (budgets.ts).
 */
import { NO_BYTES } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import {
  ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, type ErrorCode, FRAME_HEADER_SIZE, FRAME_SIZE_MAX, GOAWAY, HEADERS,
  PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, writeUint32,
} from "./frame.ts";

/** Who lends memory; a frame always fits into a piece. */
export interface FrameMemory {
  take(): Bytes;
}

/** Frames in the first `size` bytes of memory that was lent. */
export interface FramePiece {
  readonly memory: Bytes;
  readonly size: number;
}

export type Setting = readonly [identifier: number, value: number];

/** Below this a loop is faster than a call. */
const LOOP_SIZE_MAX = 48;
const GOAWAY_DEBUG_SIZE_MAX = 128;

export class FrameWriter {
  readonly #memory: FrameMemory;
  #bytes: Bytes = NO_BYTES;
  #at = 0;
  /** Pieces that are full. */
  #full: FramePiece[] = [];
  #fullSize = 0;

  constructor(memory: FrameMemory) {
    this.#memory = memory;
  }

  /** Bytes that wait to be taken. */
  get size(): number {
    return this.#fullSize + this.#at;
  }

  /** Gives away what was written, in pieces, and their memory with them. */
  takePieces(): readonly FramePiece[] {
    const pieces = this.#full;
    if (this.#at > 0) pieces.push({ memory: this.#bytes, size: this.#at });
    this.#full = [];
    this.#bytes = NO_BYTES;
    this.#fullSize = this.#at = 0;
    return pieces;
  }

  /** A header block, in one frame or, with CONTINUATION, in several (RFC 9113 §4.3). @param more behind the block */
  headers(stream: number, block: Bytes, more: Bytes, endStream: boolean): void {
    const size = block.length + more.length;
    const flag = endStream ? END_STREAM : 0;
    if (size > FRAME_SIZE_MAX) return this.#longHeaders(stream, block, more, flag);
    this.#begin(size, HEADERS, flag | END_HEADERS, stream);
    this.#copy(block, 0, block.length);
    if (more.length > 0) this.#copy(more, 0, more.length);
  }

  #longHeaders(stream: number, block: Bytes, more: Bytes, flag: number): void {
    let type = HEADERS;
    for (const part of [block, more]) {
      for (let start = 0; start < part.length; start += FRAME_SIZE_MAX) {
        const end = Math.min(start + FRAME_SIZE_MAX, part.length);
        const isLast = end === part.length && (part === more || more.length === 0);
        this.#begin(end - start, type, (type === HEADERS ? flag : 0) | (isLast ? END_HEADERS : 0), stream);
        this.#copy(part, start, end);
        type = CONTINUATION;
      }
    }
  }

  /** At most FRAME_SIZE_MAX bytes of a body. */
  data(stream: number, bytes: Bytes, start: number, end: number, endStream: boolean): void {
    this.#begin(end - start, DATA, endStream ? END_STREAM : 0, stream);
    this.#copy(bytes, start, end);
  }

  reset(stream: number, code: ErrorCode): void {
    this.#begin(4, RST_STREAM, 0, stream);
    this.#uint32(code);
  }

  /** What a client says before its SETTINGS (RFC 9113 §3.4). */
  preface(): void {
    this.#turn();
    this.#at += this.#bytes.latin1Write(PREFACE, 0);
  }

  settings(settings: readonly Setting[]): void {
    this.#begin(settings.length * 6, SETTINGS, 0, 0);
    for (const [identifier, value] of settings) {
      this.#bytes[this.#at++] = identifier >> 8;
      this.#bytes[this.#at++] = identifier;
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#begin(0, SETTINGS, ACK, 0);
  }

  /** Answers the PING whose eight bytes stand at `start`. */
  pong(bytes: Bytes, start: number): void {
    this.#begin(8, PING, ACK, 0);
    this.#copy(bytes, start, start + 8);
  }

  windowUpdate(stream: number, increment: number): void {
    this.#begin(4, WINDOW_UPDATE, 0, stream);
    this.#uint32(increment);
  }

  /** @param debug ASCII, for whoever looks at it on the other side */
  goAway(lastStream: number, code: ErrorCode, debug: string): void {
    const text = debug.slice(0, GOAWAY_DEBUG_SIZE_MAX);
    this.#begin(8 + text.length, GOAWAY, 0, 0);
    this.#uint32(lastStream);
    this.#uint32(code);
    this.#at += this.#bytes.latin1Write(text, this.#at);
  }

  #begin(length: number, type: number, flags: number, stream: number): void {
    if (this.#at + FRAME_HEADER_SIZE + length > this.#bytes.length) this.#turn();
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    writeUint32(bytes, at + 5, stream);
    this.#at = at + FRAME_HEADER_SIZE;
  }

  #turn(): void {
    if (this.#at > 0) {
      this.#full.push({ memory: this.#bytes, size: this.#at });
      this.#fullSize += this.#at;
    }
    this.#bytes = this.#memory.take();
    this.#at = 0;
  }

  #copy(from: Bytes, start: number, end: number): void {
    const size = end - start;
    if (size > LOOP_SIZE_MAX) {
      from.copy(this.#bytes, this.#at, start, end);
      this.#at += size;
      return;
    }
    const to = this.#bytes;
    let at = this.#at;
    for (let i = start; i < end; i++) to[at++] = from[i] ?? 0;
    this.#at = at;
  }

  #uint32(value: number): void {
    writeUint32(this.#bytes, this.#at, value);
    this.#at += 4;
  }
}
