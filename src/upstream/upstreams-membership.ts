/**
 * Who the members of one upstream are: addresses as they are written, names as they are found.
 *
 * As in nginx a name is looked up once, by the system, unless its server says `resolve`: then it is followed for as
 * long as the upstream lives, and DNS says how often. Unlike nginx, which does not start then, a name that is not found
 * is looked up again after a pause, and meanwhile its server is no member. What the process before this one had found
 * counts until something else is found, so that a reload without name servers costs nothing.
 */
import { isIP } from "node:net";
import { addressName } from "./balance/peer.ts";
import type { Member } from "./balancer.ts";
import { ResolveProblem } from "./resolver.ts";
import type { Resolver, ServiceTarget } from "./resolver.ts";
import type { UpstreamServerSettings } from "./settings.ts";

/** Pauses after failures: each is twice as long as the one before. */
const PAUSE_MS_MIN = 1000, PAUSE_MS_MAX = 30_000;

/** For the log of errors. */
export type UpstreamNotice = (level: "error" | "warning" | "info", text: string) => void;

/** What a server's name was found to be; plain data, which outlives the process that has found it. */
export interface FoundName {
  /** Which name, of which upstream. */
  readonly key: string;
  /** Of a server with `service=`: SRV records; of another one: IP addresses. */
  readonly targets: readonly ServiceTarget[] | undefined;
  readonly addresses: readonly string[];
}

export interface MembershipSettings {
  /** The upstream's, for messages. */
  readonly name: string;
  readonly servers: readonly UpstreamServerSettings[];
  /** Who looks up names that are looked up once. */
  readonly system: Resolver;
  /** Who follows the others. */
  readonly resolver: Resolver;
  readonly onNotice: UpstreamNotice;
  /** What a name was found to be when it was looked up last, by the process before this one. */
  readonly foundBefore: (key: string) => FoundName | undefined;
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
  found: FoundName | undefined;
  /** When it is looked up next, monotonic milliseconds. */
  dueMs: number;
  pauseMs: number;
  isBusy: boolean;
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
    for (const named of this.#named) {
      const found = settings.foundBefore(this.#keyOf(named));
      if (found !== undefined) this.#setFound(named, found);
    }
    this.#known = keyOf(this.#members());
  }

  /** Are there names to look up at all? */
  get hasNames(): boolean {
    return this.#named.length > 0;
  }

  /** Was each name found, at whatever time? */
  get isFound(): boolean {
    return this.#named.every(({ found }) => found !== undefined);
  }

  /** What is known of names. */
  get found(): readonly FoundName[] {
    return this.#named.flatMap(({ found }) => found ?? []);
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
      const { ttlMs, ...found } = await this.#find(named);
      this.#setFound(named, found);
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

  async #find(named: NamedServer): Promise<FoundName & { readonly ttlMs: number }> {
    const { system, resolver } = this.#settings;
    const { server, host } = named;
    const key = this.#keyOf(named);
    if (server.service !== undefined) return { key, addresses: [], ...await resolver.srv(server.service, host) };
    return { key, targets: undefined, ...await (server.resolve ? resolver : system).lookup(host) };
  }

  #keyOf({ server, host }: NamedServer): string {
    return [this.#settings.name, host.toLowerCase(), server.service ?? "", server.resolve].join(" ");
  }

  #setFound(named: NamedServer, found: FoundName): void {
    const { server, port } = named;
    named.found = found;
    named.members = found.targets === undefined ? found.addresses.map((address) => memberOf(server, address, port))
      : serviceMembers(named, found.targets);
  }

  /** A name that is said to be no more has no members; while nobody answers, those known stay. */
  #failed(named: NamedServer, problem: unknown): void {
    const { name, onNotice } = this.#settings;
    const reason = problem instanceof Error ? problem.message : String(problem);
    const isFirst = named.pauseMs === PAUSE_MS_MIN;
    if (isFirst && !this.#closed) onNotice("error", `host not found in upstream "${name}": ${reason}`);
    if (problem instanceof ResolveProblem && problem.isAbsent) {
      named.members = [];
      named.found = undefined;
    }
    named.dueMs = performance.now() + named.pauseMs;
    named.pauseMs = Math.min(named.pauseMs * 2, PAUSE_MS_MAX);
  }

  #members(): readonly Member[] {
    return this.#servers.flatMap((place) => ("dueMs" in place ? place.members : [place]));
  }
}

function placeOf(server: UpstreamServerSettings): NamedServer | Member {
  const { address, service } = server;
  if (address.kind !== "tcp") return { server, address, name: addressName(address) };
  const host = bareHost(address.host);
  if (isIP(host) !== 0 && service === undefined) return memberOf(server, host, address.port);
  const { port } = address;
  return {
    server, host, port, variants: new Map(), members: [], found: undefined, dueMs: 0, pauseMs: PAUSE_MS_MIN,
    isBusy: false,
  };
}

function memberOf(server: UpstreamServerSettings, host: string, port: number): Member {
  const address = { kind: "tcp", host, port } as const;
  return { server, address, name: addressName(address) };
}

/** RFC 2782: those of the lowest priority come first; nginx makes the others backup servers. */
function serviceMembers(named: NamedServer, targets: readonly ServiceTarget[]): readonly Member[] {
  const { server } = named;
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
  return members;
}

/** @returns a host without the brackets that IPv6 addresses have in URLs */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Two lists of members are the same if this is. */
function keyOf(members: readonly Member[]): string {
  return members.map(({ name, server }) => `${name} ${server.weight} ${server.backup}`).sort().join();
}
