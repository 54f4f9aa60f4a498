/**
 * One payload on its way to any number of WebSockets: whatever is the same for all of them is made once.
 *
 * A frame of up to 16 KiB is latin-1 text, which the socket copies to the kernel at once; a longer one is bytes of its
 * own. Only the payload itself is a view of somebody's memory, valid during the call chain that `reset` begins.
 */
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, allocate } from "../../std/bytes.ts";
import type { DeflateCodec } from "./deflate.ts";
import { OPCODE, frameHead } from "./frames.ts";

/** Node writes strings of up to this size from the stack, tried at once (StreamBase::WriteString). */
const LATIN1_SIZE_MAX = 16_384;

export class OutgoingMessage {
  /** The payload is `bytes[start, end)`. */
  bytes: Bytes = NO_BYTES;
  start = 0;
  end = 0;
  opcode: number = OPCODE.binary;
  /** Does it go to more than one WebSocket? */
  shared = false;
  #plain: string | Bytes | undefined = undefined;
  /** By window bits; undefined when compression does not make it smaller. */
  readonly #compressed: Map<number, string | Bytes | undefined> = new Map();

  /**
   * Begins a message.
   * @param bytes with the payload at `[start, end)`; UTF-8 when `text`
   * @param shared it goes to more than one WebSocket: it is then compressed once, without anybody's history
   */
  reset(bytes: Bytes, start: number, end: number, text: boolean, shared: boolean): void {
    this.shared = shared;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.opcode = text ? OPCODE.text : OPCODE.binary;
    this.#plain = undefined;
    if (this.#compressed.size > 0) this.#compressed.clear();
  }

  /** The frame of a server without compression; immutable, to be written as it is. */
  get plain(): string | Bytes {
    return (this.#plain ??= wholeFrame(this.opcode, false, this.bytes, this.start, this.end));
  }

  /** The frame of a server with compression that leans on nothing said before; undefined when it is no smaller. */
  compressed(codec: DeflateCodec, windowBits: number): string | Bytes | undefined {
    if (this.#compressed.has(windowBits)) return this.#compressed.get(windowBits);
    const payload = codec.deflate(this.bytes.subarray(this.start, this.end), windowBits, NO_BYTES);
    const smaller = payload.length < this.end - this.start;
    const frame = smaller ? wholeFrame(this.opcode, true, payload, 0, payload.length) : undefined;
    this.#compressed.set(windowBits, frame);
    return frame;
  }
}

/** A server's frame around `bytes[start, end)`, which are copied. */
export function wholeFrame(opcode: number, rsv1: boolean, bytes: Bytes, start: number, end: number): string | Bytes {
  const head = frameHead(opcode, end - start, true, rsv1, undefined);
  return end - start <= LATIN1_SIZE_MAX ? head + bytes.latin1Slice(start, end) : joined(head, bytes, start, end);
}

/** A head and a copy of `bytes[start, end)` in memory of their own. */
export function joined(head: string, bytes: Bytes, start: number, end: number): Bytes {
  const frame = allocate(head.length + end - start);
  frame.latin1Write(head, 0);
  bytes.copy(frame, head.length, start, end);
  return frame;
}
