/** The end of what was said in one direction, as the dictionary of the next message (RFC 7692 §7.1.1). */
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, allocate } from "../../std/bytes.ts";

/** A first message is mostly this short. */
const FIRST_SIZE = 256;

export class DeflateHistory {
  readonly #windowSize: number;
  /** Allocated when there is something, and never larger than the window. */
  #bytes: Bytes = NO_BYTES;
  #size = 0;

  /** @param windowBits 8 to 15 */
  constructor(windowBits: number) {
    this.#windowSize = 1 << windowBits;
  }

  /** At most a window of bytes; a view, valid until the next `add`. */
  get dictionary(): Bytes {
    return this.#size === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#size);
  }

  /** Remembers (copies) the end of `bytes[start, end)`. */
  add(bytes: Bytes, start: number, end: number): void {
    const from = Math.max(start, end - this.#windowSize);
    const added = end - from;
    const kept = Math.min(this.#size, this.#windowSize - added);
    const size = kept + added;
    if (size > this.#bytes.length) {
      const larger = allocate(Math.min(this.#windowSize, Math.max(size, this.#bytes.length * 2, FIRST_SIZE)));
      this.#bytes.copy(larger, 0, this.#size - kept, this.#size);
      this.#bytes = larger;
    } else if (kept < this.#size) {
      this.#bytes.copyWithin(0, this.#size - kept, this.#size);
    }
    bytes.copy(this.#bytes, kept, from, end);
    this.#size = size;
  }
}
