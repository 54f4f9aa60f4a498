/**
 * Reads header blocks (RFC 7541). One for each connection: its dynamic table is what the peer has taught it.
 *
 * Whatever the bytes are, a block costs no more than its size: what is beyond the limits is read, because the table
 * must stay the peer's, and not kept.
 *
 * Invariant: the sizes of the table's entries add up to `#size`, which is at most `#sizeMax`.
 */
import type { Bytes } from "../../std/bytes.ts";
import { HpackField } from "./hpack-field.ts";
import { HuffmanDecoder } from "./huffman.ts";
import { STATIC_FIELDS } from "./static-table.ts";

/** RFC 9113 §6.5.2: what SETTINGS_HEADER_TABLE_SIZE is without a word of ours. */
export const TABLE_SIZE_MAX = 4096;
/** RFC 7541 §4.2: the smallest of several changes, and the last. */
const SIZE_UPDATES_MAX = 2;
/** Octets of an integer behind its prefix: 2^28 is more than any length here. */
const INTEGER_OCTETS_MAX = 4;
/** Gaps at the beginning of the table's list before it is moved. */
const EVICTED_MAX = 64;

const staticFields: readonly HpackField[] = STATIC_FIELDS.map(([name, value]) => new HpackField(name, value));
const STATIC_COUNT = staticFields.length;
/** In place of an entry that is gone, so that its text is free. */
const EMPTIED: HpackField = new HpackField("", "");

/** "too-large": the limits were exceeded, the fields are not all there, and the table is in order nevertheless. */
export type BlockOutcome = "ok" | "too-large" | { readonly error: string };

export interface BlockLimits {
  /** Fields in one block: a cookie's crumbs are one (RFC 9113 §8.2.3), pseudo-header fields are none (§8.3). */
  readonly fieldCountMax: number;
  /** Bytes of all names and values, and 32 for each (SETTINGS_MAX_HEADER_LIST_SIZE): it bounds what is not counted. */
  readonly listSizeMax: number;
}

export class HpackDecoder {
  readonly #limits: BlockLimits;
  readonly #huffman = new HuffmanDecoder();
  /** The dynamic table, its newest entry last; before `#first` nothing is left. */
  #entries: HpackField[] = [];
  #first = 0;
  #size = 0;
  #sizeMax = TABLE_SIZE_MAX;
  /** Changes with the table: bytes that were read before mean the same while it has not. */
  generation = 0;
  /** Where reading is, and what stands there; a failure sets `#error`. */
  #at = 0;
  #end = 0;
  #error: string | undefined = undefined;

  constructor(limits: BlockLimits) {
    this.#limits = limits;
  }

  /** Reads the block `bytes[start, end)` into `fields`, in its order. */
  decode(bytes: Bytes, start: number, end: number, fields: HpackField[]): BlockOutcome {
    const { fieldCountMax, listSizeMax } = this.#limits;
    this.#at = start;
    this.#end = end;
    this.#error = undefined;
    let updates = 0;
    let isFirst = true;
    let hasCookie = false;
    let count = 0;
    let listSize = 0;
    while (this.#at < end) {
      const byte = bytes[this.#at] ?? 0;
      let field: HpackField | undefined;
      if (byte >= 0x80) {
        field = this.#indexed(byte === 0xff ? this.#integer(bytes, 7) : (this.#at++, byte & 0x7f));
      } else if (byte >= 0x40) {
        field = this.#literal(bytes, 6);
        if (field !== undefined) this.#insert(field);
      } else if (byte >= 0x20) {
        // RFC 7541 §4.2: a change of size MUST occur at the beginning of a block.
        if (!isFirst || ++updates > SIZE_UPDATES_MAX) return { error: "dynamic table size update out of place" };
        const size = this.#integer(bytes, 5);
        if (size > TABLE_SIZE_MAX) return { error: "dynamic table size above the limit" };
        this.#sizeMax = size;
        this.#evict(0);
        this.generation++;
        continue;
      } else {
        field = this.#literal(bytes, 4);
      }
      if (field === undefined || this.#error !== undefined) return { error: this.#error ?? "no such index" };
      isFirst = false;
      if (field.kind !== "cookie" || !hasCookie) count += field.isPseudo ? 0 : 1;
      hasCookie ||= field.kind === "cookie";
      listSize += field.size;
      if (count <= fieldCountMax && listSize <= listSizeMax) fields.push(field);
    }
    return count <= fieldCountMax && listSize <= listSizeMax ? "ok" : "too-large";
  }

  #indexed(index: number): HpackField | undefined {
    if (index <= STATIC_COUNT) return staticFields[index - 1];
    const place = this.#entries.length - (index - STATIC_COUNT);
    return place >= this.#first ? this.#entries[place] : undefined;
  }

  #literal(bytes: Bytes, prefixBits: number): HpackField | undefined {
    const index = this.#integer(bytes, prefixBits);
    const name = index === 0 ? this.#string(bytes) : this.#indexed(index)?.name;
    if (name === undefined || this.#error !== undefined) return undefined;
    const value = this.#string(bytes);
    return value === undefined ? undefined : new HpackField(name, value);
  }

  /** RFC 7541 §5.1. A failure is noted, and -1 returned. */
  #integer(bytes: Bytes, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let octet = 0; octet < INTEGER_OCTETS_MAX && this.#at < this.#end; octet++) {
      const byte = bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * octet);
      if (byte < 0x80) return value;
    }
    this.#error = "integer cut or too large";
    return -1;
  }

  #string(bytes: Bytes): string | undefined {
    if (this.#at >= this.#end) return this.#fail("string missing");
    const isHuffman = (bytes[this.#at] ?? 0) >= 0x80;
    const size = this.#integer(bytes, 7);
    if (size < 0 || this.#at + size > this.#end) return this.#fail("string cut");
    const start = this.#at;
    this.#at += size;
    if (!isHuffman) return bytes.latin1Slice(start, this.#at);
    return this.#huffman.decode(bytes, start, this.#at) ?? this.#fail("string in no Huffman code");
  }

  #fail(error: string): undefined {
    this.#error ??= error;
    return undefined;
  }

  #insert(field: HpackField): void {
    this.generation++;
    // RFC 7541 §4.4: an entry larger than the table empties it, and is no error.
    this.#evict(Math.min(field.size, this.#sizeMax));
    if (field.size > this.#sizeMax) return;
    this.#entries.push(field);
    this.#size += field.size;
  }

  /** Makes room for so many bytes. */
  #evict(size: number): void {
    const entries = this.#entries;
    while (this.#size + size > this.#sizeMax) {
      const oldest = entries[this.#first];
      if (oldest === undefined) break;
      this.#size -= oldest.size;
      entries[this.#first++] = EMPTIED;
    }
    if (this.#first === 0 || (this.#first < EVICTED_MAX && this.#first < entries.length)) return;
    this.#entries = entries.slice(this.#first);
    this.#first = 0;
  }
}
