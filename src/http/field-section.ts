/**
 * The field lines of one message (RFC 9110 §5), as they were received: bytes and where each part lies.
 *
 * Immutable once made, so that requests with the same bytes may share one. No text is made of a field
 * before somebody asks for it: most fields are only ever copied, from the client to the application.
 *
 * Invariant: `offsets` holds four positions for each line, start and end of the name, start and end of
 * the value, all within `bytes`; names are tokens and values contain no CR, LF or NUL.
 */
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { RequestConditions } from "./request-conditions.ts";

/** What the fields say about the message itself; decided once, by the reader. */
export interface FieldSemantics {
  /** RFC 9112 §6.3: the body's length, -1 when no Content-Length was sent. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Connection options (RFC 9110 §7.6.1). */
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** `Expect: 100-continue` (RFC 9110 §10.1.1). */
  readonly expectContinue: boolean;
  /** The Upgrade field's value in lower case, if Connection names it (RFC 9110 §7.8). */
  readonly upgrade: string | undefined;
  /** Index of the Host line, -1 without one. */
  readonly hostIndex: number;
  /** Is there an X-Forwarded-For or X-Forwarded-Proto line? */
  readonly forwarded: boolean;
}

export class FieldSection {
  readonly bytes: Bytes;
  readonly offsets: readonly number[];
  readonly semantics: FieldSemantics;
  /** It came before and will probably come again: set by the memory that keeps it. */
  remembered = false;
  /**
   * What was made of this section for the applications, by whether its sender is trusted to forward:
   * `src/app` encodes once and finds it here again. Opaque to everybody else.
   */
  encodedBy: object | undefined = undefined;
  encodedTrusted: Bytes | undefined = undefined;
  encodedUntrusted: Bytes | undefined = undefined;

  /** What a location's proxy makes of these fields, for the last one that was asked: lines for an upstream. */
  passed: { readonly by: object; readonly text: string } | undefined = undefined;

  /** What conditional.ts found in this section. */
  conditions: RequestConditions | "none" | undefined = undefined;

  constructor(bytes: Bytes, offsets: readonly number[], semantics: FieldSemantics) {
    this.bytes = bytes;
    this.offsets = offsets;
    this.semantics = semantics;
  }

  /** Number of field lines. */
  get count(): number {
    return this.offsets.length >> 2;
  }

  /** The name of line `index` as received. */
  name(index: number): string {
    return this.bytes.latin1Slice(this.offsets[index * 4], this.offsets[index * 4 + 1]);
  }

  /** The value of line `index`, one character a byte. */
  value(index: number): string {
    return this.bytes.latin1Slice(this.offsets[index * 4 + 2], this.offsets[index * 4 + 3]);
  }

  /** All values of a field joined, by ", " (RFC 9110 §5.3), undefined when absent. @param name in lower case */
  get(name: string, separator: string = ", "): string | undefined {
    let found: string | undefined;
    for (let index = 0; index < this.count; index++) {
      const start = this.offsets[index * 4] ?? 0;
      const end = this.offsets[index * 4 + 1] ?? 0;
      if (end - start !== name.length || this.bytes.latin1Slice(start, end).toLowerCase() !== name) continue;
      found = found === undefined ? this.value(index) : `${found}${separator}${this.value(index)}`;
    }
    return found;
  }
}

/** No fields at all. */
export const NO_FIELDS: FieldSection = new FieldSection(NO_BYTES, [], {
  contentLength: -1, chunked: false, close: false, keepAlive: false, expectContinue: false, upgrade: undefined,
  hostIndex: -1, forwarded: false,
});
