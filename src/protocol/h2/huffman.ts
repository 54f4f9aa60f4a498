/** Strings in HPACK's Huffman code (RFC 7541 §5.2 and appendix B), both ways. */
import { NO_BYTES, allocate } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { CODES, LENGTHS, LONG, QUICK, SYMBOLS } from "./huffman-table.ts";

const EOS = 256;
/** RFC 7541 §5.2: padding strictly longer than 7 bits is an error. */
const PADDING_BITS_MAX = 7;
/** The shortest code has five bits. */
const EXPANSION_MAX = 8 / 5;

/** Decodes strings into one piece of memory that is used again and again. */
export class HuffmanDecoder {
  #scratch: Bytes = NO_BYTES;

  /** @returns the text, one character a byte; undefined for what is no code (COMPRESSION_ERROR) */
  decode(bytes: Bytes, start: number, end: number): string | undefined {
    const sizeMax = Math.ceil((end - start) * EXPANSION_MAX);
    if (this.#scratch.length < sizeMax) this.#scratch = allocate(Math.max(1024, sizeMax));
    const out = this.#scratch;
    let size = 0;
    let at = start;
    /** The last `count` bits of `bits` are not read yet. */
    let bits = 0;
    let count = 0;
    for (;;) {
      while (count < 8 && at < end) {
        bits = ((bits << 8) | (bytes[at++] ?? 0)) & 0xffff;
        count += 8;
      }
      // At the end ones are added, as the padding has it.
      const next = count >= 8 ? (bits >>> (count - 8)) & 0xff : ((bits << (8 - count)) | (0xff >> count)) & 0xff;
      const quick = QUICK[next] ?? 0;
      const length = quick >> 8;
      if (length > 0 && length <= count) {
        out[size++] = quick & 0xff;
        count -= length;
        continue;
      }
      if (at >= end && count <= PADDING_BITS_MAX) {
        // RFC 7541 §5.2: padding is the beginning of EOS, which is ones.
        const padding = (1 << count) - 1;
        return (bits & padding) === padding ? out.latin1Slice(0, size) : undefined;
      }
      if (length > 0) return undefined;
      const long = readLong(bytes, (at << 3) - count, end << 3);
      if (long === undefined) return undefined;
      out[size++] = long.symbol;
      const position = (at << 3) - count + long.length;
      at = (position + 7) >> 3;
      count = (at << 3) - position;
      bits = count === 0 ? 0 : (bytes[at - 1] ?? 0);
    }
  }
}

/** A code of more than eight bits, at a bit's position. */
function readLong(bytes: Bytes, position: number, end: number): { symbol: number; length: number } | undefined {
  let code = 0;
  let length = 0;
  for (let row = 0; row < LONG.length; row += 4) {
    const wanted = LONG[row] ?? 0;
    if (position + wanted > end) return undefined;
    for (; length < wanted; length++) {
      const bit = position + length;
      code = (code << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    if (code >= (LONG[row + 2] ?? 0)) continue;
    const symbol = SYMBOLS[(LONG[row + 3] ?? 0) + code - (LONG[row + 1] ?? 0)] ?? EOS;
    // RFC 7541 §5.2: EOS in a string is an error.
    return symbol === EOS ? undefined : { symbol, length };
  }
  return undefined;
}

/** Bytes that a text of one character a byte takes in this code. */
export function huffmanSize(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i) & 0xff] ?? 0;
  return (bits + 7) >> 3;
}

/** Writes a text of one character a byte at `at`. @returns where it ends */
export function writeHuffman(out: Uint8Array, at: number, text: string): number {
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i) & 0xff;
    const code = CODES[byte] ?? 0;
    // Up to 30 bits, of which two halves fit beside seven that wait.
    for (let left = LENGTHS[byte] ?? 0; left > 0;) {
      const take = Math.min(left, 16);
      left -= take;
      bits = ((bits << take) | ((code >>> left) & ((1 << take) - 1))) & 0x7fffff;
      for (count += take; count >= 8;) {
        count -= 8;
        out[at++] = bits >>> count;
      }
    }
  }
  if (count > 0) out[at++] = (bits << (8 - count)) | (0xff >> count);
  return at;
}
