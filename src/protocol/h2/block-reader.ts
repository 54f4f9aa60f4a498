/**
 * Header blocks of one peer, read: as the requests that they are, known by their bytes where they come again, or as the
 * trailers of one.
 */
import type { Bytes } from "../../std/bytes.ts";
import type { HeadLimits, SectionMemory } from "../h1/index.ts";
import { BlockMemory } from "./block-memory.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { ENTRY_OVERHEAD, type HpackField } from "./hpack-field.ts";
import { type Priority, parsePriority } from "./priority.ts";
import { type Assembled, RequestAssembler, UNKNOWN_HEAD } from "./request-assembler.ts";
import { type ReadTrailers, readTrailers } from "./trailer-section.ts";

/** A request as it was assembled, with what it says of its priority. */
export interface ReadRequest {
  readonly assembled: Assembled;
  readonly priority: Priority | undefined;
}

/** The block is none: COMPRESSION_ERROR, which is the connection's end. */
export interface BlockFault {
  readonly error: string;
}

/** A block beyond the limits: nothing of it is known. */
const TOO_LARGE: ReadRequest = {
  priority: undefined,
  assembled: {
    kind: "refused", status: 431, reason: "header list too large", head: UNKNOWN_HEAD, isMalformed: false,
  },
};

export class BlockReader {
  readonly #decoder: HpackDecoder;
  readonly #assembler: RequestAssembler;
  readonly #known = new BlockMemory<ReadRequest>();

  constructor(limits: HeadLimits, memory: SectionMemory) {
    this.#decoder = new HpackDecoder({ fieldCountMax: limits.fieldCountMax, listSizeMax: listSizeMax(limits) });
    this.#assembler = new RequestAssembler(limits, memory);
  }

  /** Reads `bytes[start, end)` as a request. @param endStream does no body follow? */
  request(bytes: Bytes, start: number, end: number, endStream: boolean): ReadRequest | BlockFault {
    const { generation } = this.#decoder;
    const known = this.#known.find(bytes, start, end, endStream, generation);
    if (known !== undefined) return known;
    const fields: HpackField[] = [];
    const outcome = this.#decoder.decode(bytes, start, end, fields);
    if (typeof outcome === "object") return outcome;
    if (outcome === "too-large") return TOO_LARGE;
    const priority = fields.find(({ name }) => name === "priority")?.value;
    const read: ReadRequest = {
      assembled: this.#assembler.assemble(fields, endStream),
      priority: priority === undefined ? undefined : parsePriority(priority),
    };
    if (read.assembled.kind === "request" && generation === this.#decoder.generation) {
      this.#known.remember(bytes, start, end, { endStream, generation, value: read });
    }
    return read;
  }

  /** Reads a trailer section (RFC 9113 §8.1). */
  trailers(bytes: Bytes, start: number, end: number): ReadTrailers {
    return readTrailers(this.#decoder, bytes, start, end);
  }
}

/** Was it refused before anything of it was looked at? */
export function isTooLarge(read: ReadRequest): boolean {
  return read === TOO_LARGE;
}

/** RFC 9113 §6.5.2: as we count it, with an overhead for each field; that of a head in HTTP/1.1, and a little more. */
export function listSizeMax({ headSizeMax }: HeadLimits): number {
  return headSizeMax + ENTRY_OVERHEAD;
}
