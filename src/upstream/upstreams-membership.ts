/**
 * Who the members of one upstream are: addresses as they are written, names as they are found.
 *
 * As in nginx a name is looked up once, by the system, unless its server says `resolve`: then it is followed for as
 * long as the upstream lives, and DNS says how often. Unlike nginx, which does not start then, a name that is not found
 * is looked up again after a pause, and meanwhile its server is no member.
 */
import { isIP } from "node:net";
import { addressName } from "./balance/peer.ts";
import type { Member } from "./balancer.ts";
import { ResolveProblem } from "./resolver.ts";
import type { Resolver } from "./resolver.ts";
import type { UpstreamServerSettings } from "./settings.ts";

/** Pauses after failures: each is twice as long as the one before. */
const PAUSE_MS_MIN = 1000, PAUSE_MS_MAX = 30_000;

/** For the log of errors. */
export type UpstreamNotice = (level: "error" | "warning" | "info", text: string) => void;

export interface MembershipSettings {
  /** The upstream's, for messages. */
  readonly name: string;
  readonly servers: readonly UpstreamServerSettings[];
  /** Who looks up names that are looked up once. */
  readonly system: Resolver;
  /** Who follows the others. */
  readonly resolver: Resolver;
  readonly onNotice: UpstreamNotice;
  /** Called when the members are others than before. */
  readonly onMembers: (members: readonly Member[]) => void;
}

/** A server whose addresses have to be found. */
interface NamedServer {
  readonly server: UpstreamServerSettings;
  readonly host: string;
  readonly port: number;
  /** In lines of SRV records, by what they say of it: the same object for the same words. */
  variants: ReadonlyMap<string, UpstreamServerSettings>;
  members: readonly Member[];
  /** When it is looked up next, monotonic milliseconds. */
  dueMs: number;
  pauseMs: number;
  isBusy: boolean;
}

/** What a server's name was found to be. */
interface Found {
  readonly members: readonly Member[];
  readonly ttlMs: number;
}

export class Membership {
  readonly #settings: MembershipSettings;
  /** In the order of the servers: whom to look up, or who it is. */
  readonly #servers: readonly (NamedServer | Member)[];
  readonly #named: readonly NamedServer[];
  #known = "";
  #closed = false;

  constructor(settings: MembershipSettings) {
    this.#settings = settings;
    this.#servers = settings.servers.map(placeOf);
    this.#named = this.#servers.filter((place) => "dueMs" in place);
    this.#known = keyOf(this.#members());
  }

  /** Are there names to look up at all? */
  get hasNames(): boolean {
    return this.#named.length > 0;
  }

  /** Tells the members that are known, whether or not they were told before. */
  tell(): void {
    this.#settings.onMembers(this.#members());
  }

  /** Looks up what is due. @returns resolves when all of it was found, or not */
  async lookUp(nowMs: number): Promise<void> {
    const due = this.#named.filter(({ isBusy, dueMs }) => !isBusy && dueMs <= nowMs);
    if (due.length > 0) await Promise.all(due.map((named) => this.#lookUp(named)));
  }

  /** What is found from now on is told to nobody. */
  close(): void {
    this.#closed = true;
  }

  async #lookUp(named: NamedServer): Promise<void> {
    named.isBusy = true;
    try {
      const { members, ttlMs } = await this.#find(named);
      named.members = members;
      named.dueMs = named.server.resolve ? performance.now() + ttlMs : Number.POSITIVE_INFINITY;
      named.pauseMs = PAUSE_MS_MIN;
    } catch (problem) {
      this.#failed(named, problem);
    } finally {
      named.isBusy = false;
    }
    const members = this.#members();
    const key = keyOf(members);
    if (this.#closed || key === this.#known) return;
    this.#known = key;
    this.#settings.onMembers(members);
  }

  async #find(named: NamedServer): Promise<Found> {
    const { system, resolver } = this.#settings;
    const { server, host, port } = named;
    if (server.service !== undefined) return this.#findService(named, server.service);
    const { addresses, ttlMs } = await (server.resolve ? resolver : system).lookup(host);
    return { members: addresses.map((address) => memberOf(server, address, port)), ttlMs };
  }

  /** RFC 2782: those of the lowest priority come first; nginx makes the others backup servers. */
  async #findService(named: NamedServer, service: string): Promise<Found> {
    const { server, host } = named;
    const { targets, ttlMs } = await this.#settings.resolver.srv(service, host);
    const first = Math.min(...targets.map(({ priority }) => priority));
    const variants = new Map<string, UpstreamServerSettings>();
    const members: Member[] = [];
    for (const { priority, weight, port, addresses } of targets) {
      const isLater = priority > first;
      if (isLater && server.backup) continue;
      const words = `${weight} ${isLater}`;
      const variant = variants.get(words) ?? named.variants.get(words)
        ?? { ...server, weight: Math.max(1, weight), backup: server.backup || isLater };
      variants.set(words, variant);
      for (const address of addresses) members.push(memberOf(variant, address, port));
    }
    named.variants = variants;
    return { members, ttlMs };
  }

  /** A name that is said to be no more has no members; while nobody answers, those known stay. */
  #failed(named: NamedServer, problem: unknown): void {
    const { name, onNotice } = this.#settings;
    const reason = problem instanceof Error ? problem.message : String(problem);
    const isFirst = named.pauseMs === PAUSE_MS_MIN;
    if (isFirst && !this.#closed) onNotice("error", `host not found in upstream "${name}": ${reason}`);
    if (problem instanceof ResolveProblem && problem.isAbsent) named.members = [];
    named.dueMs = performance.now() + named.pauseMs;
    named.pauseMs = Math.min(named.pauseMs * 2, PAUSE_MS_MAX);
  }

  #members(): readonly Member[] {
    return this.#servers.flatMap((place) => ("dueMs" in place ? place.members : [place]));
  }
}

function placeOf(server: UpstreamServerSettings): NamedServer | Member {
  const { address, service } = server;
  if (address.kind === "unix") return { server, address, name: addressName(address) };
  const host = bareHost(address.host);
  if (isIP(host) !== 0 && service === undefined) return memberOf(server, host, address.port);
  const { port } = address;
  return { server, host, port, variants: new Map(), members: [], dueMs: 0, pauseMs: PAUSE_MS_MIN, isBusy: false };
}

function memberOf(server: UpstreamServerSettings, host: string, port: number): Member {
  const address = { kind: "tcp", host, port } as const;
  return { server, address, name: addressName(address) };
}

/** @returns a host without the brackets that IPv6 addresses have in URLs */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Two lists of members are the same if this is. */
function keyOf(members: readonly Member[]): string {
  return members.map(({ name, server }) => `${name} ${server.weight} ${server.backup}`).sort().join();
}
