/** Which method a configuration means. */
import type { BalanceSettings } from "../settings.ts";
import type { SlotPlace } from "../zone-slot.ts";
import type { BalancedPeer } from "./balanced-peer.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { HashSelection, addressRow, keyRow } from "./hash.ts";
import { LeastLoad } from "./least-load.ts";
import { RandomDraw } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import type { Selection } from "./selection.ts";

export interface GroupMethod {
  readonly selection: Selection;
  /** The order that all methods fall back to. */
  readonly rotation: RoundRobin;
}

/** @param place of the slot whose lock is the group's */
export function methodOf(
  balance: BalanceSettings, peers: readonly BalancedPeer[],
  { place, random }: { readonly place: SlotPlace; readonly random: () => number },
): GroupMethod {
  const rotation = new RoundRobin(peers, place);
  return { rotation, selection: selectionOf(balance, { peers, rotation, random }) };
}

function selectionOf(
  balance: BalanceSettings,
  { peers, rotation, random }: {
    readonly peers: readonly BalancedPeer[]; readonly rotation: RoundRobin; readonly random: () => number;
  },
): Selection {
  switch (balance.kind) {
    case "round_robin": return rotation;
    case "least_conn": return new LeastLoad(peers, rotation, "active");
    case "least_time": return new LeastLoad(peers, rotation, "time");
    case "ip_hash": return new HashSelection(addressRow, peers, rotation);
    case "hash":
      return balance.consistent ? new ConsistentHash(peers, rotation) : new HashSelection(keyRow, peers, rotation);
    case "random": {
      const two = balance.two === undefined || balance.two === "least_conn" ? "active" : "time";
      return new RandomDraw(peers, rotation, { random, two: balance.two === undefined ? undefined : two });
    }
  }
}
