/**
 * nginx's smooth weighted rotation. Each peer's current weight rises by its weight with each choice, and falls by the
 * sum of all weights when it is chosen: {5, 1, 1} gives a, a, b, a, c, a, a. Current weights are shared by all threads,
 * so that the rotation is one; a failure takes a part of the weight, which comes back by one with each choice.
 */
import { lock, SLOT, type SlotPlace, unlock } from "../zone-slot.ts";
import type { BalancedPeer } from "./balanced-peer.ts";
import type { Choice, Peer } from "./peer.ts";
import type { Selection } from "./selection.ts";

/** The sum of all weights and twice as much fits Int32. */
const TOTAL_MAX = 2 ** 29;
/** So fine are the steps in which a weight grows. */
const SLOW_STEPS = 256;

export class RoundRobin implements Selection {
  readonly #peers: readonly BalancedPeer[];
  readonly #place: SlotPlace;
  readonly #scale: number;

  /** @param place of the slot whose lock is the group's */
  constructor(peers: readonly BalancedPeer[], place: SlotPlace) {
    this.#peers = peers;
    this.#place = place;
    const total = peers.reduce((sum, { weight }) => sum + weight, 0);
    const growsSlowly = peers.some(({ server }) => server.slowStartMs > 0);
    this.#scale = Math.min(growsSlowly ? SLOW_STEPS : 1, TOTAL_MAX / total);
  }

  select(_: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    const peers = this.#peers;
    const [only] = peers;
    if (only === undefined) return undefined;
    if (peers.length === 1) return only.isOpen(nowMs) && !tried.includes(only) ? only : undefined;
    return this.turn(peers, tried, nowMs);
  }

  /**
   * Whose turn it is among `peers`, all or some of the group.
   * @param sticks to them all, so that those that only take such requests count
   */
  turn(
    peers: readonly BalancedPeer[], tried: readonly Peer[], nowMs: number, sticks: boolean = false,
  ): BalancedPeer | undefined {
    const { fields, base } = this.#place;
    lock(fields, base + SLOT.lock);
    let best: BalancedPeer | undefined;
    let bestWeight = 0;
    let total = 0;
    for (const peer of peers) {
      if (!peer.isOpen(nowMs, sticks) || (tried.length > 0 && tried.includes(peer))) continue;
      const weight = this.#weight(peer, nowMs);
      const at = peer.base + SLOT.currentWeight;
      // No atomics under the lock, which orders what it guards.
      const current = (peer.fields[at] ?? 0) + weight;
      peer.fields[at] = current;
      total += weight;
      if (best !== undefined && current <= bestWeight) continue;
      best = peer;
      bestWeight = current;
    }
    if (best !== undefined) best.fields[best.base + SLOT.currentWeight] = bestWeight - total;
    unlock(fields, base + SLOT.lock);
    return best;
  }

  #weight(peer: BalancedPeer, nowMs: number): number {
    const at = peer.base + SLOT.lostWeight;
    const lost = Atomics.load(peer.fields, at);
    if (lost > 0) Atomics.store(peer.fields, at, lost - 1);
    const weight = (peer.weight - lost) * peer.slowFactor(nowMs);
    return Math.ceil(weight * this.#scale);
  }
}
