/** The peer at a place of a row in which each peer takes as much room as its weight says. */
import type { BalancedPeer } from "./balanced-peer.ts";

export class WeightedDraw {
  readonly #peers: readonly BalancedPeer[];
  /** The sums of weights up to and with each peer. */
  readonly #ends: Float64Array;
  readonly total: number;

  constructor(peers: readonly BalancedPeer[]) {
    this.#peers = peers;
    this.#ends = new Float64Array(peers.length);
    let total = 0;
    for (const [index, { weight }] of peers.entries()) {
      total += weight;
      this.#ends[index] = total;
    }
    this.total = total;
  }

  /** @param place from 0 to less than `total` */
  at(place: number): BalancedPeer | undefined {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0) > place) high = middle;
      else low = middle + 1;
    }
    return this.#peers[low];
  }
}
