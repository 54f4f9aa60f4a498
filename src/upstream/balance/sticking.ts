/** The peers of a group by what requests name them by. */
import { keyDigest } from "../zone-slot.ts";
import type { PeerDigest } from "../zone-sessions.ts";
import type { BalancedPeer } from "./balanced-peer.ts";
import type { Peer } from "./peer.ts";
import type { RoundRobin } from "./round-robin.ts";

export class Sticking {
  readonly #byId: ReadonlyMap<string, readonly BalancedPeer[]>;
  readonly #rotation: RoundRobin;
  /** Digests of ids, for sessions. */
  readonly #digests: readonly (readonly [id: string, digest: PeerDigest])[];

  constructor(peers: readonly BalancedPeer[], rotation: RoundRobin) {
    this.#byId = Map.groupBy(peers, ({ id }) => id);
    this.#rotation = rotation;
    this.#digests = [...this.#byId.keys()].map((id) => [id, keyDigest(id)]);
  }

  /** @returns the peer of this id, among several of one id whose turn it is; undefined if none can be asked */
  select(id: string, tried: readonly Peer[], nowMs: number): BalancedPeer | undefined {
    const peers = this.#byId.get(id);
    const [only] = peers ?? [];
    if (peers === undefined || only === undefined) return undefined;
    if (peers.length > 1) return this.#rotation.turn(peers, tried, nowMs, true);
    return only.isOpen(nowMs, true) && !tried.includes(only) ? only : undefined;
  }

  /** @returns the id that a session has kept the digest of */
  idOf([high, low]: PeerDigest): string | undefined {
    return this.#digests.find(([, digest]) => digest[0] === high && digest[1] === low)?.[0];
  }
}
