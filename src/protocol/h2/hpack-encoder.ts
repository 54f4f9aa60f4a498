/**
 * Writes header blocks (RFC 7541) without a dynamic table: a block means the same on every connection, so that what was
 * coded once is sent again as it is (docs/adr/0023-http2.md). nginx has none either.
 */
import type { FieldLine } from "../../http/response-head.ts";
import { allocate, copyBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { huffmanSize, writeHuffman } from "./huffman.ts";
import { STATIC_FIELDS } from "./static-table.ts";

/** RFC 7541 §6.2.2: literals that are not indexed. */
const WITHOUT_INDEXING = 0x00;
const PREFIX_BITS = 4, STRING_BITS = 7;
/** Octets of an integer, and of what a string has before its text. */
const INTEGER_SIZE_MAX = 6;

const nameIndexes: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name], index) => [name, index + 1] as const).toReversed(),
);
const fieldIndexes: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name, value], index) => [`${name}\n${value}`, index + 1]),
);

/** A block of these fields in their order; names in any case. They have been judged before: see findFault. */
export function encodeBlock(fields: readonly FieldLine[]): Bytes {
  let sizeMax = 0;
  for (const [name, value] of fields) sizeMax += name.length + value.length + 3 * INTEGER_SIZE_MAX;
  const out = allocate(sizeMax);
  let at = 0;
  for (const [name, value] of fields) at = writeField(out, at, name.toLowerCase(), value);
  return copyBytes(out, 0, at);
}

function writeField(out: Bytes, at: number, name: string, value: string): number {
  const known = fieldIndexes.get(`${name}\n${value}`);
  if (known !== undefined && value !== "") return writeInteger(out, at, 0x80, 7, known);
  const nameIndex = nameIndexes.get(name) ?? 0;
  at = writeInteger(out, at, WITHOUT_INDEXING, PREFIX_BITS, nameIndex);
  if (nameIndex === 0) at = writeString(out, at, name);
  return writeString(out, at, value);
}

/** RFC 7541 §5.2: in Huffman code where that is shorter. */
function writeString(out: Bytes, at: number, text: string): number {
  const size = huffmanSize(text);
  if (size < text.length) return writeHuffman(out, writeInteger(out, at, 0x80, STRING_BITS, size), text);
  at = writeInteger(out, at, 0, STRING_BITS, text.length);
  return at + out.latin1Write(text, at);
}

/** RFC 7541 §5.1. @param first the bits before the prefix @returns where it ends */
function writeInteger(out: Bytes, at: number, first: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    out[at++] = first | value;
    return at;
  }
  out[at++] = first | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return at;
}
