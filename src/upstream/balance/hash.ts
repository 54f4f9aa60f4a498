/**
 * `hash` and `ip_hash`: who is asked follows from a key, and who is asked instead as well.
 *
 * Both draw by weight. Where a peer cannot be asked, the next number of the row draws another; after `DRAWS_MAX` draws
 * it is whose turn it is (so nginx does, and Cache::Memcached before it).
 */
import { addressBytes, parseIpAddress } from "../../std/ip-address.ts";
import type { BalancedPeer } from "./balanced-peer.ts";
import { crc32 } from "./crc32.ts";
import type { Choice, Peer } from "./peer.ts";
import type { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/** nginx's and Cache::Memcached's 20 tries after the first. */
export const DRAWS_MAX = 21;

/** A key, and the row of numbers that follows from it. */
export interface HashRow {
  /** Latin-1; empty: whose turn it is. */
  readonly keyOf: (choice: Choice) => string;
  readonly start: number;
  /** @param draw 0 for the first */
  readonly next: (previous: number, key: string, draw: number) => number;
}

export class HashSelection implements Selection {
  readonly #row: HashRow;
  readonly #draw: WeightedDraw;
  readonly #rotation: RoundRobin;
  readonly #isOne: boolean;

  constructor(row: HashRow, peers: readonly BalancedPeer[], rotation: RoundRobin) {
    this.#row = row;
    this.#draw = new WeightedDraw(peers);
    this.#rotation = rotation;
    this.#isOne = peers.length === 1;
  }

  select(choice: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    const row = this.#row;
    const key = this.#isOne ? "" : row.keyOf(choice);
    if (key === "") return this.#rotation.select(choice, tried, nowMs);
    let value = row.start;
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      value = row.next(value, key, draw);
      const peer = this.#draw.at(value % this.#draw.total);
      if (peer?.isOpen(nowMs) === true && !tried.includes(peer)) return peer;
    }
    return this.#rotation.select(choice, tried, nowMs);
  }
}

/** `hash KEY`: compatible with Cache::Memcached. */
export const keyRow: HashRow = {
  keyOf: ({ hashKey }) => hashKey(),
  start: 0,
  next: (previous, key, draw) => previous + ((crc32(draw === 0 ? key : `${draw}${key}`) >>> 16) & 0x7fff),
};

/** The row of numbers that nginx's `ip_hash` makes of an address, as its answers show. */
const IP_START = 89, IP_FACTOR = 113, IP_MODULUS = 6_271;
/** Of an IPv4 address the network of class C counts. */
const IPV4_BYTES = 3;
/** For clients without an address. */
const NO_ADDRESS = "\0\0\0";

/** `ip_hash`: by the first three bytes of an IPv4 address, by all of an IPv6 address. */
export const addressRow: HashRow = {
  keyOf: ({ clientAddress }) => clientBytes(clientAddress),
  start: IP_START,
  next: (previous, key) => {
    let value = previous;
    for (let index = 0; index < key.length; index++) {
      value = (value * IP_FACTOR + key.charCodeAt(index)) % IP_MODULUS;
    }
    return value;
  },
};

function clientBytes(text: string): string {
  const address = parseIpAddress(text);
  if (address === undefined) return NO_ADDRESS;
  const bytes = addressBytes(address);
  return address.version === 4 ? bytes.slice(0, IPV4_BYTES) : bytes;
}
