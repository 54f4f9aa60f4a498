/**
 * UTF-8 (RFC 3629 §4) checked as it arrives: a state, which is a number, goes over each byte, so that a message may
 * be cut anywhere and its first wrong byte is the last one looked at.
 *
 *   UTF8_START ──lead byte──▶ what must follow ──▶ … ──▶ UTF8_START         anything else ──▶ UTF8_WRONG
 */
import { isUtf8 } from "../../std/bytes.ts";

/** Between two characters. */
export const UTF8_START = 0;
export const UTF8_WRONG = 8;
/** One, two or three continuation bytes follow; the first of them has a narrower range after E0, ED, F0 and F4. */
const ONE = 1, TWO = 2, THREE = 3, AFTER_E0 = 4, AFTER_ED = 5, AFTER_F0 = 6, AFTER_F4 = 7;

/** From a piece of this size on, the platform's check of whole text is faster than the table. */
const PLATFORM_SIZE_MIN = 48;

/** RFC 3629 §4, one row each: state, first and last byte, state behind it. */
const ROWS: readonly (readonly [state: number, first: number, last: number, next: number])[] = [
  [UTF8_START, 0x00, 0x7f, UTF8_START],
  [UTF8_START, 0xc2, 0xdf, ONE],
  [UTF8_START, 0xe0, 0xe0, AFTER_E0],
  [UTF8_START, 0xe1, 0xec, TWO],
  [UTF8_START, 0xed, 0xed, AFTER_ED],
  [UTF8_START, 0xee, 0xef, TWO],
  [UTF8_START, 0xf0, 0xf0, AFTER_F0],
  [UTF8_START, 0xf1, 0xf3, THREE],
  [UTF8_START, 0xf4, 0xf4, AFTER_F4],
  [ONE, 0x80, 0xbf, UTF8_START],
  [TWO, 0x80, 0xbf, ONE],
  [THREE, 0x80, 0xbf, TWO],
  [AFTER_E0, 0xa0, 0xbf, ONE],
  [AFTER_ED, 0x80, 0x9f, ONE],
  [AFTER_F0, 0x90, 0xbf, TWO],
  [AFTER_F4, 0x80, 0x8f, TWO],
];

const NEXT: Uint8Array = new Uint8Array((UTF8_WRONG + 1) * 256).fill(UTF8_WRONG);
for (const [state, first, last, next] of ROWS) NEXT.fill(next, state * 256 + first, state * 256 + last + 1);

/**
 * Goes over `bytes[start, end)`.
 * @param state of what came before, UTF8_START at the beginning
 * @returns the state behind it; UTF8_WRONG for ever once a byte was wrong
 */
export function checkUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (state !== UTF8_START && at < end) state = NEXT[(state << 8) | (bytes[at++] ?? 0)] ?? UTF8_WRONG;
  if (end - at >= PLATFORM_SIZE_MIN) {
    const boundary = lastBoundary(bytes, at, end);
    if (!isUtf8(bytes, at, boundary)) return UTF8_WRONG;
    at = boundary;
  }
  while (at < end) state = NEXT[(state << 8) | (bytes[at++] ?? 0)] ?? UTF8_WRONG;
  return state;
}

/** Where a character begins that may not be all there: at most three bytes before the end. */
function lastBoundary(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0xc0) return at;
    if (byte < 0x80) return end;
  }
  return end;
}
