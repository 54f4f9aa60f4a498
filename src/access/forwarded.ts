/**
 * Who the client really is: what trusted proxies say in X-Forwarded-For and X-Forwarded-Proto.
 * Read from the right, where our own neighbour wrote, to the first address that we do not trust.
 */
import { BlockList, isIP } from "node:net";
import type { FieldSection } from "../http/field-section.ts";
import { UNIX_PEER } from "./networks.ts";

/** Most hops that are looked at: a longer chain is nobody's deployment. */
const HOPS_MAX = 32;

/** "::ffff:255.255.255.255" with all groups written out. */
const ADDRESS_LENGTH_MAX = 45;

export class TrustedProxies {
  readonly #everybody: boolean;
  readonly #unix: boolean;
  readonly #list = new BlockList();

  /** @param allowed addresses and CIDR networks, "*" for everybody; Unix socket peers count when it is not empty */
  constructor(allowed: readonly string[]) {
    this.#everybody = allowed.includes("*");
    this.#unix = allowed.length > 0;
    for (const entry of allowed) {
      const [address = "", prefix] = entry.split("/");
      const version = isIP(address);
      if (version === 0) continue;
      const type = version === 6 ? "ipv6" : "ipv4";
      if (prefix === undefined) this.#list.addAddress(address, type);
      else this.#list.addSubnet(address, Number(prefix), type);
    }
  }

  /** @param address a peer's address, "unix:" or "" for a Unix socket */
  trusts(address: string): boolean {
    if (this.#everybody) return true;
    if (address === "" || address === UNIX_PEER) return this.#unix;
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 6 ? "ipv6" : "ipv4");
  }

  /** The client's address as the trusted chain tells it, undefined when it tells none. */
  clientAddress(fields: FieldSection): string | undefined {
    const hops = fields.get("x-forwarded-for")?.split(",").slice(-HOPS_MAX) ?? [];
    let client: string | undefined;
    for (const hop of hops.reverse()) {
      const address = withoutPort(hop.trim());
      // An IPv6 zone (RFC 4007) means nothing to others and may be of any length.
      if (address.length > ADDRESS_LENGTH_MAX || address.includes("%") || isIP(address) === 0) break;
      client = address;
      if (!this.trusts(address)) break;
    }
    return client;
  }
}

/** The scheme that the nearest trusted proxy saw, undefined when it does not say. */
export function forwardedScheme(fields: FieldSection): "http" | "https" | undefined {
  const proto = fields.get("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
  return proto === "http" || proto === "https" ? proto : undefined;
}

/** "192.0.2.1:4711" and "[2001:db8::1]:4711" name a port too; "2001:db8::1" does not. */
function withoutPort(hop: string): string {
  const match = /^\[([^\]]+)\](?::\d+)?$/.exec(hop) ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop);
  return match?.[1] ?? hop;
}

/** IPv4 peers of a dual-stack socket appear as ::ffff:a.b.c.d; applications and lists know a.b.c.d. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
