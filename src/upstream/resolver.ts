/**
 * Addresses of names. With name servers, DNS is asked and its TTL decides how long an answer counts; without, the
 * system is asked, as by any other program, and its answer counts until somebody asks again.
 *
 * Whoever asks for the same name at the same time shares one query. Names that come from requests are checked before
 * they go anywhere, and everything that is remembered has a bound.
 */
import * as dns from "node:dns/promises";
import { isIP } from "node:net";
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

/** RFC 1035 §2.3.4 has 255 bytes on the wire, which are 253 characters. */
const NAME_SIZE_MAX = 253;
/** Letters, digits, hyphens; underscores, which are no host names but are used. */
const NAME = /^(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?$/;
const NAMES_REMEMBERED_MAX = 1000;
const QUERIES_AT_ONCE_MAX = 500;
/** A hostile answer may have thousands. */
const ADDRESS_COUNT_MAX = 256;
/** TTLs out of these bounds are a server's mistake, or an attack (DNS rebinding). */
const TTL_MS_MIN = 1000, TTL_MS_MAX = 3_600_000;
/** For so long nobody asks again for what has failed. */
const FAILURE_MS = 1000;
/** For so long the system's answers count. */
const SYSTEM_TTL_MS = 10_000;
/** A datagram may get lost: another one is sent then, after a longer and longer while. */
const TRY_MS_MAX = 2000, TRIES = 4;
/** SRV records of one name that are followed. */
const TARGET_COUNT_MAX = 64;

const NOT_FOUND = "3: Host not found";
const TIMED_OUT = "110: Operation timed out";

/** nginx's words for what c-ares calls so (RFC 1035 §4.1.1, RCODE). */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: NOT_FOUND, ENODATA: NOT_FOUND, EFORMERR: "1: Format error", EBADRESP: "1: Format error",
  EBADNAME: "1: Format error", ESERVFAIL: "2: Server failure", ENOTIMP: "4: Unimplemented",
  EREFUSED: "5: Operation refused", ECONNREFUSED: "111: Connection refused", EAI_AGAIN: "2: Server failure",
  ETIMEOUT: TIMED_OUT, ECANCELLED: TIMED_OUT,
};

interface Remembered<T> {
  readonly answer: Promise<T>;
  /** Monotonic milliseconds; Infinity while the query is under way. */
  untilMs: number;
}

export class Resolver {
  readonly #settings: ResolverSettings | undefined;
  readonly #dns: dns.Resolver | undefined;
  readonly #addresses = new Map<string, Remembered<Addresses>>();
  readonly #services = new Map<string, Remembered<ServiceTargets>>();
  #running = 0;
  /** Name servers that are named by names are known when this is done. */
  #prepared: Promise<void> | undefined = undefined;

  /** @param settings undefined: the system is asked (getaddrinfo, /etc/hosts) */
  constructor(settings: ResolverSettings | undefined) {
    this.#settings = settings;
    if (settings === undefined) return;
    const timeout = Math.min(TRY_MS_MAX, Math.max(1, Math.floor(settings.timeoutMs / 2)));
    this.#dns = new dns.Resolver({ timeout, tries: TRIES });
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
    this.#dns?.cancel();
  }

