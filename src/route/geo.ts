/**
 * `geo`: a variable whose value is chosen by an address: by the longest network that has it, or with `ranges` by the
 * range. Values are plain text. Behind trusted proxies the address is the one that they forwarded.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { type IpAddress, type IpNetwork, networkOf, parseIpAddress, parseIpv4, unmapped } from "../std/ip-address.ts";
import { err, ok, type Result } from "../std/result.ts";
import { byteText } from "./byte-text.ts";
import { compileText } from "./evaluate.ts";
import type { Evaluation } from "./evaluation.ts";
import type { VariableDefinition, Variables } from "./variables.ts";

export interface GeoBlock {
  readonly variable: string;
  /** The address; undefined for the client's. */
  readonly source: ComplexValue | undefined;
  readonly isVolatile: boolean;
  readonly proxies: readonly IpNetwork[];
  readonly proxyRecursive: boolean;
  readonly defaultValue: string;
  readonly entries:
    /** Networks in the order of the file: of equals the last counts, and `value` undefined deletes. */
    | { readonly kind: "networks"; readonly networks: readonly GeoNetwork[] }
    /** Without overlaps, in ascending order (`GeoRangeList`). */
    | { readonly kind: "ranges"; readonly ranges: readonly GeoRange[] };
}

export interface GeoNetwork {
  readonly network: IpNetwork;
  readonly value: string | undefined;
}

/** IPv4 addresses from first to last. */
export interface GeoRange {
  readonly first: number;
  readonly last: number;
  readonly value: string;
}

/** What an address that is none counts as (INADDR_NONE): that of a Unix socket, and unknown ones. */
const NO_ADDRESS: IpAddress = { version: 4, value: 0xffff_ffffn };

/** Reads "192.0.2.0-192.0.2.255". */
export function parseRange(text: string): Result<Omit<GeoRange, "value">, string> {
  const [first, last] = text.split("-", 2).map(parseIpv4);
  if (first === undefined || last === undefined || first > last) return err(`invalid range "${text}"`);
  return ok({ first, last });
}

/** Ranges that are added one by one, and stay in ascending order. Those of a sorted file cost nothing to place. */
export class GeoRangeList {
  readonly #ranges: GeoRange[] = [];

  get ranges(): readonly GeoRange[] {
    return this.#ranges;
  }

  /** Takes out the range that has these ends. */
  remove({ first, last }: Omit<GeoRange, "value">): void {
    const index = this.#ranges.findIndex((range) => range.first === first && range.last === last);
    if (index >= 0) this.#ranges.splice(index, 1);
  }

  /**
   * Adds a range: it may replace an equal one, or a part of a larger one, as in nginx.
   * @returns the range that it overlaps in part, and then it is not added
   */
  add(added: GeoRange): GeoRange | undefined {
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    const index = last === undefined || last.last < added.first ? ranges.length : firstNotBefore(ranges, added.first);
    const there = ranges[index];
    if (there === undefined || added.last < there.first) {
      ranges.splice(index, 0, added);
      return undefined;
    }
    if (there.first > added.first || there.last < added.last) return there;
    const parts = [{ ...there, last: added.first - 1 }, added, { ...there, first: added.last + 1 }];
    ranges.splice(index, 1, ...parts.filter(({ first, last }) => first <= last));
    return undefined;
  }
}

/** Index of the first range that does not end before `address`. */
function firstNotBefore(ranges: readonly GeoRange[], address: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.last ?? 0) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The variable of the block. */
export function compileGeo(block: GeoBlock, variables: Variables): VariableDefinition {
  const source = block.source === undefined ? undefined : compileText(block.source, variables);
  const proxies = new NetworkTable(block.proxies.map((network) => ({ network, value: "" })));
  const defaultValue = byteText(block.defaultValue);
  const { entries } = block;
  const find = entries.kind === "ranges" ? rangeFinder(entries.ranges) : networkFinder(entries.networks);
  return {
    name: block.variable,
    isVolatile: block.isVolatile,
    get: (evaluation) => {
      const text = source === undefined ? evaluation.facts.remote.address : source(evaluation);
      const direct = addressOf(text);
      const address = forwarded(direct, evaluation, proxies, block.proxyRecursive);
      return find(address) ?? defaultValue;
    },
  };
}

function addressOf(text: string): IpAddress {
  const address = parseIpAddress(text);
  return address === undefined ? NO_ADDRESS : unmapped(address);
}

/** Most addresses of X-Forwarded-For that are looked at: a longer chain is nobody's deployment. */
const HOPS_MAX = 32;

/** From the right, where the nearest proxy wrote: the first address behind a trusted one, or the last of them all. */
function forwarded(direct: IpAddress, { facts }: Evaluation, proxies: NetworkTable, recursive: boolean): IpAddress {
  let address = direct;
  if (proxies.find(address) === undefined) return address;
  const hops = (facts.field("x-forwarded-for") ?? "").split(",").slice(-HOPS_MAX).toReversed();
  for (const hop of hops) {
    const next = parseIpAddress(withoutPort(hop.trim()));
    if (next === undefined) return address;
    address = unmapped(next);
    if (!recursive || proxies.find(address) === undefined) return address;
  }
  return address;
}

/** "192.0.2.1:8080" and "[2001:db8::1]:8080" as some proxies write them. */
function withoutPort(text: string): string {
  if (text.startsWith("[")) return text.slice(1, Math.max(1, text.indexOf("]")));
  const colon = text.indexOf(":");
  return colon >= 0 && colon === text.lastIndexOf(":") ? text.slice(0, colon) : text;
}

/** Networks by the length of their prefixes, longest first: one look for each length that occurs. */
class NetworkTable {
  readonly #tables: Readonly<Record<4 | 6, [length: number, networks: Map<bigint, string>][]>> = { 4: [], 6: [] };

  constructor(entries: readonly GeoNetwork[]) {
    for (const { network, value } of entries) {
      const table = this.#table(network);
      if (value === undefined) table.delete(network.value);
      else table.set(network.value, value);
    }
    for (const tables of [this.#tables[4], this.#tables[6]]) tables.sort(([a], [b]) => b - a);
  }

  #table({ version, prefixLength }: IpNetwork): Map<bigint, string> {
    const tables = this.#tables[version];
    const known = tables.find(([length]) => length === prefixLength);
    if (known !== undefined) return known[1];
    const table = new Map<bigint, string>();
    tables.push([prefixLength, table]);
    return table;
  }

  find(address: IpAddress): string | undefined {
    for (const [length, networks] of this.#tables[address.version]) {
      const value = networks.get(networkOf(address, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function networkFinder(networks: readonly GeoNetwork[]): (address: IpAddress) => string | undefined {
  const table = new NetworkTable(networks.map(({ network, value }) => ({
    network, value: value === undefined ? undefined : byteText(value),
  })));
  return (address) => table.find(address);
}

/** Ranges are of IPv4 addresses; nothing is found for others. */
function rangeFinder(ranges: readonly GeoRange[]): (address: IpAddress) => string | undefined {
  const inBytes = ranges.map((range) => ({ ...range, value: byteText(range.value) }));
  return ({ version, value }) => {
    if (version === 6) return undefined;
    const address = Number(value);
    const range = inBytes[firstNotBefore(inBytes, address)];
    return range !== undefined && range.first <= address ? range.value : undefined;
  };
}
