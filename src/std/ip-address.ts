/** IP addresses and networks as text and as numbers: IPv4 (RFC 791 dotted decimal), IPv6 (RFC 4291 §2.2). */

export interface IpAddress {
  readonly version: 4 | 6;
  /** 32 or 128 bits, most significant first. */
  readonly value: bigint;
}

export interface IpNetwork extends IpAddress {
  /** Bits that count, from the left; the others of `value` are 0. */
  readonly prefixLength: number;
}

/** ::ffff:0:0/96, IPv4 addresses in IPv6 (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = 0xffffn;

/** @param text "192.0.2.1" or "2001:db8::1", without brackets, port or zone */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const value = parseIpv4(text);
  return value === undefined ? undefined : { version: 4, value: BigInt(value) };
}

/** The 32 bits of dotted decimal; no octal, no missing parts. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (let index = 1; index <= 4; index++) {
    const part = match[index] ?? "";
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const count = head.length + (tail?.length ?? 0);
  if (halves.length === 2 ? count > 7 : count !== 8) return undefined;
  const groups = [...head, ...new Array<number>(8 - count).fill(0), ...(tail ?? [])];
  return { version: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

/** Groups of 16 bits between colons; the last of all may be an IPv4 address, which is two. */
function groupsOf(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = isEnd && index === parts.length - 1 && part.includes(".") ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(Math.floor(ipv4 / 65_536), ipv4 % 65_536);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** The IPv4 address that an IPv6 one maps; every other address is itself. */
export function unmapped(address: IpAddress): IpAddress {
  if (address.version === 4 || address.value >> 32n !== MAPPED_PREFIX) return address;
  return { version: 4, value: address.value & 0xffff_ffffn };
}

/** @param text an address, which is a network of one, or "address/bits"; bits of the host are cut off */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf("/");
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const size = address.version === 4 ? 32 : 128;
  const digits = slash < 0 ? String(size) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > size) return undefined;
  const prefixLength = Number(digits);
  return { version: address.version, value: networkOf(address, prefixLength), prefixLength };
}

/** The address with all bits behind the prefix 0. */
export function networkOf({ version, value }: IpAddress, prefixLength: number): bigint {
  const rest = BigInt((version === 4 ? 32 : 128) - prefixLength);
  return (value >> rest) << rest;
}

/** The address as 4 or 16 bytes, one character each. */
export function addressBytes({ version, value }: IpAddress): string {
  let text = "";
  for (let shift = version === 4 ? 24n : 120n; shift >= 0n; shift -= 8n) {
    text += String.fromCharCode(Number((value >> shift) & 0xffn));
  }
  return text;
}
