/**
 * Memory to read files into, for all responses of a thread: a few large buffers, because large reads and writes are
 * cheap, and small ones for everybody who comes when those are taken. A client that does not read keeps two of them.
 */
import { allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Twice as many requests a second for 10 MiB as with 64 KiB (bench/HOT.md). */
export const LARGE_SIZE = 524_288;
/** 8 MiB of a thread. */
export const LARGE_COUNT_MAX = 16;
/** nginx without sendfile: output_buffers 2 32k. */
export const SMALL_SIZE = 65_536;
/** Small ones that are kept for the next response. */
const SMALL_COUNT_KEPT = 64;

export class ReadBuffers {
  readonly #large: Bytes[] = [];
  readonly #small: Bytes[] = [];
  #largeMade = 0;

  /** @param size that is wanted at most. @returns a buffer of some size, to be given back */
  take(size: number): Bytes {
    if (size > SMALL_SIZE) {
      const large = this.#large.pop();
      if (large !== undefined) return large;
      if (this.#largeMade < LARGE_COUNT_MAX) {
        this.#largeMade++;
        return allocate(LARGE_SIZE);
      }
    }
    return this.#small.pop() ?? allocate(SMALL_SIZE);
  }

  /** Takes a buffer back that nobody looks at any more. */
  give(buffer: Bytes): void {
    if (buffer.length === LARGE_SIZE) this.#large.push(buffer);
    else if (this.#small.length < SMALL_COUNT_KEPT) this.#small.push(buffer);
  }
}
