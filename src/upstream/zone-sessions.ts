/**
 * Sessions of `sticky learn`: which peer each belongs to, in shared memory of a fixed size.
 *
 * A session is 128 bits of its name's digest. It lies in the one bucket that these bits name; where all places of the
 * bucket are taken, the session that was unused for longest makes room (nginx, too, forgets the oldest of a full zone).
 */
import { hash } from "node:crypto";
import { elapsedMs, lock, unlock } from "./zone-slot.ts";

/** Fields of a table; entries follow. */
const LOCK = 0, BUCKETS = 1, TABLE_FIELDS = 8;
/** Fields of an entry: the name's digest, the peer's, when it was used. */
const NAME = 0, PEER_HIGH = 4, PEER_LOW = 5, USED_AT = 6, IS_USED = 7, ENTRY_FIELDS = 8;
const NAME_FIELDS = 4;
const BUCKET_ENTRIES = 8;
const BUCKET_FIELDS = BUCKET_ENTRIES * ENTRY_FIELDS;
/** 2³¹ bytes of fields are addressed by an index; nobody has so many sessions. */
const SIZE_MAX = 2 ** 30;

/** @param size bytes @returns how many fields a table of about this size has */
export function sessionFields(size: number): number {
  const buckets = Math.floor((Math.min(size, SIZE_MAX) / 4 - TABLE_FIELDS) / BUCKET_FIELDS);
  return TABLE_FIELDS + Math.max(buckets, 1) * BUCKET_FIELDS;
}

/** Who a session belongs to: the digest of a peer's id. */
export type PeerDigest = readonly [high: number, low: number];

export class SessionTable {
  readonly #fields: Int32Array;
  readonly #base: number;
  readonly #buckets: number;

  /** @param base where its fields begin */
  constructor(fields: Int32Array, base: number) {
    this.#fields = fields;
    this.#base = base;
    this.#buckets = Atomics.load(fields, base + BUCKETS);
  }

  /** Makes an empty table of `count` fields. */
  static begin(fields: Int32Array, base: number, count: number): void {
    fields[base + BUCKETS] = (count - TABLE_FIELDS) / BUCKET_FIELDS;
  }

  /** @returns whose it is, undefined if nobody's or if it was not used for `timeoutMs` */
  find(session: string, { nowMs, timeoutMs }: SessionTime): PeerDigest | undefined {
    const name = nameOf(session);
    lock(this.#fields, this.#base + LOCK);
    const at = this.#entry(name);
    const peer = at === -1 || this.#isOver(at, { nowMs, timeoutMs }) ? undefined : this.#peer(at);
    unlock(this.#fields, this.#base + LOCK);
    return peer;
  }

  /** From now on it is this peer's. */
  set(session: string, [high, low]: PeerDigest, time: SessionTime): void {
    const fields = this.#fields;
    const name = nameOf(session);
    lock(fields, this.#base + LOCK);
    const found = this.#entry(name);
    const at = found === -1 ? this.#room(name, time) : found;
    fields.set(name, at + NAME);
    fields[at + PEER_HIGH] = high;
    fields[at + PEER_LOW] = low;
    fields[at + USED_AT] = time.nowMs | 0;
    fields[at + IS_USED] = 1;
    unlock(fields, this.#base + LOCK);
  }

  /** It was used, and lives on if it is this peer's. */
  touch(session: string, [high, low]: PeerDigest, time: SessionTime): void {
    const fields = this.#fields;
    lock(fields, this.#base + LOCK);
    const at = this.#entry(nameOf(session));
    if (at !== -1 && !this.#isOver(at, time) && fields[at + PEER_HIGH] === high && fields[at + PEER_LOW] === low) {
      fields[at + USED_AT] = time.nowMs | 0;
    }
    unlock(fields, this.#base + LOCK);
  }

  #bucket(name: Int32Array): number {
    return this.#base + TABLE_FIELDS + (((name[0] ?? 0) >>> 0) % this.#buckets) * BUCKET_FIELDS;
  }

  #entry(name: Int32Array): number {
    const fields = this.#fields;
    const start = this.#bucket(name);
    for (let at = start; at < start + BUCKET_FIELDS; at += ENTRY_FIELDS) {
      const isIt = fields[at + IS_USED] === 1 && name.every((part, index) => fields[at + NAME + index] === part);
      if (isIt) return at;
    }
    return -1;
  }

  /** A place that is free, else that of the session that was unused for longest. */
  #room(name: Int32Array, time: SessionTime): number {
    const fields = this.#fields;
    const start = this.#bucket(name);
    let oldest = start;
    let oldestMs = -1;
    for (let at = start; at < start + BUCKET_FIELDS; at += ENTRY_FIELDS) {
      if (fields[at + IS_USED] !== 1 || this.#isOver(at, time)) return at;
      const unusedMs = elapsedMs(time.nowMs, fields[at + USED_AT] ?? 0);
      if (unusedMs <= oldestMs) continue;
      oldest = at;
      oldestMs = unusedMs;
    }
    return oldest;
  }

  #isOver(at: number, { nowMs, timeoutMs }: SessionTime): boolean {
    return elapsedMs(nowMs, this.#fields[at + USED_AT] ?? 0) > timeoutMs;
  }

  #peer(at: number): PeerDigest {
    return [this.#fields[at + PEER_HIGH] ?? 0, this.#fields[at + PEER_LOW] ?? 0];
  }
}

interface SessionTime {
  readonly nowMs: number;
  readonly timeoutMs: number;
}

function nameOf(session: string): Int32Array {
  const digest = hash("sha256", session, "buffer");
  return Int32Array.from({ length: NAME_FIELDS }, (_, index) => digest.readInt32LE(index * 4));
}
