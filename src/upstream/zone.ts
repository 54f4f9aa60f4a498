/**
 * What all threads know together of upstreams: one slot of shared memory for each peer, found or taken by a key, so that
 * threads which resolve names by themselves agree without a word. nginx's `zone`, for every upstream.
 */
import { hash } from "node:crypto";
import type { UpstreamSettings } from "./settings.ts";
import { lock, SLOT, SLOT_FIELDS, type SlotPlace, unlock } from "./zone-slot.ts";

/** Slots for the addresses of one name. */
const ADDRESSES_EXPECTED = 16;
/** Slots for members that come at runtime, and for upstreams that only a request's variables name. */
const SPARE_SLOTS = 1_024;

/** Fields of the zone itself. */
const LOCK = 0, CAPACITY = 1, USED = 2, HEADER_FIELDS = SLOT_FIELDS;

export class UpstreamZone {
  readonly #fields: Int32Array<SharedArrayBuffer>;

  /** @param memory of `allocate`, shared with the other threads */
  constructor(memory: SharedArrayBuffer) {
    this.#fields = new Int32Array(memory);
  }

  /** Room for the upstreams of a configuration and what comes at runtime. */
  static allocate(settings: readonly UpstreamSettings[]): SharedArrayBuffer {
    let capacity = SPARE_SLOTS;
    for (const { servers } of settings) capacity += 1 + servers.length * ADDRESSES_EXPECTED;
    const memory = new SharedArrayBuffer((HEADER_FIELDS + capacity * SLOT_FIELDS) * 4);
    new Int32Array(memory)[CAPACITY] = capacity;
    return memory;
  }

  /**
   * The slot of this key, a new one if nobody has it; a private one where the zone is full.
   * @returns `isNew`: nobody else had it, so nothing is known of the peer
   */
  take(key: string): SlotPlace & { readonly isNew: boolean } {
    const fields = this.#fields;
    const [high, low] = keyDigest(key);
    lock(fields, LOCK);
    const found = this.#find(high, low);
    const slot = found === -1 ? this.#free() : found;
    if (slot === -1) {
      unlock(fields, LOCK);
      return { fields: new Int32Array(SLOT_FIELDS), base: 0, slot, isNew: true };
    }
    const base = HEADER_FIELDS + slot * SLOT_FIELDS;
    const isNew = found === -1 || Atomics.load(fields, base + SLOT.references) === 0;
    if (isNew) {
      // What is still active on a peer that comes back is counted down later.
      const active = found === -1 ? 0 : Atomics.load(fields, base + SLOT.active);
      fields.fill(0, base, base + SLOT_FIELDS);
      Atomics.store(fields, base + SLOT.active, active);
      Atomics.store(fields, base + SLOT.keyHigh, high);
      Atomics.store(fields, base + SLOT.keyLow, low);
    }
    Atomics.add(fields, base + SLOT.references, 1);
    unlock(fields, LOCK);
    return { fields, base, slot, isNew };
  }

  /** This thread has it no longer; when no thread has and nothing is active, another peer may get the slot. */
  drop(place: SlotPlace): void {
    if (place.slot !== -1) Atomics.sub(place.fields, place.base + SLOT.references, 1);
  }

  #find(high: number, low: number): number {
    const fields = this.#fields;
    const used = Atomics.load(fields, USED);
    for (let slot = 0, base = HEADER_FIELDS; slot < used; slot++, base += SLOT_FIELDS) {
      if (fields[base + SLOT.keyHigh] === high && fields[base + SLOT.keyLow] === low) return slot;
    }
    return -1;
  }

  #free(): number {
    const fields = this.#fields;
    const used = Atomics.load(fields, USED);
    if (used < Atomics.load(fields, CAPACITY)) {
      Atomics.store(fields, USED, used + 1);
      return used;
    }
    for (let slot = 0, base = HEADER_FIELDS; slot < used; slot++, base += SLOT_FIELDS) {
      const isFree = Atomics.load(fields, base + SLOT.references) <= 0 && Atomics.load(fields, base + SLOT.active) <= 0;
      if (isFree) return slot;
    }
    return -1;
  }
}

/** 64 bits that stand for a text. */
export function keyDigest(key: string): readonly [high: number, low: number] {
  const digest = hash("md5", key, "buffer");
  return [digest.readInt32LE(0), digest.readInt32LE(4)];
}
