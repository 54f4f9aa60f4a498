/**
 * Header blocks of one server, read as the heads of responses (RFC 9113 §8.3.2), or as trailers. As with requests, the
 * fields become lines that the parser of HTTP/1.1 judges, and a block that came before is known by its bytes.
 */
import { reasonPhrase } from "../../http/status.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { FieldParser, type HeadLimits, ReceivedHead } from "../h1/index.ts";
import { BlockMemory } from "./block-memory.ts";
import { listSizeMax } from "./block-reader.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { HpackField } from "./hpack-field.ts";
import { type ReadTrailers, readTrailers } from "./trailer-section.ts";

/** RFC 9113 §8.6: it has no 101. */
const STATUS = /^[1-5]\d\d$/, SWITCHING_PROTOCOLS = 101;

/** A head | a block whose message is malformed (RFC 9113 §8.1.1), or too large | no block: the connection's end. */
export type ReadHead = ReceivedHead | { readonly malformed: string } | { readonly error: string };

export class ResponseBlocks {
  readonly #decoder: HpackDecoder;
  readonly #parser: FieldParser;
  readonly #known = new BlockMemory<ReceivedHead>();

  constructor(limits: HeadLimits) {
    this.#decoder = new HpackDecoder({ fieldCountMax: limits.fieldCountMax, listSizeMax: listSizeMax(limits) });
    this.#parser = new FieldParser(limits, "response");
  }

  /** Reads `bytes[start, end)` as a head. A block that comes again gives the same object. */
  head(bytes: Bytes, start: number, end: number): ReadHead {
    const { generation } = this.#decoder;
    const known = this.#known.find(bytes, start, end, false, generation);
    if (known !== undefined) return known;
    const fields: HpackField[] = [];
    const outcome = this.#decoder.decode(bytes, start, end, fields);
    if (typeof outcome === "object") return outcome;
    if (outcome === "too-large") return { malformed: "head_size" };
    const read = this.#assembled(fields);
    if (!("malformed" in read) && generation === this.#decoder.generation) {
      this.#known.remember(bytes, start, end, { endStream: false, generation, value: read });
    }
    return read;
  }

  /** Reads a trailer section (RFC 9113 §8.1). */
  trailers(bytes: Bytes, start: number, end: number): ReadTrailers {
    return readTrailers(this.#decoder, bytes, start, end);
  }

  #assembled(fields: readonly HpackField[]): ReceivedHead | { readonly malformed: string } {
    const [first] = fields;
    const status = Number(first?.value);
    if (first?.kind !== ":status" || !STATUS.test(first.value)) return { malformed: "status_line" };
    if (status === SWITCHING_PROTOCOLS) return { malformed: "status 101" };
    let text = "";
    for (const field of fields.slice(1)) {
      if (field.kind === "malformed" || field.isPseudo) {
        return { malformed: `field ${JSON.stringify(field.name.slice(0, 40))}` };
      }
      text += field.line;
    }
    const bytes = fromLatin1(`${text}\r\n`);
    const parser = this.#parser;
    parser.reset(0);
    const parsed = parser.parse(bytes, bytes.length);
    if (parsed !== "done") return { malformed: parsed === "need-data" ? "field_value" : parsed.reason };
    const semantics = parser.finishResponse({ minorVersion: 1, hasLoneLf: false });
    if ("kind" in semantics) return { malformed: semantics.reason };
    // RFC 9113 §8.3.2: there is no reason phrase; clients of HTTP/1.1 shall see the usual one.
    const line = { status, reason: reasonPhrase(status), minorVersion: 1 };
    return new ReceivedHead(line, parser.lines(bytes), semantics, bytes.length, "response");
  }
}
