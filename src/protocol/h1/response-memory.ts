/**
 * Response heads seen lately, for all upstream connections of one thread.
 *
 * A server sends the same head again and again, Date changing once a second: a head that was seen twice is kept and
 * found again by its bytes. Then nothing is parsed, and what the handler made of it is there, too.
 *
 * Bounded: SLOTS heads of at most HEAD_SIZE_MAX bytes; a newcomer takes the place of an old one. A head is only found
 * when all its bytes are the same; it ends where it ended, because a head says itself where it ends.
 */
import type { Bytes } from "../../std/bytes.ts";
import { bytesEqualAt, copyBytes } from "../../std/bytes.ts";
import type { ReceivedHead } from "./received-head.ts";

const SLOTS = 1024;
export const HEAD_SIZE_MAX = 4096;
/** Words of four bytes that are sampled: of most heads all, so that one digit more or less has another slot. */
const SAMPLES = 96;

export class ResponseMemory {
  readonly #heads: (ReceivedHead | undefined)[] = new Array<ReceivedHead | undefined>(SLOTS).fill(undefined);
  /** Sample of the last head that fell into a slot: it is kept only when it comes a second time. */
  readonly #seen: Int32Array = new Int32Array(SLOTS);

  /** The head whose bytes are `bytes[start, start + size)`. */
  find(bytes: Bytes, start: number, size: number): ReceivedHead | undefined {
    if (size > HEAD_SIZE_MAX) return undefined;
    return this.#kept(sample(bytes, start, size) & (SLOTS - 1), bytes, start, size);
  }

  /**
   * Notes a head that was just read from `bytes[start, start + head.size)`.
   * @returns the head to go on with: the one that is kept if it has the same bytes, because more is known of it
   */
  remember(bytes: Bytes, start: number, head: ReceivedHead): ReceivedHead {
    const { size } = head;
    if (size > HEAD_SIZE_MAX) return head;
    const hash = sample(bytes, start, size);
    const slot = hash & (SLOTS - 1);
    const kept = this.#kept(slot, bytes, start, size);
    if (kept?.role === head.role) return kept;
    if (this.#seen[slot] === hash) {
      head.bytes = copyBytes(bytes, start, start + size);
      this.#heads[slot] = head;
    } else {
      this.#seen[slot] = hash;
    }
    return head;
  }

  #kept(slot: number, bytes: Bytes, start: number, size: number): ReceivedHead | undefined {
    const head = this.#heads[slot];
    return head?.bytes !== undefined && head.size === size && bytesEqualAt(bytes, start, head.bytes) ? head : undefined;
  }
}

function sample(bytes: Bytes, start: number, size: number): number {
  let hash = size | 0;
  const step = Math.max(4, size / SAMPLES);
  // The three bytes that may be left are of the empty line.
  for (let offset = 0; offset + 4 <= size; offset += step) {
    const at = start + (offset | 0);
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash = (hash << 13) | (hash >>> 19);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  return hash ^ (hash >>> 15);
}
