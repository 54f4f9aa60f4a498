/**
 * `least_conn` and `least_time`: who has the least to do for its weight; among equals, whose turn it is.
 *
 * A peer that was slow would never show that it is quick again: one request goes to it, whatever is known of it, after
 * it was idle for its `fail_timeout` and as long as it took on average.
 */
import type { BalancedPeer } from "./balanced-peer.ts";
import { leastKnownMs, type LoadKind, loadOf } from "./load.ts";
import type { Choice, Peer } from "./peer.ts";
import type { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";

export class LeastLoad implements Selection {
  readonly #peers: readonly BalancedPeer[];
  readonly #rotation: RoundRobin;
  readonly #kind: LoadKind;
  /** Those with the least load, for the time of a choice. */
  readonly #equals: BalancedPeer[] = [];

  constructor(peers: readonly BalancedPeer[], rotation: RoundRobin, kind: LoadKind) {
    this.#peers = peers;
    this.#rotation = rotation;
    this.#kind = kind;
  }

  select(choice: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    if (this.#peers.length === 1) return this.#rotation.select(choice, tried, nowMs);
    const kind = this.#kind;
    const unknownMs = kind === "time" ? leastKnownMs(this.#peers, nowMs) : 0;
    const equals = this.#equals;
    equals.length = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const peer of this.#peers) {
      if (!peer.isOpen(nowMs) || tried.includes(peer)) continue;
      if (kind === "time" && peer.beginProbe(nowMs)) return peer;
      const load = loadOf(peer, kind, nowMs, unknownMs);
      if (load > least) continue;
      if (load < least) equals.length = 0;
      least = load;
      equals.push(peer);
    }
    return equals.length > 1 ? this.#rotation.turn(equals, tried, nowMs) : equals[0];
  }
}
