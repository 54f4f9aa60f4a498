/**
 * Reads what a worker wrote with `marshal.dumps(…, 2)`. The worker is not trusted: only the types of
 * docs/wire.md are known, every length is checked, depth and counts are bounded; anything else is a fault,
 * which is the death of that worker's connection, never of ours.
 */
import type { Bytes } from "../../std/bytes.ts";

const SMALL_TUPLE = 0x29, TUPLE = 0x28, LIST = 0x5b, INT = 0x69, NONE = 0x4e, TRUE = 0x54, FALSE = 0x46;
const BYTES = 0x73, UNICODE = 0x75, INTERNED = 0x74;
const ASCII = 0x61, ASCII_INTERNED = 0x41, SHORT_ASCII = 0x7a, SHORT_ASCII_INTERNED = 0x5a;

/** Thrown by the reader, caught by the one who reads a frame: a frame that is not what the wire allows. */
export class MalformedFrame extends Error {}

export class MarshalReader {
  #bytes: Bytes;
  #end: number;
  /** Where the next object starts. */
  at: number;

  /** Reads objects of `bytes[at, end)`. */
  constructor(bytes: Bytes, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  /** Points the reader at another frame. */
  reset(bytes: Bytes, at: number, end: number): void {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.at === this.#end;
  }

  /** The frame must end here. Errors: MalformedFrame. */
  finish(): void {
    if (this.at !== this.#end) throw new MalformedFrame("bytes behind the frame");
  }

  /** The rest of the frame as text, a character a byte: a key that stands for all that follows. */
  restAsKey(): string {
    return this.#bytes.latin1Slice(this.at, this.#end);
  }

  /** Number of elements of the tuple or list that begins here. */
  sequence(): number {
    const type = this.#byte();
    if (type === SMALL_TUPLE) return this.#byte();
    if (type === TUPLE || type === LIST) {
      const count = this.#uint32();
      // Each element takes a byte at least: no count can be larger than what is left.
      if (count > this.#end - this.at) throw new MalformedFrame("count beyond the frame");
      return count;
    }
    throw new MalformedFrame(`expected a sequence, got type ${type}`);
  }

  /** The same of a list only. */
  list(): number {
    if (this.#bytes[this.at] !== LIST) throw new MalformedFrame("expected a list");
    return this.sequence();
  }

  int(): number {
    const type = this.#byte();
    if (type !== INT) throw new MalformedFrame(`expected an int, got type ${type}`);
    return this.#uint32() | 0;
  }

  bool(): boolean {
    const type = this.#byte();
    if (type === TRUE) return true;
    if (type === FALSE) return false;
    throw new MalformedFrame(`expected a bool, got type ${type}`);
  }

  /** Is the next object None? It is taken if so. */
  takeNone(): boolean {
    if (this.at < this.#end && this.#bytes[this.at] === NONE) {
      this.at++;
      return true;
    }
    return false;
  }

  /** Is the next object an int? It is not taken. */
  peekInt(): boolean {
    return this.at < this.#end && this.#bytes[this.at] === INT;
  }

  /** Steps over the next `bytes`. @returns their length; they end at `at` */
  skipBytes(): number {
    const type = this.#byte();
    if (type !== BYTES) throw new MalformedFrame(`expected bytes, got type ${type}`);
    const size = this.#size(this.#uint32());
    this.at += size;
    return size;
  }

  /** Is the next object a `str` as a worker writes it, UTF-8? It is not taken. */
  peekUnicode(): boolean {
    return this.at < this.#end && this.#bytes[this.at] === UNICODE;
  }

  /** Steps over the next `str`. @returns the bytes of its UTF-8; they end at `at` */
  skipUnicode(): number {
    const type = this.#byte();
    if (type !== UNICODE) throw new MalformedFrame(`expected a str, got type ${type}`);
    const size = this.#size(this.#uint32());
    this.at += size;
    return size;
  }

  /** A `str`, and nothing else that is text. */
  unicode(): string {
    const size = this.skipUnicode();
    return this.#bytes.utf8Slice(this.at - size, this.at);
  }

  /** A view of the next `bytes`, valid as long as the frame is. */
  bytes(): Bytes {
    const size = this.skipBytes();
    return this.#bytes.subarray(this.at - size, this.at);
  }

  /** A `str` or `bytes` as text; `bytes` are taken as latin-1. */
  text(): string {
    const type = this.#byte();
    let size: number;
    switch (type) {
      case UNICODE: case INTERNED: {
        size = this.#size(this.#uint32());
        const start = this.at;
        this.at += size;
        for (let i = start; i < this.at; i++) {
          if ((this.#bytes[i] ?? 0) >= 128) return this.#bytes.utf8Slice(start, this.at);
        }
        return this.#bytes.latin1Slice(start, this.at);
      }
      case BYTES: case ASCII: case ASCII_INTERNED: size = this.#size(this.#uint32()); break;
      case SHORT_ASCII: case SHORT_ASCII_INTERNED: size = this.#size(this.#byte()); break;
      default: throw new MalformedFrame(`expected text, got type ${type}`);
    }
    const start = this.at;
    this.at += size;
    return this.#bytes.latin1Slice(start, this.at);
  }

  #byte(): number {
    if (this.at >= this.#end) throw new MalformedFrame("frame ends early");
    return this.#bytes[this.at++] ?? 0;
  }

  #uint32(): number {
    const at = this.at;
    if (at + 4 > this.#end) throw new MalformedFrame("frame ends early");
    this.at = at + 4;
    return this.#bytes.readUInt32LE(at);
  }

  #size(size: number): number {
    if (size > this.#end - this.at) throw new MalformedFrame("length beyond the frame");
    return size;
  }
}
