/**
 * Which names a certificate for development is for, and which ones the local authority is allowed to sign at all: what
 * never is somebody else's site. Names are lower case, addresses in the form of RFC 5952. Pure.
 */
import { addressText } from "../../std/address-text.ts";
import { networkOf, parseIpAddress, parseIpNetwork, unmapped } from "../../std/ip-address.ts";

/**
 * Names in one certificate, at most. mkcert and openssl have no bound; a hundred make 3 kB, which still fits the first
 * window of a connection (RFC 6928: ten segments).
 */
export const NAMES_MAX = 100;

/** Domains that belong to nobody: RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal` (2024). With all below them. */
const PRIVATE_DOMAINS = ["localhost", "test", "example", "local", "home.arpa", "internal"] as const;

/** Loopback, private use (RFC 1918, RFC 4193), link-local, and what carriers and VPNs share (RFC 6598). */
const PRIVATE_NETWORKS = [
  "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128",
  "fc00::/7", "fe80::/10",
] as const;

/** What an authority may sign, in the words of RFC 5280 §4.2.1.10: a domain stands for itself and all below it. */
export interface Permitted {
  readonly domains: readonly string[];
  /** "10.0.0.0/8" */
  readonly networks: readonly string[];
}

/** What a server is reached by. */
export interface Reachable {
  /** Names that somebody wrote, as in `server_name`: "shop.test", "*.shop.test", ".shop.test" for both. */
  readonly names: readonly string[];
  /** Addresses that the server binds to; 0.0.0.0 and :: stand for those of the machine. */
  readonly addresses: readonly string[];
  readonly hostName: string;
  /** The addresses of the machine's interfaces. */
  readonly machineAddresses: readonly string[];
}

/** What a new authority of this machine is limited to. */
export function permittedOn(hostName: string): Permitted {
  const own = normalName(hostName);
  const isOwnDomain = own !== undefined && parseIpAddress(own) === undefined;
  const domains = isOwnDomain && !isBelow(own, PRIVATE_DOMAINS) ? [...PRIVATE_DOMAINS, own] : PRIVATE_DOMAINS;
  return { domains, networks: PRIVATE_NETWORKS };
}

/** @param name as of `normalName` */
export function isPermitted(name: string, { domains, networks }: Permitted): boolean {
  const address = parseIpAddress(name);
  if (address === undefined) return isBelow(name.replace(/^\*\./, ""), domains);
  return networks.some((text) => {
    const network = parseIpNetwork(text);
    if (network?.version !== address.version) return false;
    return networkOf(address, network.prefixLength) === network.value;
  });
}

/** What somebody asked for, in normal form, no name twice; without what no certificate can hold. */
export function writtenNames({ names, addresses }: Pick<Reachable, "names" | "addresses">): readonly string[] {
  const domains = names.flatMap((name) => (name.startsWith(".") ? [name.slice(1), `*${name}`] : [name]));
  return normalNames([...domains, ...addresses]);
}

/** The names of a certificate: what every one is for, then what was written, then what is known of the machine. */
export function wantedNames(reachable: Reachable): readonly string[] {
  const { addresses, hostName, machineAddresses } = reachable;
  const label = hostName.split(".", 1)[0] ?? "";
  // The second is what others in the room can reach it by, where it answers multicast DNS (RFC 6762).
  const own = parseIpAddress(hostName) === undefined ? [hostName, `${label}.local`] : [];
  const machine = addresses.some(isAny) ? machineAddresses : [];
  return normalNames(["localhost", "*.localhost", "127.0.0.1", "::1", ...writtenNames(reachable), ...own, ...machine]);
}

/**
 * The one form of a name or an address that certificates can hold.
 * @returns undefined for anything else: a regular expression, an underscore, "_", an address with a zone, 0.0.0.0
 */
export function normalName(text: string): string | undefined {
  const address = parseIpAddress(text.replace(/^\[(.*)\]$/, "$1"));
  if (address !== undefined) return address.value === 0n ? undefined : addressText(unmapped(address));
  const name = text.toLowerCase().replace(/\.$/, "");
  // RFC 1035 §2.3.4: 63 octets a label, 253 a name as it is written. Digits alone would be taken for an address.
  const labels = name.replace(/^\*\./, "").split(".");
  const isName = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return isName && !/^\d+$/.test(labels.at(-1) ?? "") && name.length <= 253 ? name : undefined;
}

function normalNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => normalName(name) ?? []))];
}

function isBelow(name: string, domains: readonly string[]): boolean {
  return domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

function isAny(address: string): boolean {
  return parseIpAddress(address.replace(/^\[(.*)\]$/, "$1"))?.value === 0n;
}

