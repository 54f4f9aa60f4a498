/**
 * All upstreams of a thread: those that the configuration names, those that it only mentions (`proxy_pass
 * http://localhost:8000`), and those that only a request knows (`proxy_pass http://$host`).
 */
import { isIP } from "node:net";
import type { Clock, Ticked } from "../net/index.ts";
import { err, ok } from "../std/result.ts";
import type { Result } from "../std/result.ts";
import { addressName } from "./balance/peer.ts";
import { Balancer } from "./balancer.ts";
import type { BalancerMachine, Member } from "./balancer.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { KEEPALIVE_DEFAULTS, SERVER_DEFAULTS } from "./defaults.ts";
import { Resolver } from "./resolver.ts";
import type { NetworkAddress, ResolverSettings, UpstreamServerSettings, UpstreamSettings } from "./settings.ts";
import { Membership, bareHost } from "./upstreams-membership.ts";
import type { FoundName, UpstreamNotice } from "./upstreams-membership.ts";
import type { UpstreamZone } from "./zone.ts";

/** Upstreams that only requests know; beyond it the one that was asked longest ago is forgotten. */
const IMPLICIT_COUNT_MAX = 256;
/** Servers that an upstream can be given at runtime. */
const SERVER_COUNT_MAX = 1000;
/** For so long the start waits for names. */
const START_WAIT_MS = 1000;

export interface UpstreamsSettings {
  readonly settings: readonly UpstreamSettings[];
  readonly zone: UpstreamZone;
  readonly clock: Clock;
  readonly pool: ConnectionPool;
  readonly onNotice: UpstreamNotice;
  /** What names were found to be by the process before this one, and whom to tell what they are for the next. */
  readonly foundBefore?: readonly FoundName[];
  readonly onFound?: (names: readonly FoundName[]) => void;
}

/** A group of peers. The object is also what their idle connections are known by. */
export class Upstream {
  /** "backend", or "localhost:8000" of one that has no block. */
  readonly name: string;
  readonly settings: UpstreamSettings;
  readonly balancer: Balancer;
  #first: Promise<Upstream> | undefined = undefined;

  constructor(settings: UpstreamSettings, balancer: Balancer) {
    this.name = settings.name;
    this.settings = settings;
    this.balancer = balancer;
  }

  /** Itself; while its names are looked up for the first time, a promise of it, which is never rejected. */
  ready(): Upstream | Promise<Upstream> {
    return this.#first ?? this;
  }

  /** Until this is done it is not ready. */
  begin(first: Promise<void>): void {
    this.#first = first.then(() => {
      this.#first = undefined;
      return this;
    });
  }
}

/** An upstream that only requests know. */
interface Implicit {
  readonly upstream: Upstream;
  readonly server: UpstreamServerSettings;
  /** Until when its addresses count, monotonic milliseconds. */
  untilMs: number;
  lookup: Promise<Upstream> | undefined;
}

export class Upstreams implements Ticked {
  readonly #settings: UpstreamsSettings;
  readonly #machine: BalancerMachine;
  readonly #named = new Map<string, Upstream>();
  /** By host and port: mentioned by the configuration. */
  readonly #fixed = new Map<string, Upstream>();
  /** The one that was asked longest ago first. */
  readonly #implicit = new Map<string, Implicit>();
  readonly #memberships = new Map<Upstream, Membership>();
  readonly #system = new Resolver(undefined);
  readonly #resolvers = new Map<ResolverSettings, { readonly number: number; readonly resolver: Resolver }>();
  readonly #foundBefore: ReadonlyMap<string, FoundName>;
  #started = false;
  /** Were names found to be something else since that was told? */
  #hasFound = false;

  constructor(settings: UpstreamsSettings) {
    this.#settings = settings;
    this.#foundBefore = new Map(settings.foundBefore?.map((found) => [found.key, found]));
    this.#machine = machineOf(settings);
    for (const upstream of settings.settings) this.#named.set(upstream.name, this.#make(upstream, upstream.servers));
    settings.clock.add(this);
  }

  /** @param name in lower case, of an `upstream` block */
  named(name: string): Upstream | undefined {
    return this.#named.get(name);
  }

