/**
 * Who of an upstream's peers is asked: nginx's rules around its methods.
 *
 * First those whom the request sticks to, then the method among the primary servers, then the same two among the backup
 * ones. Each choice counts as an active request from then on; whoever made it gives it back with `release`, once.
 */
import { isIP } from "node:net";
import { BalancedPeer, type Timing } from "./balance/balanced-peer.ts";
import { type GroupMethod, methodOf } from "./balance/methods.ts";
import {
  addressName, type Choice, type Member, type NetworkPeer, type Peer, type PeerResult, type PeerState, isNetworkPeer,
} from "./balance/peer.ts";
import { Sticking } from "./balance/sticking.ts";
import type { BalanceSettings, UpstreamServerSettings, UpstreamSettings } from "./settings.ts";
import type { UpstreamZone } from "./zone.ts";
import type { SessionTable } from "./zone-sessions.ts";
import { keyDigest, type SlotPlace } from "./zone-slot.ts";

export { isNetworkPeer };
export type { Choice, Member, NetworkPeer, Peer, PeerResult, PeerState };

/** What the balancer needs of the world. */
export interface BalancerMachine {
  /** Milliseconds, of one clock in all threads that does not go back, such as performance.timeOrigin and now(). */
  nowMs(): number;
  /** From 0 to less than 1. */
  random(): number;
  /** A sentence for the log of errors. */
  notice?(sentence: string): void;
}

interface Group extends GroupMethod {
  readonly peers: readonly BalancedPeer[];
  /** Undefined where no request sticks. */
  readonly sticking: Sticking | undefined;
}

export class Balancer {
  readonly #settings: UpstreamSettings;
  readonly #zone: UpstreamZone;
  readonly #machine: BalancerMachine;
  readonly #timing: Timing | undefined;
  /** Their locks are those of the groups. */
  readonly #groupPlaces: readonly SlotPlace[];
  readonly #sessions: SessionTable | undefined;
  /** By the key of their slot. */
  #places: ReadonlyMap<string, SlotPlace> = new Map();
  #byKey: ReadonlyMap<string, BalancedPeer> = new Map();
  #peers: readonly BalancedPeer[] = [];
  #groups: readonly Group[] = [];
  #hasResolved = false;

  /** Its first members are those servers whose address needs no resolver. */
  constructor(settings: UpstreamSettings, zone: UpstreamZone, machine: BalancerMachine) {
    this.#settings = settings;
    this.#zone = zone;
    this.#machine = machine;
    this.#timing = timingOf(settings.balance);
    this.#groupPlaces = ["primary", "backup"].map((group) => zone.take(`${settings.name}\n${group}`));
    const { sticky } = settings;
    this.#sessions = sticky?.kind === "learn" ? zone.sessions(sticky.zone.name) : undefined;
    this.#replace(settings.servers.flatMap(literalMember), false);
  }

  /** All of them, the backup ones too. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  /**
   * Replaces the members. Who stays keeps what is known of it, and is the same object; newcomers start slowly where the
   * configuration says so, but for those of the first call.
   */
  setMembers(members: readonly Member[]): void {
    this.#replace(members, this.#hasResolved);
    this.#hasResolved = true;
  }

