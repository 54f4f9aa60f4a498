/**
 * Takes chunked transfer coding off a body (RFC 9112 §7.1).
 *
 * Only CRLF ends a line, also inside a quoted extension value, whose quote must be closed by then (Netty's
 * CVE-2026-33870 was the other reading); extensions are read, bounded and dropped. The trailer section obeys the rules
 * of a header section, must not speak of framing or Host, and is never merged (RFC 9112 §7.1.2).
 */
import type { Bytes } from "../../std/bytes.ts";
import { HEX } from "../../http/characters.ts";
import type { FieldLine } from "../../http/response-head.ts";
import { FieldParser } from "./field-parser.ts";
import type { HeadLimits } from "./limits.ts";
import { violation } from "./violation.ts";
import type { Violation } from "./violation.ts";

const CR = 13, LF = 10, HTAB = 9, SP = 32, DQUOTE = 0x22, BACKSLASH = 0x5c;
/** 13 hexadecimal digits stay below 2^53, the largest exact number. */
const SIZE_DIGITS_MAX = 13;
/** All extensions of one body together (hyper: 16 KiB; CVE-2023-39326 is what happens without a bound). */
const EXTENSION_SIZE_MAX = 4096;

type State = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers";

/** What one look brought: a view of body bytes (see `dataStart`), the end, a wish for more, or a refusal. */
export type ChunkedStep = "data" | "end" | "need-data" | Violation;

export class ChunkedReader {
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #extensionSize = 0;
  /** Within a quoted-string of an extension: 1, behind its backslash: 2. */
  #quoted = 0;
  readonly #trailers: FieldParser;
  readonly #trailerSizeMax: number;
  /** After "data": where the body bytes lie in what was given. */
  dataStart = 0;
  dataEnd = 0;

  constructor(limits: HeadLimits) {
    // Whoever sends them: trailers obey the stricter rules, those of a request.
    this.#trailers = new FieldParser(limits, "request");
    this.#trailerSizeMax = limits.headSizeMax;
  }

  /**
   * Looks at `bytes[at, end)`.
   * @returns the step; `position` says how far it read. After "need-data" the rest must be given again, in front of
   * what follows.
   */
  step(bytes: Bytes, at: number, end: number): ChunkedStep {
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      switch (this.#state) {
        case "size": {
          const digit = HEX[byte] ?? 255;
          if (digit !== 255) {
            if (++this.#digits > SIZE_DIGITS_MAX) return violation("chunk_size");
            this.#size = this.#size * 16 + digit;
            break;
          }
          if (this.#digits === 0) return violation("chunk_size");
          if (byte === CR) this.#state = "size-lf";
          else if (byte === 0x3b /* ; */) this.#state = "extension";
          else return violation("chunk_size");
          break;
        }
        case "extension":
          if (byte === CR) {
            if (this.#quoted !== 0) return violation("chunk_extension");
            this.#state = "size-lf";
          } else if ((byte < SP && byte !== HTAB) || byte === 0x7f || ++this.#extensionSize > EXTENSION_SIZE_MAX) {
            return violation("chunk_extension");
          } else if (this.#quoted === 2) {
            this.#quoted = 1;
          } else if (byte === DQUOTE) {
            this.#quoted ^= 1;
          } else if (byte === BACKSLASH && this.#quoted === 1) {
            this.#quoted = 2;
          }
          break;
        case "size-lf":
          if (byte !== LF) return violation("chunk_size");
          this.#digits = 0;
          this.#state = this.#size === 0 ? "trailers" : "data";
          if (this.#size === 0) {
            this.position = at + 1;
            return this.#readTrailers(bytes, at + 1, end);
          }
          break;
        case "data": {
          const take = Math.min(this.#size, end - at);
          this.#size -= take;
          if (this.#size === 0) this.#state = "data-cr";
          this.dataStart = at;
          this.dataEnd = at + take;
          this.position = at + take;
          return "data";
        }
        case "data-cr":
          if (byte !== CR) return violation("chunk_end");
          this.#state = "data-lf";
          break;
        case "data-lf":
          if (byte !== LF) return violation("chunk_end");
          this.#state = "size";
          break;
        case "trailers":
          return this.#readTrailers(bytes, at, end);
      }
    }
    this.position = at;
    return this.#state === "trailers" ? this.#readTrailers(bytes, at, end) : "need-data";
  }

  /** How far the last step read. */
  position = 0;

  /** The trailer section's lines, after "end". @param bytes those of the last step */
  trailers(bytes: Bytes): readonly FieldLine[] {
    return this.#trailers.lines(bytes);
  }

  #readTrailers(bytes: Bytes, at: number, end: number): ChunkedStep {
    // The unread rest comes again from its start, so the parser begins anew: bounded by the section's size.
    this.#trailers.reset(at);
    const parsed = this.#trailers.parse(bytes, Math.min(end, at + this.#trailerSizeMax));
    if (parsed === "need-data") {
      if (end - at > this.#trailerSizeMax) return violation("head_size", 431);
      this.position = at;
      return "need-data";
    }
    if (parsed !== "done") return parsed.status === 431 ? parsed : violation("trailer_section");
    if (this.#trailers.framing) return violation("trailer_section");
    this.position = this.#trailers.position;
    return "end";
  }
}
