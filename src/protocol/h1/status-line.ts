/** The first line of a response (RFC 9112 §4). */
import type { Bytes } from "../../std/bytes.ts";
import { FIELD_VALUE } from "../../http/characters.ts";
import { violation } from "./violation.ts";
import type { Violation } from "./violation.ts";

const CR = 13, LF = 10, SP = 32;
/** "HTTP/" in bytes; RFC 9112 §2.3: the name is case-sensitive. */
const NAME = [0x48, 0x54, 0x54, 0x50, 0x2f];
/** "HTTP/1.1 200". */
const CODE_END = 12;
/** A reason phrase is for people; nginx has the head's bound only. */
export const STATUS_LINE_SIZE_MAX = 4096;

export interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: number;
  /** Where the fields start: behind the line's end. */
  readonly end: number;
  /** Did LF alone end it? */
  readonly hasLoneLf: boolean;
}

/** Do the bytes begin as a status line does? "need-data" while they may. */
export function beginsStatusLine(bytes: Bytes, start: number, end: number): boolean | "need-data" {
  for (let i = 0; i < NAME.length; i++) {
    if (start + i >= end) return "need-data";
    if (bytes[start + i] !== NAME[i]) return false;
  }
  return true;
}

/**
 * Reads `HTTP/1.[01] SP 3DIGIT [SP reason-phrase] CRLF` from `start`; "need-data" while it is not all there.
 * The space before an empty reason may be missing (RFC 9112 §4 requires it, many servers do not send it).
 * LF alone ends the line, too: see FieldRole.
 */
export function parseStatusLine(
  bytes: Bytes, start: number, end: number,
): StatusLine | Violation | "need-data" {
  const begins = beginsStatusLine(bytes, start, end);
  if (begins !== true) return begins === false ? violation("status_line", 502) : begins;
  for (let i = NAME.length; i < CODE_END; i++) {
    if (start + i >= end) return "need-data";
    if (!isInPlace(i, bytes[start + i] ?? 0)) return violation(i < 8 ? "version" : "status_line", 502);
  }
  let at = start + CODE_END;
  if (at >= end) return "need-data";
  let reasonStart = at;
  if (bytes[at] === SP) {
    reasonStart = ++at;
    while (at < end && FIELD_VALUE[bytes[at] ?? 0] === 1) at++;
  }
  // Before the byte is judged, so that it does not matter how much of the line came at once.
  if (at + 2 - start > STATUS_LINE_SIZE_MAX) return violation("status_line_size", 502);
  if (at >= end) return "need-data";
  const reasonEnd = at;
  const hasLoneLf = bytes[at] === LF;
  if (bytes[at] === CR) {
    if (++at >= end) return "need-data";
    if (bytes[at] !== LF) return violation("bare_cr", 502);
  } else if (bytes[at] !== LF) {
    return violation("status_line", 502);
  }
  const minorVersion = (bytes[start + 7] ?? 0) - 48;
  const status = Number(bytes.latin1Slice(start + 9, start + CODE_END));
  return { status, reason: bytes.latin1Slice(reasonStart, reasonEnd), minorVersion, end: at + 1, hasLoneLf };
}

/** May this byte stand at this place of "HTTP/1.1 200"? RFC 9110 §15: a status code's first digit is never 0. */
function isInPlace(place: number, byte: number): boolean {
  switch (place) {
    case 5: return byte === 0x31;
    case 6: return byte === 0x2e;
    case 7: return byte === 0x30 || byte === 0x31;
    case 8: return byte === SP;
    case 9: return byte >= 0x31 && byte <= 0x39;
    default: return byte >= 0x30 && byte <= 0x39;
  }
}
