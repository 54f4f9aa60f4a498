/** A header block that comes in several frames (RFC 9113 §4.3, §6.10), of requests and of responses alike. */
import { type Bytes, concatBytes, copyBytes } from "../../std/bytes.ts";
import { END_HEADERS } from "./frame.ts";

/** CONTINUATIONs of one block (nghttp2: 8), and bytes of it: a flood of them is the peer's end. CVE-2024-27316. */
const CONTINUATIONS_MAX = 8;
/** Frames of one block, before HPACK; a list that is allowed has no more. */
const BLOCK_OVERHEAD = 1024;

/** Header block that is not complete. */
interface OpenBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly parts: Bytes[];
  size: number;
}

/** A block that has become whole. */
export interface CollectedBlock {
  readonly bytes: Bytes;
  /** What its HEADERS said. */
  readonly endStream: boolean;
}

export class BlockCollector {
  readonly #sizeMax: number;
  #block: OpenBlock | undefined = undefined;

  /** @param listSize bytes that a list of fields may have, as SETTINGS_MAX_HEADER_LIST_SIZE says it */
  constructor(listSize: number) {
    this.#sizeMax = listSize + BLOCK_OVERHEAD;
  }

  /** Is a block waiting for its rest? Nothing may come between its frames (RFC 9113 §6.10). */
  get isOpen(): boolean {
    return this.#block !== undefined;
  }

  /** HEADERS without END_HEADERS, of which `bytes[start, end)` is copied. */
  begin(stream: number, endStream: boolean, bytes: Bytes, start: number, end: number): void {
    this.#block = { stream, endStream, parts: [copyBytes(bytes, start, end)], size: end - start };
  }

  /**
   * A CONTINUATION, of which `bytes[start, end)` is copied.
   * @returns the block, or undefined where more must come; "unexpected" and "too-long" are errors of the connection
   */
  add(
    stream: number, flags: number, bytes: Bytes, start: number, end: number,
  ): CollectedBlock | "unexpected" | "too-long" | undefined {
    const block = this.#block;
    if (block === undefined || block.stream !== stream) return "unexpected";
    block.size += end - start;
    if (block.parts.length > CONTINUATIONS_MAX || block.size > this.#sizeMax) return "too-long";
    block.parts.push(copyBytes(bytes, start, end));
    if ((flags & END_HEADERS) === 0) return undefined;
    this.#block = undefined;
    return { bytes: concatBytes(block.parts), endStream: block.endStream };
  }

  /** The connection has failed: nothing is waited for any more. */
  drop(): void {
    this.#block = undefined;
  }
}
