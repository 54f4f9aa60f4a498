/**
 * Range requests (RFC 9110 §14) and multipart/byteranges (§14.6), as nginx reads and writes them.
 *
 * Floods are bounded twice: by a number of ranges, and by their sum, which may not be larger than the representation
 * itself. What goes beyond either gets the whole representation (RFC 9110 §14.2 allows to ignore the field). Ranges are
 * therefore sent as they were asked for, in that order, even where they overlap a little.
 */

/** Bytes `[start, end)` of a representation. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Ignore the field and answer 200 | 416 | 206. */
export type RangeOutcome = "whole" | "unsatisfiable" | readonly ByteRange[];

/** Without a max_ranges: nginx has no bound then; CVE-2011-3192 is why we have one. */
export const RANGE_COUNT_MAX = 16;

/** nginx's off_t; more is no number. */
const OFFSET_MAX = 2 ** 63;

const SPECIFIER = /^ *(?:(\d+) *- *(?:(\d+) *)?|- *(\d+) *)$/;

/**
 * Reads a Range field's value.
 * @param size of the representation, in bytes @param countMax nginx's max_ranges; 0 ignores every Range
 */
export function parseRange(value: string, size: number, countMax: number): RangeOutcome {
  // RFC 9110 §14.2: ignore a unit that is not understood; units are case-insensitive.
  if (countMax === 0 || value.length < 7 || value.slice(0, 6).toLowerCase() !== "bytes=") return "whole";
  const ranges: ByteRange[] = [];
  let sum = 0;
  let at = 6;
  for (;;) {
    const comma = value.indexOf(",", at);
    const range = parseSpecifier(value.slice(at, comma < 0 ? undefined : comma), size);
    if (range === undefined) return "unsatisfiable";
    if (range.start < range.end) {
      if (ranges.length === countMax) return "whole";
      ranges.push(range);
      sum += range.end - range.start;
    } else if (range.start === 0) {
      // "bytes=-0", or all of nothing.
      return "whole";
    }
    if (comma < 0) break;
    at = comma + 1;
  }
  if (ranges.length === 0) return "unsatisfiable";
  return sum > size ? "whole" : ranges;
}

/** @returns a range that is empty when it lies behind the end, undefined for what is no range */
function parseSpecifier(text: string, size: number): ByteRange | undefined {
  const found = SPECIFIER.exec(text);
  if (found === null) return undefined;
  const [, first, last, suffix] = found;
  if ([first, last, suffix].some((digits) => Number(digits ?? 0) > OFFSET_MAX)) return undefined;
  if (suffix !== undefined) return { start: Math.max(0, size - Number(suffix)), end: size };
  const start = Number(first);
  const end = last === undefined ? size : Math.min(size, Number(last) + 1);
  return { start, end };
}

/** Content-Range of a part (RFC 9110 §14.4). */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/** Content-Range of 416. */
export function unsatisfiedRange(size: number): string {
  return `bytes */${size}`;
}

/** The framing of a multipart/byteranges body: what stands before each range, and after the last. */
export interface Multipart {
  readonly contentType: string;
  readonly openings: readonly string[];
  readonly closing: string;
  /** Size of the whole body in bytes. */
  readonly size: number;
}

/** Describes the representation that the ranges are of. */
export interface MultipartSource {
  readonly ranges: readonly ByteRange[];
  /** Of the representation, in bytes. */
  readonly size: number;
  /** Its Content-Type, undefined without one. */
  readonly contentType: string | undefined;
  /** Must not occur in the body: 20 digits in nginx. */
  readonly boundary: string;
}

/** RFC 2046 §5.1.1, RFC 9110 §14.6: a part's fields say what it is and where it belongs. */
export function formatMultipart({ ranges, size, contentType, boundary }: MultipartSource): Multipart {
  const type = contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`;
  const openings = ranges.map(
    (range) => `\r\n--${boundary}\r\n${type}Content-Range: ${contentRange(range, size)}\r\n\r\n`,
  );
  const closing = `\r\n--${boundary}--\r\n`;
  let total = closing.length;
  for (const [index, { start, end }] of ranges.entries()) total += (openings[index]?.length ?? 0) + end - start;
  return { contentType: `multipart/byteranges; boundary=${boundary}`, openings, closing, size: total };
}
