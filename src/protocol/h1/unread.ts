/**
 * What a reader was given and has not read: the caller's bytes, or its own copy of a rest.
 *
 * Invariant: `bytes[at, end)` is unread; the caller's bytes are looked at until `keep` only, before the caller returns
 * to the event loop.
 */
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../../std/bytes.ts";

export class Unread {
  bytes: Bytes = NO_BYTES;
  at = 0;
  end = 0;

  get isEmpty(): boolean {
    return this.at === this.end;
  }

  get size(): number {
    return this.end - this.at;
  }

  /** Adds bytes behind the rest. @returns by how much all positions in the rest moved down */
  add(bytes: Bytes): number {
    const { at } = this;
    if (at === this.end) {
      this.bytes = bytes;
      this.at = 0;
      this.end = bytes.length;
      return 0;
    }
    this.bytes = concatBytes([this.bytes.subarray(at, this.end), bytes]);
    this.at = 0;
    this.end = this.bytes.length;
    return at;
  }

  /** Copies the rest, because the caller's memory is about to be used again. @returns as `add` */
  keep(): number {
    const { at } = this;
    if (at === this.end) {
      this.drop();
      return 0;
    }
    this.bytes = copyBytes(this.bytes, at, this.end);
    this.end -= at;
    this.at = 0;
    return at;
  }

  /** A view of the next `size` bytes, which are read by that. */
  view(size: number): Bytes {
    const start = this.at;
    this.at += size;
    return this.bytes.subarray(start, this.at);
  }

  /** Gives the rest away. */
  take(): Bytes {
    const rest = copyBytes(this.bytes, this.at, this.end);
    this.drop();
    return rest;
  }

  drop(): void {
    this.bytes = NO_BYTES;
    this.at = this.end = 0;
  }
}
