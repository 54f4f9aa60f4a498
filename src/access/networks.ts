/**
 * Which of several clients is it? Lists of networks as `allow`, `deny` and `set_real_ip_from` have them, with what
 * they stand for. The first that has the address is it; IPv4, IPv6 and Unix sockets are looked for apart.
 */
import { type IpAddress, type IpNetwork, networkOf, parseIpAddress, unmapped } from "../std/ip-address.ts";
import type { Client } from "./settings.ts";

interface Entry<T> {
  readonly network: IpNetwork;
  readonly value: T;
}

/** What a peer of a Unix socket is called. */
export const UNIX_PEER = "unix:";

const everyIpv4: IpNetwork = { version: 4, value: 0n, prefixLength: 0 };
const everyIpv6: IpNetwork = { version: 6, value: 0n, prefixLength: 0 };

export class Networks<T> {
  readonly #ipv4: Entry<T>[] = [];
  readonly #ipv6: Entry<T>[] = [];
  #unix: T | undefined = undefined;

  /** @param clients in their order, each with its value, none of which is undefined */
  constructor(clients: readonly (readonly [client: Client, value: T])[]) {
    for (const [client, value] of clients) {
      if (client.kind !== "network") this.#unix ??= value;
      if (client.kind === "all") {
        this.#ipv4.push({ network: everyIpv4, value });
        this.#ipv6.push({ network: everyIpv6, value });
      } else if (client.kind === "network") {
        (client.version === 4 ? this.#ipv4 : this.#ipv6).push({ network: client, value });
      }
    }
  }

  /** @param text an address, UNIX_PEER or "" for a Unix socket. @returns the value of the first that has it */
  find(text: string): T | undefined {
    if (text === UNIX_PEER || text === "") return this.#unix;
    const address = parseIpAddress(text);
    if (address === undefined) return undefined;
    // As in nginx: an IPv4 address in IPv6 is one where anything is said about IPv4.
    const known = this.#ipv4.length > 0 ? unmapped(address) : address;
    return (known.version === 4 ? this.#ipv4 : this.#ipv6).find(({ network }) => contains(network, known))?.value;
  }
}

function contains({ prefixLength, value }: IpNetwork, address: IpAddress): boolean {
  return networkOf(address, prefixLength) === value;
}
