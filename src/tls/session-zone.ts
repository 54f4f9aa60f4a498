/**
 * Sessions that clients name by an id (TLS 1.2, RFC 5246 §7.3), in memory that all threads of an edge share.
 *
 * A table of buckets of four places. A session goes into a place of its bucket that is over, or else into that of the
 * session which ends first; so it needs no list, and one thread never waits for another longer than a copy takes.
 */
import { type Bytes, allocate, asBytes } from "../std/bytes.ts";

/** Bytes of a place: a session without certificates has 200 or so. */
const PLACE_SIZE = 512;
/** Seconds until when it may be resumed, size of the id, size of the session. */
const HEAD_SIZE = 12;
const ID_SIZE_MAX = 32;
const SESSION_SIZE_MAX = PLACE_SIZE - HEAD_SIZE - ID_SIZE_MAX;
const PLACES_OF_BUCKET = 4;
/** A bucket's lock stands in front of it. */
const BUCKET_SIZE = 4 + PLACES_OF_BUCKET * PLACE_SIZE;
/** Who finds a bucket locked for so long does without: its thread may have died. */
const SPIN_COUNT_MAX = 10_000;

const END = 0, ID_SIZE = 1, SIZE = 2;

export class SessionZone {
  readonly #bytes: Bytes;
  readonly #words: Int32Array;
  readonly #bucketCount: number;

  /** @param size bytes, as `ssl_session_cache` says them */
  static allocate(size: number): SharedArrayBuffer {
    return new SharedArrayBuffer(Math.max(1, Math.floor(size / BUCKET_SIZE)) * BUCKET_SIZE);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#bytes = asBytes(new Uint8Array(memory));
    this.#words = new Int32Array(memory);
    this.#bucketCount = memory.byteLength / BUCKET_SIZE;
  }

  /** @param endSeconds since the epoch; a session that is too large is not kept */
  put(id: Uint8Array, session: Uint8Array, endSeconds: number): void {
    if (id.length === 0 || id.length > ID_SIZE_MAX || session.length > SESSION_SIZE_MAX) return;
    this.#locked(id, (bucket) => {
      let [place = bucket] = placesOf(bucket);
      for (const other of placesOf(bucket)) {
        if (this.#isOf(other, id)) {
          place = other;
          break;
        }
        if (this.#word(other, END) < this.#word(place, END)) place = other;
      }
      this.#bytes.set(id, place + HEAD_SIZE);
      this.#bytes.set(session, place + HEAD_SIZE + ID_SIZE_MAX);
      this.#set(place, END, endSeconds);
      this.#set(place, ID_SIZE, id.length);
      this.#set(place, SIZE, session.length);
    });
  }

  /** A copy of the session. @returns undefined for one that is not known, or is over */
  get(id: Uint8Array, nowSeconds: number): Bytes | undefined {
    let found: Bytes | undefined;
    this.#locked(id, (bucket) => {
      const place = placesOf(bucket).find((each) => this.#isOf(each, id));
      if (place === undefined || this.#word(place, END) < nowSeconds) return;
      const start = place + HEAD_SIZE + ID_SIZE_MAX;
      found = allocate(this.#word(place, SIZE));
      found.set(this.#bytes.subarray(start, start + found.length));
    });
    return found;
  }

  #locked(id: Uint8Array, use: (bucket: number) => void): void {
    // Ids are random.
    const hash = ((id[0] ?? 0) | ((id[1] ?? 0) << 8) | ((id[2] ?? 0) << 16) | ((id[3] ?? 0) << 24)) >>> 0;
    const bucket = (hash % this.#bucketCount) * BUCKET_SIZE;
    const lock = bucket / 4;
    for (let spin = 0; Atomics.compareExchange(this.#words, lock, 0, 1) !== 0; spin++) {
      if (spin >= SPIN_COUNT_MAX) return;
    }
    use(bucket);
    Atomics.store(this.#words, lock, 0);
  }

  #isOf(place: number, id: Uint8Array): boolean {
    const start = place + HEAD_SIZE;
    return this.#word(place, ID_SIZE) === id.length && id.every((byte, at) => this.#bytes[start + at] === byte);
  }

  #word(place: number, which: number): number {
    return this.#words[place / 4 + which] ?? 0;
  }

  #set(place: number, which: number, value: number): void {
    this.#words[place / 4 + which] = value;
  }
}

function placesOf(bucket: number): readonly number[] {
  return Array.from({ length: PLACES_OF_BUCKET }, (_, index) => bucket + 4 + index * PLACE_SIZE);
}
