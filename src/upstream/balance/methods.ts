/** Which method a configuration means. */
import type { BalanceSettings } from "../settings.ts";
import type { SlotPlace } from "../zone-slot.ts";
import type { BalancedPeer } from "./balanced-peer.ts";
import { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";

/** @param place of the slot whose lock is the group's */
export function selectionOf(
  _balance: BalanceSettings, peers: readonly BalancedPeer[], place: SlotPlace, _machine: { random(): number },
): Selection {
  const rotation = new RoundRobin(peers, place);
  return rotation;
}
