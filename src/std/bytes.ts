/**
 * The one door to fast byte primitives: everything that the pure rooms need of Node's Buffer.
 * It does no input or output; replaced by plain Uint8Array loops it would only be slower.
 */
import { Buffer, isUtf8 as isUtf8Whole } from "node:buffer";

/**
 * Node's Buffer with the four conversions that Node has always had and never typed: `toString` and `write` without
 * looking an encoding up, which the hot path would feel.
 */
export interface Bytes extends Buffer {
  latin1Slice(start?: number, end?: number): string;
  utf8Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset: number): number;
  utf8Write(text: string, offset: number): number;
  subarray(start?: number, end?: number): Bytes;
}

/** No bytes at all. */
export const NO_BYTES: Bytes = typed(Buffer.alloc(0));

function typed(buffer: Buffer): Bytes {
  return buffer as Bytes;
}

/** Makes a buffer of its own memory (not a slice of a pool), contents undefined. */
export function allocate(size: number): Bytes {
  return typed(Buffer.allocUnsafeSlow(size));
}

/** Copies `bytes[start, end)` so that the result outlives the buffer it was read into. */
export function copyBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): Bytes {
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), 0);
  return typed(copy);
}

/** Views any byte array as the buffer type of this module, without a copy. */
export function asBytes(view: Uint8Array): Bytes {
  return typed(Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength));
}

export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  return typed(Buffer.concat(parts));
}

/** Makes bytes of a text whose code points are all below 256. */
export function fromLatin1(text: string): Bytes {
  return typed(Buffer.from(text, "latin1"));
}

export function fromUtf8(text: string): Bytes {
  return typed(Buffer.from(text, "utf8"));
}

/** Is `bytes[start, end)` valid UTF-8 (RFC 3629), with no character cut? */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  return isUtf8Whole(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
}

/** Is `bytes[start, start + part.length)` the same as `part`? */
export function bytesEqualAt(bytes: Bytes, start: number, part: Bytes): boolean {
  const end = start + part.length;
  return end <= bytes.length && bytes.compare(part, 0, part.length, start, end) === 0;
}