  #replace(members: readonly Member[], startsSlowly: boolean): void {
    const places = new Map<string, SlotPlace>();
    const byKey = new Map<string, BalancedPeer>();
    const nowMs = this.#machine.nowMs();
    for (const member of members) {
      const key = this.#keyOf(member, byKey);
      const known = this.#byKey.get(key);
      const place = this.#places.get(key) ?? this.#take(key, member);
      const peer = known?.server === member.server ? known : new BalancedPeer(member, place, this.#timing);
      if (startsSlowly && known === undefined && "isNew" in place && place.isNew === true) peer.beginSlowly(nowMs);
      places.set(key, place);
      byKey.set(key, peer);
    }
    for (const [key, place] of this.#places) if (!places.has(key)) this.#zone.drop(place);
    this.#places = places;
    this.#byKey = byKey;
    this.#peers = [...byKey.values()];
    for (const peer of this.#peers) peer.isAlone = this.#peers.length === 1;
    const isBackup = (peer: BalancedPeer): boolean => peer.server.backup;
    this.#groups = [this.#peers.filter((peer) => !isBackup(peer)), this.#peers.filter(isBackup)].flatMap(this.#groupOf);
  }

  /** Who it is for all threads: the same address on two `server` lines is two peers. */
  #keyOf({ server, name }: Member, taken: ReadonlyMap<string, BalancedPeer>): string {
    const key = `${this.#settings.name}\n${server.name}\n${name}`;
    let unique = key;
    for (let count = 2; taken.has(unique); count++) unique = `${key}\n${count}`;
    return unique;
  }

  #take(key: string, { name }: Member): SlotPlace & { readonly isNew: boolean } {
    const place = this.#zone.take(key);
    if (place.slot === -1) {
      this.#machine.notice?.(
        `no room in the zone for peer "${name}" of upstream "${this.#settings.name}": each thread counts it by itself`,
      );
    }
    return place;
  }

  readonly #groupOf = (peers: readonly BalancedPeer[], index: number): readonly Group[] => {
    const place = this.#groupPlaces[index];
    if (peers.length === 0 || place === undefined) return [];
    const random = (): number => this.#machine.random();
    const method = methodOf(this.#settings.balance, peers, { place, random });
    const sticking = this.#settings.sticky === undefined ? undefined : new Sticking(peers, method.rotation);
    return [{ peers, ...method, sticking }];
  };

  /**
   * @param tried whom this request was sent to already; a kept connection that turned out to be closed does not count
   * @returns whom to ask, counted as active until `release`; undefined: nobody can be asked
   */
  choose(choice: Choice, tried: readonly Peer[]): Peer | undefined {
    const nowMs = this.#machine.nowMs();
    for (const group of this.#groups) {
      // Another thread may be quicker with the last request that a peer can take: no more often than there are peers.
      for (let attempts = group.peers.length; attempts >= 0; attempts--) {
        const own = choice.sticky === undefined ? undefined : this.#stickingTo(group, choice.sticky, { tried, nowMs });
        const peer = own ?? group.selection.select(choice, tried, nowMs);
        if (peer === undefined) break;
        if (peer.take(nowMs)) return peer;
      }
    }
    return undefined;
  }

  /** Who of the group the request sticks to, if that one can be asked. */
  #stickingTo(
    { sticking }: Group, text: string, { tried, nowMs }: { readonly tried: readonly Peer[]; readonly nowMs: number },
  ): BalancedPeer | undefined {
    const { sticky } = this.#settings;
    if (sticking === undefined || sticky === undefined || text === "") return undefined;
    if (sticky.kind !== "learn") return sticking.select(text, tried, nowMs);
    const digest = this.#sessions?.find(text, { nowMs, timeoutMs: sticky.timeoutMs });
    const id = digest === undefined ? undefined : sticking.idOf(digest);
    return id === undefined ? undefined : sticking.select(id, tried, nowMs);
  }

  /**
   * A response of `sticky learn` came (its head with `header`, else its end): the session that it began is this peer's
   * from now on; where it began none, the one that the request was of lives on.
   * @param created of `stickySessionOf` @param asked the choice's `sticky`
   */
  learn(
    peer: Peer, { created, asked }: { readonly created: string | undefined; readonly asked: string | undefined },
  ): void {
    const { sticky } = this.#settings;
    if (sticky?.kind !== "learn" || this.#sessions === undefined) return;
    const time = { nowMs: this.#machine.nowMs(), timeoutMs: sticky.timeoutMs };
    const digest = keyDigest(peer.id);
    if (created !== undefined && created !== "") this.#sessions.set(created, digest, time);
    else if (asked !== undefined && asked !== "") this.#sessions.touch(asked, digest, time);
  }

  /**
   * The request is over, or goes to another peer.
   * @returns whether this failure put the peer aside (nginx: "upstream server temporarily disabled")
   */
  release(peer: Peer, result: PeerResult): boolean {
    const own = balanced(peer);
    const nowMs = this.#machine.nowMs();
    own.drop();
    own.ended(result, nowMs);
    if (result.outcome === "ok") own.succeeded(nowMs);
    return result.outcome === "failed" && own.failed(nowMs);
  }

  /** The head of the response came, after `headerMs`: at most once for each choice. */
  headerCame(peer: Peer, headerMs: number): void {
    if (this.#timing !== undefined) balanced(peer).headerCame(headerMs, this.#machine.nowMs());
  }

  /** What a health check found, for all threads. */
  setHealth(peer: Peer, isHealthy: boolean): void {
    balanced(peer).setHealth(isHealthy, this.#machine.nowMs());
  }

  /** Well as far as anybody knows: not `down`, healthy, and not put aside for its failures. */
  isUp(peer: Peer): boolean {
    return balanced(peer).isUp(this.#machine.nowMs());
  }

  snapshot(): readonly PeerState[] {
    const nowMs = this.#machine.nowMs();
    return this.#peers.map((peer) => peer.state(nowMs));
  }

  /** This thread has the upstream no longer; what still is active may be released. */
  close(): void {
    for (const place of [...this.#places.values(), ...this.#groupPlaces]) this.#zone.drop(place);
    this.#places = new Map();
    this.#byKey = new Map();
    this.#peers = [];
    this.#groups = [];
  }
}

/** All peers are this room's. */
function balanced(peer: Peer): BalancedPeer {
  return peer as BalancedPeer;
}

/** The peer of a server whose address is one already. */
function literalMember(server: UpstreamServerSettings): readonly Member[] {
  const { address } = server;
  const isLiteral = address.kind !== "tcp" || (isIP(address.host) !== 0 && server.service === undefined);
  return isLiteral ? [{ server, address, name: addressName(address) }] : [];
}

function timingOf(balance: BalanceSettings): Timing | undefined {
  if (balance.kind === "least_time") return { until: balance.until, inflight: balance.inflight };
  if (balance.kind !== "random" || balance.two === undefined || balance.two === "least_conn") return undefined;
  return { until: balance.two, inflight: false };
}
