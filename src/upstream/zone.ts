/**
 * What all threads know together of upstreams: one slot of shared memory for each peer, found or taken by a key, so
 * that threads which resolve names by themselves agree without a word. nginx's `zone`, for every upstream.
 */
import type { UpstreamSettings } from "./settings.ts";
import { sessionFields, SessionTable } from "./zone-sessions.ts";
import { keyDigest, lock, SLOT, SLOT_FIELDS, type SlotPlace, unlock } from "./zone-slot.ts";

/** Slots for the addresses of one name. */
const ADDRESSES_EXPECTED = 16;
/** Slots for members that come at runtime, and for upstreams that only a request's variables name. */
const SPARE_SLOTS = 1_024;

/** Fields of the zone itself, of which each table of sessions has some more; then slots, then the tables. */
const LOCK = 0, CAPACITY = 1, USED = 2, SLOTS_AT = 3, TABLES = 4, DIRECTORY = 8;
/** Of a table: the digest of its name, and where it begins. */
const NAME_HIGH = 0, NAME_LOW = 1, TABLE_AT = 2, DIRECTORY_FIELDS = 4;

export class UpstreamZone {
  readonly #fields: Int32Array<SharedArrayBuffer>;
  readonly #slotsAt: number;

  /** @param memory of `allocate`, shared with the other threads */
  constructor(memory: SharedArrayBuffer) {
    this.#fields = new Int32Array(memory);
    this.#slotsAt = Atomics.load(this.#fields, SLOTS_AT);
  }

  /** Room for the upstreams of a configuration, what comes at runtime, and the sessions of `sticky learn`. */
  static allocate(settings: readonly UpstreamSettings[]): SharedArrayBuffer {
    let capacity = SPARE_SLOTS;
    const tables = new Map<string, number>();
    for (const { servers, sticky } of settings) {
      capacity += 2 + servers.length * ADDRESSES_EXPECTED;
      if (sticky?.kind !== "learn") continue;
      const { name, size } = sticky.zone;
      tables.set(name, Math.max(sessionFields(size), tables.get(name) ?? 0));
    }
    const slotsAt = Math.ceil((DIRECTORY + tables.size * DIRECTORY_FIELDS) / SLOT_FIELDS) * SLOT_FIELDS;
    let at = slotsAt + capacity * SLOT_FIELDS;
    const sessions = [...tables.values()].reduce((sum, count) => sum + count, 0);
    const memory = new SharedArrayBuffer((at + sessions) * 4);
    const fields = new Int32Array(memory);
    fields[CAPACITY] = capacity;
    fields[SLOTS_AT] = slotsAt;
    for (const [name, count] of tables) {
      const entry = DIRECTORY + (fields[TABLES] ?? 0) * DIRECTORY_FIELDS;
      [fields[entry + NAME_HIGH], fields[entry + NAME_LOW]] = keyDigest(name);
      fields[entry + TABLE_AT] = at;
      fields[TABLES] = (fields[TABLES] ?? 0) + 1;
      SessionTable.begin(fields, at, count);
      at += count;
    }
    return memory;
  }

  /** The sessions of this `zone=NAME`; undefined if none was allocated. */
  sessions(name: string): SessionTable | undefined {
    const fields = this.#fields;
    const [high, low] = keyDigest(name);
    for (let table = 0; table < (fields[TABLES] ?? 0); table++) {
      const entry = DIRECTORY + table * DIRECTORY_FIELDS;
      const isIt = fields[entry + NAME_HIGH] === high && fields[entry + NAME_LOW] === low;
      if (isIt) return new SessionTable(fields, fields[entry + TABLE_AT] ?? 0);
    }
    return undefined;
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
    const base = this.#slotsAt + slot * SLOT_FIELDS;
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
    for (let slot = 0, base = this.#slotsAt; slot < used; slot++, base += SLOT_FIELDS) {
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
    for (let slot = 0, base = this.#slotsAt; slot < used; slot++, base += SLOT_FIELDS) {
      const isFree = Atomics.load(fields, base + SLOT.references) <= 0 && Atomics.load(fields, base + SLOT.active) <= 0;
      if (isFree) return slot;
    }
    return -1;
  }
}
