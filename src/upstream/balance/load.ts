/** How much a peer has to do for its weight: the one with the least is the best. */
import type { BalancedPeer } from "./balanced-peer.ts";

/** What is compared: requests that are not over, or those and how long it takes for one. */
export type LoadKind = "active" | "time";

/** Differences below a millisecond are chance. */
const TIME_MIN_MS = 1;

/** @param unknownMs the average of somebody of whom nobody knows it: that of the quickest of the others */
export function loadOf(peer: BalancedPeer, kind: LoadKind, nowMs: number, unknownMs: number): number {
  const weight = peer.weight * peer.slowFactor(nowMs);
  if (kind === "active") return peer.active / weight;
  const averageMs = peer.averageMs(nowMs);
  return (Math.max(Math.floor(averageMs === 0 ? unknownMs : averageMs), TIME_MIN_MS) * (peer.active + 1)) / weight;
}

/** @returns the least of the averages that are known, 0 if none is */
export function leastKnownMs(peers: readonly BalancedPeer[], nowMs: number): number {
  let least = 0;
  for (const peer of peers) {
    const averageMs = peer.averageMs(nowMs);
    if (averageMs !== 0 && (least === 0 || averageMs < least)) least = averageMs;
  }
  return least;
}
