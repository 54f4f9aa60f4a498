/**
 * Addresses of names. With name servers, DNS is asked and its TTL decides how long an answer counts; without, the
 * system is asked, as by any other program, and its answer counts until somebody asks again.
 *
 * Whoever asks for the same name at the same time shares one query. Names that come from requests are checked before
 * they go anywhere, and everything that is remembered has a bound.
 */
import * as dns from "node:dns/promises";
import { isIP } from "node:net";
import { DNS_NAME_SIZE_MAX } from "../protocol/dns/index.ts";
import type { DnsAnswer, DnsQuestion, DnsType } from "../protocol/dns/index.ts";
import { DnsClient, DnsProblem, NOT_FOUND } from "./dns-client.ts";
import { type DnsServer, FORMAT_ERROR } from "./dns-exchange.ts";
import type { ResolverSettings } from "./settings.ts";

export interface Addresses {
  /** IP addresses without brackets: at least one, none twice. */
  readonly addresses: readonly string[];
  /** Infinity for what is an address already. */
  readonly ttlMs: number;
}

/** One SRV record (RFC 2782) and the addresses of its target. */
export interface ServiceTarget {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly addresses: readonly string[];
}

export interface ServiceTargets {
  readonly targets: readonly ServiceTarget[];
  readonly ttlMs: number;
}

/** A name that has no addresses, or none that anybody would tell; the message is nginx's. */
export class ResolveProblem extends Error {
  /** The name does not exist, as opposed to: nobody answered. */
  readonly isAbsent: boolean;

  constructor(name: string, reason: string) {
    super(`${name} could not be resolved (${reason})`);
    this.isAbsent = reason === NOT_FOUND;
  }
}