  /**
   * The first application that the configuration has among the servers of an upstream.
   * @param name in lower case; undefined: of any upstream @returns undefined where there is none
   */
  application(name: string | undefined): string | undefined {
    const found = this.#settings.settings.filter((upstream) => name === undefined || upstream.name === name);
    const addresses = found.flatMap(({ servers }) => servers.map(({ address }) => address));
    return addresses.find((address) => address.kind === "app")?.name;
  }

  /**
   * The upstream of a host that the configuration mentions: as in nginx it is looked up once, by the system. To be
   * asked for before `start`; later is possible.
   */
  fixed(address: NetworkAddress): Upstream {
    const name = nameOf(address);
    const known = this.#fixed.get(name);
    if (known !== undefined) return known;
    const server = onlyServer(name, address);
    const upstream = this.#make(implicitSettings(name, [server]), [server]);
    this.#fixed.set(name, upstream);
    if (this.#started) void this.#begin(upstream);
    return upstream;
  }

  /**
   * The upstream of a host that a request's variables name.
   * @returns a promise where the name has to be looked up first; rejects with an Error in nginx's words
   */
  at(address: NetworkAddress, resolver: ResolverSettings | undefined): Upstream | Promise<Upstream> {
    const name = nameOf(address);
    const fixed = this.#fixed.get(name);
    if (fixed !== undefined) return fixed.ready();
    const isLiteral = address.kind === "unix" || isIP(bareHost(address.host)) !== 0;
    if (!isLiteral && resolver === undefined) {
      return Promise.reject(new Error(`no resolver defined to resolve ${address.host}`));
    }
    // Others ask others: what they are told may differ.
    const key = isLiteral || resolver === undefined ? name : `${name} ${this.#resolver(resolver).number}`;
    const implicit = this.#implicitAt(key, name, address);
    if (performance.now() < implicit.untilMs) return implicit.upstream;
    if (address.kind === "unix" || resolver === undefined) return implicit.upstream;
    return (implicit.lookup ??= this.#lookUp(implicit, address, this.#resolver(resolver).resolver));
  }

  /**
   * Gives a named upstream other servers, in this thread, without a reload. Peers that stay keep what is known of them;
   * names are looked up as those of the configuration are.
   */
  setMembers(name: string, servers: readonly UpstreamServerSettings[]): Result<Upstream, string> {
    const upstream = this.#named.get(name);
    if (upstream === undefined) return err(`there is no upstream "${name}"`);
    if (servers.length > SERVER_COUNT_MAX) return err(`an upstream has at most ${SERVER_COUNT_MAX} servers`);
    this.#memberships.get(upstream)?.close();
    const membership = this.#join(upstream, servers);
    membership.tell();
    if (this.#started) void membership.lookUp(performance.now());
    return ok(upstream);
  }

  /** Looks all names up. @returns resolves when that is done, or after a second: it goes on by itself */
  async start(): Promise<void> {
    this.#started = true;
    const all = Promise.all([...this.#memberships.keys()].map((upstream) => this.#begin(upstream)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, START_WAIT_MS)));
    await Promise.race([all, late]);
    clearTimeout(timer);
  }

  tick(nowMs: number): void {
    if (!this.#started) return;
    for (const membership of this.#memberships.values()) void membership.lookUp(nowMs);
    if (!this.#hasFound) return;
    this.#hasFound = false;
    this.#settings.onFound?.([...this.#memberships.values()].flatMap(({ found }) => found));
  }

  /** Looks nothing up any more. */
  close(): void {
    this.#settings.clock.remove(this);
    for (const membership of this.#memberships.values()) membership.close();
    for (const { resolver } of this.#resolvers.values()) resolver.close();
  }

  #make(settings: UpstreamSettings, servers: readonly UpstreamServerSettings[]): Upstream {
    const upstream = new Upstream(settings, new Balancer(settings, this.#settings.zone, this.#machine));
    this.#join(upstream, servers);
    return upstream;
  }

  /** What is known of its servers is told to the upstream from now on. */
  #join(upstream: Upstream, servers: readonly UpstreamServerSettings[]): Membership {
    const { resolver: settings, name } = upstream.settings;
    const membership = new Membership({
      name, servers, system: this.#system, onNotice: this.#settings.onNotice,
      resolver: settings === undefined ? this.#system : this.#resolver(settings).resolver,
      foundBefore: (key) => this.#foundBefore.get(key),
      onMembers: (members) => {
        this.#hasFound = true;
        this.#setMembers(upstream, members);
      },
    });
    if (membership.found.length > 0) membership.tell();
    if (membership.hasNames) this.#memberships.set(upstream, membership);
    else this.#memberships.delete(upstream);
    return membership;
  }

  #begin(upstream: Upstream): Promise<void> {
    const membership = this.#memberships.get(upstream);
    const first = membership?.lookUp(performance.now()) ?? Promise.resolve();
    // Nobody waits for what was known before.
    if (membership?.isFound === true) return Promise.resolve();
    upstream.begin(first);
    return first;
  }

  #setMembers(upstream: Upstream, members: readonly Member[]): void {
    upstream.balancer.setMembers(members);
    const names = new Set(members.map(({ name }) => name));
    this.#settings.pool.retire(upstream, (peer) => !names.has(peer.name));
  }

  #resolver(settings: ResolverSettings): { readonly number: number; readonly resolver: Resolver } {
    let known = this.#resolvers.get(settings);
    if (known === undefined) {
      known = { number: this.#resolvers.size, resolver: new Resolver(settings) };
      this.#resolvers.set(settings, known);
    }
    return known;
  }

  #implicitAt(key: string, name: string, address: NetworkAddress): Implicit {
    const known = this.#implicit.get(key);
    if (known !== undefined) {
      this.#implicit.delete(key);
      this.#implicit.set(key, known);
      return known;
    }
    // As in nginx, each request tries the addresses of such a name anew.
    const server = { ...onlyServer(name, address), maxFails: 0 };
    const settings = implicitSettings(name, [server]);
    const upstream = new Upstream(settings, new Balancer(settings, this.#settings.zone, this.#machine));
    const isKnown = upstream.balancer.peers.length > 0;
    const made = { upstream, server, untilMs: isKnown ? Number.POSITIVE_INFINITY : 0, lookup: undefined };
    if (this.#implicit.size >= IMPLICIT_COUNT_MAX) this.#forgetOldest();
    this.#implicit.set(key, made);
    return made;
  }

  /** Those that are being looked up, of which the resolver has a bound, are not forgotten before somebody has them. */
  #forgetOldest(): void {
    for (const [key, { upstream, lookup }] of this.#implicit) {
      if (lookup !== undefined) continue;
      this.#implicit.delete(key);
      this.#settings.pool.retire(upstream, () => true);
      upstream.balancer.close();
      if (this.#implicit.size < IMPLICIT_COUNT_MAX) return;
    }
  }

  async #lookUp(
    implicit: Implicit, { host, port }: NetworkAddress & { readonly kind: "tcp" }, resolver: Resolver,
  ): Promise<Upstream> {
    const { upstream, server } = implicit;
    try {
      const { addresses, ttlMs } = await resolver.lookup(host);
      implicit.untilMs = performance.now() + ttlMs;
      this.#setMembers(upstream, addresses.map((address) => {
        const resolved = { kind: "tcp", host: address, port } as const;
        return { server, address: resolved, name: addressName(resolved) };
      }));
      return upstream;
    } finally {
      implicit.lookup = undefined;
    }
  }
}

/** One clock in all threads: what they note together must be comparable. */
function machineOf({ clock, onNotice }: UpstreamsSettings): BalancerMachine {
  const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return {
    nowMs: () => clock.coarseMs + offsetMs,
    random: Math.random,
    notice: (sentence) => onNotice("warning", sentence),
  };
}

function nameOf(address: NetworkAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : `${address.host.toLowerCase()}:${address.port}`;
}

/** What holds of a server of which nothing is said. */
function onlyServer(name: string, address: NetworkAddress): UpstreamServerSettings {
  const bare = address.kind === "unix" ? address : { ...address, host: bareHost(address.host) };
  return { name, address: bare, ...SERVER_DEFAULTS };
}

function implicitSettings(name: string, servers: readonly UpstreamServerSettings[]): UpstreamSettings {
  return {
    name, servers, balance: { kind: "round_robin" }, sticky: undefined, keepalive: KEEPALIVE_DEFAULTS,
    resolver: undefined,
  };
}
