/** What all HTTP/2 connections of a thread share: memory for frames, and how heads become header blocks. */
import type { HttpSettings } from "../config/model.ts";
import { filterHeaders } from "../filters/index.ts";
import { type FieldLine, NO_LINES, type ResponseHead } from "../http/response-head.ts";
import { encodeBlock } from "../protocol/h2/index.ts";
import { NO_BYTES, allocate, concatBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Memory for the frames of one turn; more take another piece. */
export const PIECE_SIZE = 65_536;
/** Pieces that are kept for the next turn: 4 MiB of a thread. */
const PIECES_KEPT_MAX = 64;

/** RFC 9113 §8.2.2: fields of the connection; filterHeaders leaves these two where a 426 names its protocol. */
const connectionNames: ReadonlySet<string> = new Set(["connection", "upgrade"]);

export class H2Shared {
  readonly #pieces: Bytes[] = [];
  /** The Date that was coded last. */
  #dateLine = "";
  #date: Bytes = NO_BYTES;

  /** Memory for frames. */
  take(): Bytes {
    return this.#pieces.pop() ?? allocate(PIECE_SIZE);
  }

  /** Takes memory back that nobody looks at any more. */
  give(piece: Bytes): void {
    if (this.#pieces.length < PIECES_KEPT_MAX) this.#pieces.push(piece);
  }

  /**
   * A response's header block, made once for all responses that have this head, and a second's Date.
   * @param dateLine the Date field as the clock has it
   */
  block(head: ResponseHead, http: HttpSettings, dateLine: string): Bytes {
    const { coded } = head;
    if (coded !== undefined && coded.settings === http && (coded.dateLine === dateLine || coded.dateLine === "")) {
      return coded.block;
    }
    if (coded !== undefined && coded.settings === http) {
      const block = concatBytes([coded.fields, this.#dateBlock(dateLine)]);
      head.coded = { ...coded, block, dateLine };
      return block;
    }
    const { fields: lines, needsDate } = filterHeaders(head, http);
    const fields = fieldsBlock(head.status, lines);
    const block = needsDate ? concatBytes([fields, this.#dateBlock(dateLine)]) : fields;
    head.coded = { fields, block, dateLine: needsDate ? dateLine : "", settings: http };
    return block;
  }

  #dateBlock(dateLine: string): Bytes {
    if (dateLine !== this.#dateLine) {
      this.#dateLine = dateLine;
      this.#date = encodeBlock([["date", dateLine.slice("Date: ".length, -2)]]);
    }
    return this.#date;
  }
}

/** Status and fields as a header block. @param lines without those of the connection, but for a 426's */
export function fieldsBlock(status: number, lines: readonly FieldLine[] = NO_LINES): Bytes {
  const fields = lines.filter(([name]) => !connectionNames.has(name.toLowerCase()));
  return encodeBlock([[":status", String(status)], ...fields]);
}
