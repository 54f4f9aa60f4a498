/** IP addresses as text in the one form that logs and applications know (RFC 5952). */
import type { IpAddress } from "./ip-address.ts";

/** Zero groups before the IPv4 address that an IPv6 one is compatible with or maps (RFC 4291 §2.5.5). */
const COMPATIBLE_ZEROS = 6, MAPPED_ZEROS = 5;

/** "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" */
export function addressText({ version, value }: IpAddress): string {
  if (version === 4) return dotted(value);
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  const groups = shifts.map((shift) => Number((value >> shift) & 0xffffn));
  const { start, count } = longestZeros(groups);
  const maps = count === MAPPED_ZEROS && groups[MAPPED_ZEROS] === 0xffff;
  const embeds = start === 0 && (count === COMPATIBLE_ZEROS || maps);
  const parts = groups.map((group) => group.toString(16));
  if (embeds) parts.splice(COMPATIBLE_ZEROS, 2, dotted(value & 0xffff_ffffn));
  if (count < 2) return parts.join(":");
  return `${parts.slice(0, start).join(":")}::${parts.slice(start + count).join(":")}`;
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}

/** The first of the longest runs. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly count: number } {
  let longest = { start: 0, count: 0 };
  let count = 0;
  for (const [index, group] of groups.entries()) {
    count = group === 0 ? count + 1 : 0;
    if (count > longest.count) longest = { start: index + 1 - count, count };
  }
  return longest;
}
