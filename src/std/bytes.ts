/**
 * The one door to fast byte primitives: everything that the pure rooms need of Node's Buffer.
 * It does no input or output; replaced by plain Uint8Array loops it would only be slower.
 */
import { Buffer } from "node:buffer";

export type Bytes = Buffer<ArrayBufferLike>;

/** No bytes at all. */
export const NO_BYTES: Bytes = Buffer.alloc(0);

/** Makes a buffer of its own memory (not a slice of a pool), contents undefined. */
export function allocate(size: number): Bytes {
  return Buffer.allocUnsafeSlow(size);
}

/** Copies `bytes[start, end)` so that the result outlives the buffer it was read into. */
export function copyBytes(bytes: Uint8Array, start = 0, end = bytes.length): Bytes {
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), 0);
  return copy;
}

/** Views any byte array as the buffer type of this module, without a copy. */
export function asBytes(view: Uint8Array): Bytes {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  return Buffer.concat(parts);
}

/** Makes bytes of a text whose code points are all below 256. */
export function fromLatin1(text: string): Bytes {
  return Buffer.from(text, "latin1");
}

export function fromUtf8(text: string): Bytes {
  return Buffer.from(text, "utf8");
}

/** Is `bytes[start, start + part.length)` the same as `part`? */
export function bytesEqualAt(bytes: Bytes, start: number, part: Bytes): boolean {
  const end = start + part.length;
  return end <= bytes.length && bytes.compare(part, 0, part.length, start, end) === 0;
}