  #remember<T extends { readonly ttlMs: number }>(
    memory: Map<string, Remembered<T>>, name: string, ask: () => Promise<T>,
  ): Promise<T> {
    const key = name.toLowerCase();
    const known = memory.get(key);
    const nowMs = performance.now();
    if (known !== undefined && nowMs < known.untilMs) return aged(known, nowMs);
    if (name.length > NAME_SIZE_MAX || !NAME.test(name)) return reject(name, "1: Format error");
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
    if (this.#dns === undefined || this.#settings === undefined) return lookUpInSystem(name);
    const { ipv4, ipv6 } = this.#settings;
    await (this.#prepared ??= this.#prepare(name, this.#dns, this.#settings.servers));
    const records = await this.#ask(name, [
      ...(ipv4 ? [this.#dns.resolve4(name, { ttl: true })] : []),
      ...(ipv6 ? [this.#dns.resolve6(name, { ttl: true })] : []),
    ]);
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000;
    return { addresses: unique(records.map(({ address }) => address)), ttlMs: this.#bounded(ttlMs) };
  }

  async #lookUpService(whole: string): Promise<ServiceTargets> {
    if (this.#dns === undefined || this.#settings === undefined) {
      throw new ResolveProblem(whole, "no resolver is defined");
    }
    await (this.#prepared ??= this.#prepare(whole, this.#dns, this.#settings.servers));
    const records = await this.#ask(whole, [this.#dns.resolveSrv(whole)]);
    const found = await Promise.allSettled(
      records.slice(0, TARGET_COUNT_MAX).map(async ({ name, port, weight, priority }) => {
        const { addresses, ttlMs } = await this.lookup(name);
        return { target: { priority, weight, port, addresses }, ttlMs };
      }),
    );
    const answers = found.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    if (answers.length === 0) {
      throw worst(whole, found.map((answer): unknown => (answer.status === "rejected" ? answer.reason : undefined)));
    }
    // Node does not say the TTL of SRV records: that of the addresses stands for it.
    const ttlMs = Math.min(...answers.map((answer) => answer.ttlMs));
    return { targets: answers.map(({ target }) => target), ttlMs: this.#bounded(ttlMs) };
  }

  /** Tells c-ares its servers, once: names among them are looked up by the system, as nginx does when it starts. */
  async #prepare(name: string, resolver: dns.Resolver, servers: readonly string[]): Promise<void> {
    if (servers.length === 0) return;
    const found = await Promise.all(servers.map(serverAddresses));
    if (found.every((addresses) => addresses.length === 0)) {
      this.#prepared = undefined;
      throw new ResolveProblem(name, `host not found in resolver "${servers.join(" ")}"`);
    }
    resolver.setServers(found.flat());
  }

  /** @returns the records of all answers that came in time: at least one */
  async #ask<T>(name: string, queries: readonly Promise<readonly T[]>[]): Promise<readonly T[]> {
    const records: T[] = [];
    const problems: unknown[] = [];
    this.#running++;
    const all = Promise.all(queries.map(async (query) => {
      try {
        records.push(...await query);
      } catch (problem) {
        // Another answer may be enough.
        problems.push(problem);
      }
    })).finally(() => this.#running--);
    await within(all, this.#settings?.timeoutMs ?? 0);
    if (records.length > 0) return records;
    throw problems.length < queries.length ? new ResolveProblem(name, TIMED_OUT) : worst(name, problems);
  }

  #bounded(ttlMs: number): number {
    return this.#settings?.validMs ?? Math.min(Math.max(ttlMs, TTL_MS_MIN), TTL_MS_MAX);
  }
}

/**
 * @param server "192.0.2.1:53", "[::1]", "dns.example:53"
 * @returns the same with addresses; none where none is found
 */
async function serverAddresses(server: string): Promise<readonly string[]> {
  const [, bracketed, plain, port = "53"] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(server) ?? [];
  const host = bracketed ?? plain ?? server;
  if (isIP(host) !== 0) return [hostAndPort(host, port)];
  if (!NAME.test(host)) return [];
  try {
    const { addresses } = await lookUpInSystem(host);
    return addresses.map((address) => hostAndPort(address, port));
  } catch {
    // Another server may be found; without any, the query fails and says so.
    return [];
  }
}

function hostAndPort(host: string, port: string): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
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

/** Waits for it, but not longer than that. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function problemOf(name: string, error: unknown): ResolveProblem {
  if (error instanceof ResolveProblem) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new ResolveProblem(name, REASONS[code] ?? code);
}

/** An answer counts less long for those who come later. */
function aged<T extends { readonly ttlMs: number }>({ answer, untilMs }: Remembered<T>, nowMs: number): Promise<T> {
  if (untilMs === Number.POSITIVE_INFINITY) return answer;
  return answer.then((known) => ({ ...known, ttlMs: untilMs - nowMs }));
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
