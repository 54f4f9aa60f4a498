/**
 * Trailer sections (RFC 9113 §8.1): a header block behind the content, without pseudo-header fields, of requests and of
 * responses alike. The decoder's bounds for a head hold for them, too.
 */
import type { FieldLine } from "../../http/response-head.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { HpackDecoder } from "./hpack-decoder.ts";
import { ENTRY_OVERHEAD, type HpackField } from "./hpack-field.ts";

/** RFC 9110 §6.5.1: what speaks of framing has come too late. */
const framingNames: ReadonlySet<string> = new Set(["content-length", "host", "te", "trailer"]);

/** Its fields | it makes the message malformed (RFC 9113 §8.1.1) | no block: the connection's end. */
export type ReadTrailers = readonly FieldLine[] | { readonly malformed: string } | { readonly error: string };

/** Reads `bytes[start, end)`; also for the table's sake alone. What speaks of framing is left out. */
export function readTrailers(decoder: HpackDecoder, bytes: Bytes, start: number, end: number): ReadTrailers {
  const fields: HpackField[] = [];
  const outcome = decoder.decode(bytes, start, end, fields);
  if (typeof outcome === "object") return outcome;
  const isWrong = outcome === "too-large" || fields.some(({ kind, isPseudo }) => kind === "malformed" || isPseudo);
  if (isWrong) return { malformed: "trailer_section" };
  return fields.filter(({ name }) => !framingNames.has(name)).map(({ name, value }) => [name, value]);
}

/** What a trailer section holds while it is kept, counted as HPACK counts it. */
export function trailersSize(lines: readonly FieldLine[]): number {
  return lines.reduce((size, [name, value]) => size + name.length + value.length + ENTRY_OVERHEAD, 0);
}
