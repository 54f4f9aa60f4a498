/** Names in DNS messages (RFC 1035 §3.1, §4.1.4): labels with their lengths, or pointers to where they stood before. */
import type { Bytes } from "../../std/bytes.ts";

/** RFC 1035 §2.3.4: 255 bytes on the wire, which are 253 characters. */
export const DNS_NAME_SIZE_MAX = 253;
const LABEL_SIZE_MAX = 63;
/** Two bits in the place of a length say that the other fourteen are a place. */
const POINTER = 0xc0;
const DOT = 0x2e;

export interface ReadName {
  /** Labels joined by dots, in lower case; "" is the root. */
  readonly name: string;
  /** Where it ends in the message, behind its pointer if it has one. */
  readonly end: number;
}

/**
 * Pointers lead strictly towards the message's begin, so that there are no loops.
 * @returns undefined for what is cut off or too long, and for labels with dots in them: nobody could tell these apart
 */
export function readDnsName(bytes: Bytes, start: number): ReadName | undefined {
  let name = "";
  let end: number | undefined;
  let at = start;
  let first = start;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) return { name: name.toLowerCase(), end: end ?? at + 1 };
    if (size >= POINTER) {
      const low = bytes[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = (size & ~POINTER) * 256 + low;
      if (at >= first) return undefined;
      first = at;
      continue;
    }
    const next = at + 1 + size;
    const label = bytes.subarray(at + 1, next);
    if (size > LABEL_SIZE_MAX || label.length < size || label.includes(DOT)) return undefined;
    name += `${name === "" ? "" : "."}${label.latin1Slice()}`;
    if (name.length > DNS_NAME_SIZE_MAX) return undefined;
    at = next;
  }
}

/** @param name with or without a dot at its end @returns one character a byte; undefined for what is no name */
export function encodeDnsName(name: string): string | undefined {
  const labels = (name.endsWith(".") ? name.slice(0, -1) : name).split(".");
  const isName = labels.every((label) => label !== "" && label.length <= LABEL_SIZE_MAX && /^[\0-\xff]*$/.test(label));
  if (!isName || labels.join(".").length > DNS_NAME_SIZE_MAX) return undefined;
  return `${labels.map((label) => String.fromCharCode(label.length) + label).join("")}\0`;
}
