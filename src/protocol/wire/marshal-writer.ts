/**
 * Writes CPython's `marshal` format (docs/wire.md), the few types that a request needs.
 *
 * Frames of one turn of the event loop lie one behind the other in a slab and leave in one write. A slab is
 * not written over before `reuse`: what was taken stays as it is for as long as somebody holds it.
 */
import { assert } from "../../std/assert.ts";
import { NO_BYTES, allocate, copyBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";

/** Type codes of marshal.c. */
const SHORT_ASCII = 0x7a, ASCII = 0x61, SHORT_ASCII_INTERNED = 0x5a, UNICODE = 0x75, BYTES = 0x73;
const INT = 0x69, NONE = 0x4e, TRUE = 0x54, FALSE = 0x46, SMALL_TUPLE = 0x29, LIST = 0x5b, DICT = 0x7b, NULL = 0x30;

/** Large enough for about fifty browsers' requests; small enough that one kept frame pins little. */
const SLAB_SIZE = 65_536;
/** Below this length a loop is faster than a call into the runtime. */
const LOOP_LENGTH_MAX = 24;
const COPY_LOOP_SIZE_MAX = 64;

export class MarshalWriter {
  #slab: Bytes = allocate(SLAB_SIZE);
  #at = 0;
  /** Where the bytes begin that nobody took yet. */
  #taken = 0;
  #frameStart = 0;

  /** Bytes written and not taken. */
  get pendingSize(): number {
    return this.#at - this.#taken;
  }

  /**
   * Opens a frame. @param sizeMax an upper bound of what will be written into it, in bytes
   * @returns what lay in the slab that had to be left, to be sent first; undefined if there was room
   */
  begin(sizeMax: number): Bytes | undefined {
    let full: Bytes | undefined;
    if (this.#at + sizeMax + 4 > this.#slab.length) {
      full = this.take();
      this.#slab = allocate(Math.max(SLAB_SIZE, sizeMax + 4));
      this.#at = this.#taken = 0;
    }
    this.#frameStart = this.#at;
    this.#at += 4;
    return full;
  }

  /** Bytes that the open frame may still take. */
  get room(): number {
    return this.#slab.length - this.#at;
  }

  /** Opens a list whose length is told later, by `closeList`. @returns where it is, for `closeList` */
  openList(): number {
    const at = this.#at;
    this.list(0);
    return at;
  }

  /** @param at what `openList` gave; no frame may have been closed since */
  closeList(at: number, count: number): void {
    this.#slab.writeUInt32LE(count, at + 1);
  }

  /** Closes the frame: writes its length. */
  end(): void {
    // What lies beyond the slab is lost without a word, and the next frame would be read as the rest of this one.
    assert(this.#at <= this.#slab.length, "a frame is larger than its encoder promised");
    this.#slab.writeUInt32LE(this.#at - this.#frameStart - 4, this.#frameStart);
  }

  /** All frames closed since the last call, as one view; undefined when there are none. */
  take(): Bytes | undefined {
    if (this.#at === this.#taken) return undefined;
    const view = this.#slab.subarray(this.#taken, this.#at);
    this.#taken = this.#at;
    return view;
  }

  /** Nobody holds what was taken any more: the slab may be written over from its start. */
  reuse(): void {
    if (this.#at === this.#taken) this.#at = this.#taken = 0;
  }

  /** Copies encoded bytes as they are (a block made before, or a whole frame). */
  raw(bytes: Bytes): void {
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  smallTuple(count: number): void {
    this.#slab[this.#at++] = SMALL_TUPLE;
    this.#slab[this.#at++] = count;
  }

  list(count: number): void {
    this.#slab[this.#at++] = LIST;
    this.#uint32(count);
  }

  /** A dict's pairs follow, then `endDict`. */
  beginDict(): void {
    this.#slab[this.#at++] = DICT;
  }

  endDict(): void {
    this.#slab[this.#at++] = NULL;
  }

  int(value: number): void {
    this.#slab[this.#at++] = INT;
    this.#uint32(value);
  }

  none(): void {
    this.#slab[this.#at++] = NONE;
  }

  bool(value: boolean): void {
    this.#slab[this.#at++] = value ? TRUE : FALSE;
  }

  /** A `str` whose code points are all below 128 and which is at most 255 long: Python keeps one copy of it. */
  interned(text: string): void {
    this.#slab[this.#at++] = SHORT_ASCII_INTERNED;
    this.#slab[this.#at++] = text.length;
    this.#copyText(text);
  }

  /** A `str` of latin-1 text: code points below 256. */
  latin1(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) >= 128) {
        this.#unicode(text);
        return;
      }
    }
    if (text.length < 256) {
      this.#slab[this.#at++] = SHORT_ASCII;
      this.#slab[this.#at++] = text.length;
    } else {
      this.#slab[this.#at++] = ASCII;
      this.#uint32(text.length);
    }
    this.#copyText(text);
  }

  /** A `str` of any text; takes at most three bytes for each UTF-16 unit. */
  unicode(text: string): void {
    this.#unicode(text);
  }

  /** A `bytes` of latin-1 text. */
  bytesOfLatin1(text: string): void {
    this.#slab[this.#at++] = BYTES;
    this.#uint32(text.length);
    this.#copyText(text);
  }

  /** A `str` of UTF-8 that was checked, `bytes[start, end)`. */
  utf8Of(bytes: Bytes, start: number, end: number): void {
    this.#slab[this.#at++] = UNICODE;
    this.#copyOf(bytes, start, end);
  }

  /** A `bytes` of `bytes[start, end)`. */
  bytesOf(bytes: Bytes, start: number, end: number): void {
    this.#slab[this.#at++] = BYTES;
    this.#copyOf(bytes, start, end);
  }

  bytes(bytes: Uint8Array): void {
    this.#slab[this.#at++] = BYTES;
    this.#uint32(bytes.length);
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #unicode(text: string): void {
    this.#slab[this.#at++] = UNICODE;
    const size = this.#slab.utf8Write(text, this.#at + 4);
    this.#uint32(size);
    this.#at += size;
  }

  #uint32(value: number): void {
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = value;
    slab[at + 1] = value >> 8;
    slab[at + 2] = value >> 16;
    slab[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  /** A length and so many bytes. */
  #copyOf(bytes: Bytes, start: number, end: number): void {
    this.#uint32(end - start);
    const slab = this.#slab;
    const at = this.#at;
    if (end - start < COPY_LOOP_SIZE_MAX) for (let i = start; i < end; i++) slab[at + i - start] = bytes[i] ?? 0;
    else bytes.copy(slab, at, start, end);
    this.#at = at + end - start;
  }

  #copyText(text: string): void {
    const length = text.length;
    if (length < LOOP_LENGTH_MAX) {
      for (let i = 0; i < length; i++) this.#slab[this.#at + i] = text.charCodeAt(i);
    } else {
      this.#slab.latin1Write(text, this.#at);
    }
    this.#at += length;
  }
}

/**
 * Encodes what is copied into many frames later.
 * @param scratch a writer with nothing in it, which is left so
 * @param sizeMax an upper bound in bytes
 */
export function encodeBlock(scratch: MarshalWriter, sizeMax: number, write: (writer: MarshalWriter) => void): Bytes {
  scratch.begin(sizeMax);
  write(scratch);
  scratch.end();
  const block = copyBytes(scratch.take() ?? NO_BYTES, 4);
  scratch.reuse();
  return block;
}