/** Letters, digits, hyphens; underscores, which are no host names but are used. */
const NAME = /^(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?$/;
const NAMES_REMEMBERED_MAX = 1000;
/** Names; each has two questions, and each of these a socket or, after a silence, some. */
const QUERIES_AT_ONCE_MAX = 250;
/** A hostile answer may have thousands. */
const ADDRESS_COUNT_MAX = 256;
/** TTLs out of these bounds are a server's mistake, or an attack (DNS rebinding). */
const TTL_MS_MIN = 1000, TTL_MS_MAX = 3_600_000;
/** For so long nobody asks again for what has failed. */
const FAILURE_MS = 1000;
/** For so long the system's answers count. */
const SYSTEM_TTL_MS = 10_000;
/** SRV records of one name that are followed. */
const TARGET_COUNT_MAX = 64;
/** Aliases that are followed from message to message. */
const ALIAS_COUNT_MAX = 16;
/** The port of name servers that say none. */
const DNS_PORT = 53;

/** nginx's words for what getaddrinfo calls so. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: NOT_FOUND, ENODATA: NOT_FOUND, EAI_AGAIN: "2: Server failure",
};

/** What a name was found to be. */
interface Records {
  readonly answers: readonly DnsAnswer[];
  /** Seconds. */
  readonly ttl: number;
}

interface Remembered<T> {
  readonly answer: Promise<T>;
  /** Monotonic milliseconds; Infinity while the query is under way. */
  untilMs: number;
}

export class Resolver {
  readonly #settings: ResolverSettings | undefined;
  readonly #dns: DnsClient = new DnsClient();
  readonly #addresses = new Map<string, Remembered<Addresses>>();
  readonly #services = new Map<string, Remembered<ServiceTargets>>();
  #running = 0;
  /** Name servers that are named by names are looked up once. */
  #servers: Promise<readonly DnsServer[]> | undefined = undefined;

  /** @param settings undefined: the system is asked (getaddrinfo, /etc/hosts) */
  constructor(settings: ResolverSettings | undefined) {
    this.#settings = settings;
  }

  /** @param name or an IP address, with or without brackets. @returns rejects with a `ResolveProblem` */
  async lookup(name: string): Promise<Addresses> {
    const bare = name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
    if (isIP(bare) !== 0) return { addresses: [bare], ttlMs: Number.POSITIVE_INFINITY };
    return this.#remember(this.#addresses, name, () => this.#lookUp(name));
  }

  /**
   * @param service as in nginx: "http" stands for `_http._tcp`, and one with a dot for itself
   * @returns rejects with a `ResolveProblem`, also where there are no name servers
   */
  async srv(service: string, name: string): Promise<ServiceTargets> {
    const prefix = service.includes(".") ? service : `_${service}._tcp`;
    const whole = `${prefix}.${name}`;
    return this.#remember(this.#services, whole, () => this.#lookUpService(whole));
  }

  /** Ends all queries; those who asked hear of a timeout. */
  close(): void {
    this.#dns.close();
  }

  #remember<T extends { readonly ttlMs: number }>(
    memory: Map<string, Remembered<T>>, name: string, ask: () => Promise<T>,
  ): Promise<T> {
    const key = name.toLowerCase();
    const known = memory.get(key);
    const nowMs = performance.now();
    if (known !== undefined && nowMs < known.untilMs) return aged(known, nowMs);
    if (!isName(name)) return reject(name, FORMAT_ERROR);
    if (this.#running >= QUERIES_AT_ONCE_MAX) return reject(name, "too many names are being resolved");
    const remembered: Remembered<T> = { answer: ask(), untilMs: Number.POSITIVE_INFINITY };
    memory.delete(key);
    memory.set(key, remembered);
    if (memory.size > NAMES_REMEMBERED_MAX) forgetOldest(memory);
    remembered.answer.then(
      ({ ttlMs }) => (remembered.untilMs = performance.now() + ttlMs),
      () => (remembered.untilMs = performance.now() + FAILURE_MS),
    );
    return remembered.answer;
  }

  async #lookUp(name: string): Promise<Addresses> {
    if (this.#settings === undefined) return lookUpInSystem(name);
    const { ipv4, ipv6 } = this.#settings;
    const types: readonly DnsType[] = [...(ipv4 ? ["A"] as const : []), ...(ipv6 ? ["AAAA"] as const : [])];
    const { answers, ttl } = await this.#ask(name, types);
    return { addresses: unique(answers.flatMap(({ addresses }) => addresses)), ttlMs: this.#bounded(ttl * 1000) };
  }

  async #lookUpService(whole: string): Promise<ServiceTargets> {
    if (this.#settings === undefined) throw new ResolveProblem(whole, "no resolver is defined");
    const { answers, ttl } = await this.#ask(whole, ["SRV"]);
    // RFC 2782: the root as a target says that there is no such service.
    const services = answers.flatMap((answer) => answer.services).filter(({ target }) => target !== "");
    const found = await Promise.allSettled(
      services.slice(0, TARGET_COUNT_MAX).map(async ({ target, port, weight, priority }) => {
        const { addresses, ttlMs } = await this.lookup(target);
        return { target: { priority, weight, port, addresses }, ttlMs };
      }),
    );
    const known = found.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    if (known.length === 0) {
      throw worst(whole, found.map((answer): unknown => (answer.status === "rejected" ? answer.reason : undefined)));
    }
    const ttlMs = Math.min(this.#bounded(ttl * 1000), ...known.map((answer) => answer.ttlMs));
    return { targets: known.map(({ target }) => target), ttlMs };
  }

  /**
   * Asks for a name, and for what it is an alias of. As in nginx an answer of each type is needed, whatever it says;
   * one that is missing would make an upstream lose half of its servers.
   * @returns what has records: at least one answer
   */
  async #ask(name: string, types: readonly DnsType[]): Promise<Records> {
    this.#running++;
    try {
      const servers = await this.#nameServers(name);
      const turn = this.#dns.turn();
      const untilMs = performance.now() + (this.#settings?.timeoutMs ?? 0);
      let asked = name;
      let ttl = Number.POSITIVE_INFINITY;
      for (let count = 0; count <= ALIAS_COUNT_MAX; count++) {
        const questions = types.map((type): DnsQuestion => ({ name: asked, type }));
        const all = await this.#dns.ask(servers, questions, turn, untilMs);
        const answers = all.filter(({ addresses, services }) => addresses.length + services.length > 0);
        if (answers.length > 0) return { answers, ttl: Math.min(ttl, ...answers.map((answer) => answer.ttl)) };
        const link = all.findLast(({ alias }) => alias !== undefined);
        if (link?.alias === undefined) throw new ResolveProblem(name, NOT_FOUND);
        if (!isName(link.alias)) throw new ResolveProblem(name, FORMAT_ERROR);
        asked = link.alias;
        ttl = Math.min(ttl, link.ttl);
      }
      throw new ResolveProblem(name, FORMAT_ERROR);
    } catch (problem) {
      throw problemOf(name, problem);
    } finally {
      this.#running--;
    }
  }

  /** Names among them are looked up by the system, once they are found: nginx does it when it starts. */
  async #nameServers(name: string): Promise<readonly DnsServer[]> {
    const { servers = [] } = this.#settings ?? {};
    const found = await (this.#servers ??= Promise.all(servers.map(serverAddresses)).then((each) => each.flat()));
    if (found.length > 0) return found;
    this.#servers = undefined;
    throw new ResolveProblem(name, `host not found in resolver "${servers.join(" ")}"`);
  }

  #bounded(ttlMs: number): number {
    return this.#settings?.validMs ?? Math.min(Math.max(ttlMs, TTL_MS_MIN), TTL_MS_MAX);
  }
}

/**
 * @param server "192.0.2.1:53", "[::1]", "dns.example:53"
 * @returns the same with addresses; none where none is found
 */
async function serverAddresses(server: string): Promise<readonly DnsServer[]> {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(server) ?? [];
  const host = bracketed ?? plain ?? server;
  const port = Number(digits ?? DNS_PORT);
  if (isIP(host) !== 0) return [{ host, port }];
  if (!isName(host)) return [];
  try {
    const { addresses } = await lookUpInSystem(host);
    return addresses.map((address) => ({ host: address, port }));
  } catch {
    // Another server may be found; without any, the query fails and says so.
    return [];
  }
}

async function lookUpInSystem(name: string): Promise<Addresses> {
  try {
    const found = await dns.lookup(name, { all: true, order: "ipv4first" });
    return { addresses: unique(found.map(({ address }) => address)), ttlMs: SYSTEM_TTL_MS };
  } catch (error) {
    throw problemOf(name, error);
  }
}

/** What is said when nothing was found: that a name does not exist only if everybody says so. */
function worst(name: string, problems: readonly unknown[]): ResolveProblem {
  const known = problems.map((problem) => problemOf(name, problem));
  return known.find(({ isAbsent }) => !isAbsent) ?? known[0] ?? new ResolveProblem(name, NOT_FOUND);
}

function problemOf(name: string, error: unknown): ResolveProblem {
  if (error instanceof ResolveProblem) return error;
  if (error instanceof DnsProblem) return new ResolveProblem(name, error.message);
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new ResolveProblem(name, REASONS[code] ?? code);
}

/** An answer counts less long for those who come later. */
function aged<T extends { readonly ttlMs: number }>({ answer, untilMs }: Remembered<T>, nowMs: number): Promise<T> {
  if (untilMs === Number.POSITIVE_INFINITY) return answer;
  return answer.then((known) => ({ ...known, ttlMs: untilMs - nowMs }));
}

function isName(text: string): boolean {
  return text.length <= DNS_NAME_SIZE_MAX && NAME.test(text);
}

function reject(name: string, reason: string): Promise<never> {
  return Promise.reject(new ResolveProblem(name, reason));
}

function unique(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)].slice(0, ADDRESS_COUNT_MAX);
}

function forgetOldest(memory: Map<string, unknown>): void {
  const [oldest] = memory.keys();
  if (oldest !== undefined) memory.delete(oldest);
}
