/**
 * `hash KEY consistent`: ketama, compatible with Cache::Memcached::Fast.
 *
 * Each server has 160 points for each of its weight on a ring of 32 bits; a key belongs to the next point. A server
 * that leaves gives away its own keys and no others. Points are of the server as it is written, so that those who share
 * a configuration agree; the addresses of one name take turns.
 */
import type { BalancedPeer } from "./balanced-peer.ts";
import { crc32 } from "./crc32.ts";
import { DRAWS_MAX } from "./hash.ts";
import type { Choice, Peer } from "./peer.ts";
import type { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";

/** For each of a server's weight: ketama's. */
const POINTS = 160;
/** Of one upstream: 8 bytes each. Weights are made smaller where they ask for more. */
const POINTS_MAX = 2 ** 20;
/** A point and its owner in one number without loss, so that a sort of numbers sorts both. */
const OWNERS_MAX = 2 ** 20;

export class ConsistentHash implements Selection {
  readonly #rotation: RoundRobin;
  /** The peers of each server. */
  readonly #owners: readonly (readonly BalancedPeer[])[];
  /** Ascending. */
  readonly #points: Uint32Array;
  /** Whose they are: indices of `#owners`. */
  readonly #ownerOf: Uint32Array;

  constructor(peers: readonly BalancedPeer[], rotation: RoundRobin) {
    this.#rotation = rotation;
    const owners = Map.groupBy(peers, ringName);
    this.#owners = [...owners.values()];
    const ring = ringOf([...owners].map(([name, [peer]]) => [name, peer?.weight ?? 1]));
    this.#points = ring.points;
    this.#ownerOf = ring.ownerOf;
  }

  select(choice: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    const key = choice.hashKey();
    if (key === "") return this.#rotation.select(choice, tried, nowMs);
    const points = this.#points;
    let point = firstAtLeast(points, crc32(key));
    for (let draw = 0; draw < DRAWS_MAX; draw++, point++) {
      if (point >= points.length) point = 0;
      const peers = this.#owners[this.#ownerOf[point] ?? 0];
      const [first] = peers ?? [];
      if (peers === undefined || first === undefined) break;
      if (peers.length > 1) {
        const peer = this.#rotation.turn(peers, tried, nowMs);
        if (peer !== undefined) return peer;
      } else if (first.isOpen(nowMs) && !tried.includes(first)) {
        return first;
      }
    }
    return this.#rotation.select(choice, tried, nowMs);
  }
}

/** What of a peer its points follow from: members that DNS names by SRV records have only their own name. */
function ringName({ server, name }: BalancedPeer): string {
  return server.service === undefined ? server.name : name;
}

/** @returns the index of the first point that is not less, 0 behind the last */
function firstAtLeast(points: Uint32Array, hash: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] ?? 0) >= hash) high = middle;
    else low = middle + 1;
  }
  return low === points.length ? 0 : low;
}

function ringOf(
  servers: readonly (readonly [name: string, weight: number])[],
): { readonly points: Uint32Array; readonly ownerOf: Uint32Array } {
  const total = servers.reduce((sum, [, weight]) => sum + weight, 0) * POINTS;
  const share = Math.min(1, POINTS_MAX / total);
  const all: number[] = [];
  for (const [owner, [name, weight]] of servers.entries()) {
    const count = Math.max(1, Math.floor(weight * POINTS * share));
    const start = crc32(startText(name));
    for (let index = 0, point = 0; index < count; index++) {
      point = crc32(littleEndian(point), start);
      all.push(point * OWNERS_MAX + owner);
    }
  }
  const sorted = Float64Array.from(all).sort();
  const points = Uint32Array.from(sorted, (value) => Math.floor(value / OWNERS_MAX));
  return { points, ownerOf: Uint32Array.from(sorted, (value) => value % OWNERS_MAX) };
}

/** Host, NUL and port, as written; a path has no port. */
function startText(name: string): string {
  if (name.startsWith("unix:")) return `${name.slice("unix:".length)}\0`;
  const [, host = name, port = ""] = /^(.*):(\d+)$/s.exec(name) ?? [];
  return `${host}\0${port}`;
}

function littleEndian(value: number): string {
  return String.fromCharCode(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}
