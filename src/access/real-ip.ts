/**
 * Who the client is, as trusted proxies say in the field of real_ip_header (ngx_http_realip_module).
 *
 * Where the peer is trusted, the last address of the field is the client. With real_ip_recursive, an address that is
 * trusted itself makes the one before it the client, and so on, through earlier lines of X-Forwarded-For as well. What
 * is no address ends the walk.
 */
import type { FieldSection } from "../http/field-section.ts";
import type { PeerFacts } from "../route/index.ts";
import { parseIpAddress } from "../std/ip-address.ts";
import { addressText } from "../std/address-text.ts";
import { Networks } from "./networks.ts";
import type { RealIpSettings } from "./settings.ts";

/** Who a proxy says is at the other end, in its PROXY protocol header. */
type Proxied = { readonly source: PeerFacts } | undefined;

/** The one field whose lines are read together. */
const FORWARDED_FOR = "x-forwarded-for";
const PORT_MAX = 65_535;

/** Most addresses that are looked at: a longer chain is nobody's deployment. */
export const HOPS_MAX = 32;

export class RealIp {
  readonly #trusted: Networks<true>;
  readonly #header: RealIpSettings["header"];
  readonly #recursive: boolean;

  constructor({ from, header, recursive }: RealIpSettings) {
    this.#trusted = new Networks(from.map((client) => [client, true]));
    this.#header = header;
    this.#recursive = recursive;
  }

  /**
   * @param peer who opened the connection
   * @param proxied of the header that it began with, where it did
   * @returns `peer` itself where nobody else is named
   */
  clientOf(peer: PeerFacts, fields: FieldSection, proxied: Proxied): PeerFacts {
    if (this.#header.kind === "proxy_protocol") return this.#sourceOf(peer, proxied);
    let client = peer;
    for (const hop of this.#hops(fields, this.#header.name).take(HOPS_MAX)) {
      if (this.#trusted.find(client.address) !== true) break;
      const named = parseHop(hop);
      if (named === undefined) break;
      client = named;
      if (!this.#recursive) break;
    }
    return client;
  }

  #sourceOf(peer: PeerFacts, proxied: Proxied): PeerFacts {
    if (proxied === undefined || this.#trusted.find(peer.address) !== true) return peer;
    const { address, port } = proxied.source;
    const known = parseIpAddress(address);
    return known === undefined ? peer : { address: addressText(known), port };
  }

  /** What may be addresses, the nearest first. */
  *#hops(fields: FieldSection, name: string): Generator<string> {
    const lines: string[] = [];
    for (let index = 0; index < fields.count; index++) {
      if (fields.name(index).toLowerCase() === name) lines.push(fields.value(index));
    }
    // Of any other field nginx reads the first line; without recursion, one line only.
    const read = name !== FORWARDED_FOR ? lines.slice(0, 1) : this.#recursive ? lines : lines.slice(-1);
    for (const line of read.reverse()) yield* hopsOf(line);
  }
}

/** From the right, between spaces and commas. As in nginx, the first character of a line separates nothing. */
function* hopsOf(line: string): Generator<string> {
  let end = line.length;
  while (end > 0) {
    let last = end - 1;
    while (last > 0 && isSeparator(line.charCodeAt(last))) last--;
    let before = last;
    while (before > 0 && !isSeparator(line.charCodeAt(before))) before--;
    yield line.slice(before === 0 ? 0 : before + 1, last + 1);
    end = before;
  }
}

function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2c;
}

/** "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711" */
function parseHop(hop: string): PeerFacts | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(hop) ?? [];
  const address = parseIpAddress(bracketed ?? plain ?? hop);
  const port = digits === undefined ? undefined : Number(digits);
  if (address === undefined || port === 0 || (port ?? 0) > PORT_MAX) return undefined;
  return { address: addressText(address), port };
}
