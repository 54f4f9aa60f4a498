/** One of nginx's methods, over one group of peers: the primary ones, or those for when no primary one can. */
import type { BalancedPeer } from "./balanced-peer.ts";
import type { Choice, Peer } from "./peer.ts";

export interface Selection {
  /** @returns one that may be asked now and is not among those `tried`; it is not taken yet */
  select(choice: Choice, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined;
}
