/**
 * Memory for bytes on their way to a socket. What is read from a worker must be copied before it is written, because
 * the socket may keep it; but mostly the kernel takes all of it at once, and then the next copy can lie in its place.
 * V8 would collect the copies of a large response only when there are 64 MB of them.
 */
import { NO_BYTES, allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

export class CopySlab {
  #slab: Bytes = NO_BYTES;
  #held = false;

  /** Copies `bytes[start, end)`. @returns the copy, which stays as it is unless `release` is called */
  copy(bytes: Bytes, start: number, end: number): Bytes {
    const size = end - start;
    if (this.#held || size > this.#slab.length) this.#slab = allocate(size);
    this.#held = true;
    bytes.copy(this.#slab, 0, start, end);
    return this.#slab.subarray(0, size);
  }

  /** Nobody needs the last copy any more. */
  release(): void {
    this.#held = false;
  }
}
