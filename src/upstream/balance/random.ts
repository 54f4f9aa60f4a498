/** `random`: drawn by weight; with `two`, the one of two that has less to do. */
import type { BalancedPeer } from "./balanced-peer.ts";
import { DRAWS_MAX } from "./hash.ts";
import { leastKnownMs, type LoadKind, loadOf } from "./load.ts";
import type { Choice, Peer } from "./peer.ts";
import type { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";
import { WeightedDraw } from "./weighted-draw.ts";

export class RandomDraw implements Selection {
  readonly #draw: WeightedDraw;
  readonly #peers: readonly BalancedPeer[];
  readonly #rotation: RoundRobin;
  readonly #random: () => number;
  /** What two are compared by; undefined: one is drawn. */
  readonly #two: LoadKind | undefined;

  constructor(
    peers: readonly BalancedPeer[], rotation: RoundRobin,
    { random, two }: { readonly random: () => number; readonly two: LoadKind | undefined },
  ) {
    this.#draw = new WeightedDraw(peers);
    this.#peers = peers;
    this.#rotation = rotation;
    this.#random = random;
    this.#two = two;
  }

  select(choice: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    const first = this.#drawOpen(undefined, tried, nowMs);
    if (first === undefined) return this.#rotation.select(choice, tried, nowMs);
    if (this.#two === undefined || this.#peers.length === 1) return first;
    const second = this.#drawOpen(first, tried, nowMs);
    if (second === undefined) return first;
    const unknownMs = this.#two === "time" ? leastKnownMs([first, second], nowMs) : 0;
    const isSecondBetter = loadOf(second, this.#two, nowMs, unknownMs) < loadOf(first, this.#two, nowMs, unknownMs);
    return isSecondBetter ? second : first;
  }

  #drawOpen(other: BalancedPeer | undefined, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const peer = this.#draw.at(this.#random() * this.#draw.total);
      if (peer !== undefined && peer !== other && peer.isOpen(nowMs) && !tried.includes(peer)) return peer;
    }
    return undefined;
  }
}
