/**
 * What threads know together of one peer: fields of 32 bits in shared memory, at the slot's base.
 *
 * Times are milliseconds modulo 2³², so that they fit; how long ago something was is right for 24 days, and "long ago"
 * behind that. The lock holds only where several fields change together, for less than a microsecond, but for a thread
 * that loses its processor meanwhile: the others sleep until it is back. One that dies does not stop them: after
 * `LOCK_WAIT_MS` they go on as if the lock were free, which costs some exactness of the rotation and nothing else, for
 * counts are atomic by themselves.
 */
import { hash } from "node:crypto";

/** Fields of a slot, by their distance from its base. */
export const SLOT = {
  /** The two halves of the key's digest. */
  keyHigh: 0, keyLow: 1,
  /** Balancers that have it, one in each thread. */
  references: 2,
  lock: 3,
  /** Requests that were given to the peer and are not over. */
  active: 4,
  requests: 5,
  /** Failures since it was last found well. */
  fails: 6, failedAt: 7, checkedAt: 8,
  /** Failures ever. */
  failures: 9,
  /** Of the smooth weighted rotation; the second is how much of its weight failures took. */
  currentWeight: 10, lostWeight: 11,
  /** 1: a health check says that it is not well. */
  unhealthy: 12,
  /** 1: its weight still grows, since when. */
  slow: 13, slowSince: 14,
  /** Average time of a response in microseconds, 0 while nobody knows, and when it was measured. */
  averageUs: 15, measuredAt: 16,
  /** Requests whose time still runs, and the sum of when they began. */
  waiting: 17, waitingSince: 18,
} as const;

/** Two lines of a cache, so that peers do not slow each other down. */
export const SLOT_FIELDS = 32;

/** Where a slot is. */
export interface SlotPlace {
  readonly fields: Int32Array;
  readonly base: number;
  /** Its number in the zone; -1 for a private one. */
  readonly slot: number;
}

/** How long ago `then` was; clocks of threads may differ by a little, so what is slightly ahead is now. */
export function elapsedMs(nowMs: number, then: number): number {
  const elapsed = (nowMs - then) | 0;
  if (elapsed >= 0) return elapsed;
  return elapsed > -SKEW_MS ? 0 : 0x7fffffff;
}

const SKEW_MS = 60_000;

/** A lock's states: a thread sleeps only behind `CONTENDED`, and only then is anybody woken. */
const FREE = 0, HELD = 1, CONTENDED = 2;

/** Tries before a thread sleeps: some microseconds, several times as long as the lock is held. */
const SPINS_MAX = 200;
/** Many slices of a scheduler: who is not back after it has died. */
const LOCK_WAIT_MS = 100;

/** Waits for the lock at `index`, in bounded time. */
export function lock(fields: Int32Array, index: number): void {
  for (let spins = 0; spins < SPINS_MAX; spins++) {
    if (Atomics.compareExchange(fields, index, FREE, HELD) === FREE) return;
  }
  const deadlineMs = performance.now() + LOCK_WAIT_MS;
  while (Atomics.exchange(fields, index, CONTENDED) !== FREE) {
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) return;
    Atomics.wait(fields, index, CONTENDED, leftMs);
  }
}

/** Gives the lock at `index` back. */
export function unlock(fields: Int32Array, index: number): void {
  if (Atomics.exchange(fields, index, FREE) === CONTENDED) Atomics.notify(fields, index, 1);
}

/** 64 bits that stand for a text. */
export function keyDigest(key: string): readonly [high: number, low: number] {
  const digest = hash("md5", key, "buffer");
  return [digest.readInt32LE(0), digest.readInt32LE(4)];
}
