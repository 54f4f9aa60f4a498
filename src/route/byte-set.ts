/**
 * A set of bytes: what one position of a regular expression may be. Subjects are bytes, one character each, so that
 * every class of a pattern, folded and negated, is one of these, and one text in JavaScript's syntax.
 */

/** Bytes that mean something in a JavaScript pattern, outside or inside of a class. */
const special: ReadonlySet<string> = new Set("\\^$.*+?()[]{}|/-");

export class ByteSet {
  readonly #members = new Uint8Array(256);

  /** @param ranges first and last bytes, in pairs */
  static of(...ranges: readonly number[]): ByteSet {
    const set = new ByteSet();
    for (let i = 0; i < ranges.length; i += 2) set.addRange(ranges[i] ?? 0, ranges[i + 1] ?? 0);
    return set;
  }

  has(byte: number): boolean {
    return this.#members[byte] === 1;
  }

  addRange(first: number, last: number): void {
    this.#members.fill(1, first, last + 1);
  }

  addSet(other: ByteSet): void {
    for (let byte = 0; byte < 256; byte++) if (other.has(byte)) this.#members[byte] = 1;
  }

  /** Every ASCII letter brings its other case; PCRE without locale and without UTF folds nothing else. */
  fold(): void {
    for (let upper = 0x41; upper <= 0x5a; upper++) {
      const either = (this.#members[upper] ?? 0) | (this.#members[upper + 32] ?? 0);
      this.#members[upper] = either;
      this.#members[upper + 32] = either;
    }
  }

  negated(): ByteSet {
    const set = new ByteSet();
    for (let byte = 0; byte < 256; byte++) if (!this.has(byte)) set.addRange(byte, byte);
    return set;
  }

  /** The JavaScript pattern, without flags, that matches exactly one byte of the set. */
  toPattern(): string {
    const ranges = this.#ranges();
    const [first] = ranges;
    if (first === undefined) return "[]";
    if (ranges.length === 1 && first[0] === first[1]) return characterPattern(first[0]);
    if (first[0] === 0) return `[^${classText(this.negated().#ranges())}]`;
    return `[${classText(ranges)}]`;
  }

  #ranges(): readonly (readonly [number, number])[] {
    const ranges: [number, number][] = [];
    for (let byte = 0; byte < 256; byte++) {
      if (!this.has(byte)) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === byte - 1) last[1] = byte;
      else ranges.push([byte, byte]);
    }
    return ranges;
  }
}

function classText(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([first, last]) => {
    if (first === last) return characterPattern(first);
    return `${characterPattern(first)}${last === first + 1 ? "" : "-"}${characterPattern(last)}`;
  }).join("");
}

function characterPattern(byte: number): string {
  if (byte === 0x0a) return "\\n";
  if (byte <= 0x20 || byte >= 0x7f) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  return special.has(character) ? `\\${character}` : character;
}

export const DIGIT: ByteSet = ByteSet.of(0x30, 0x39);
export const WORD: ByteSet = ByteSet.of(0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a);
/** PCRE2's \s has VT, unlike Perl 5.16's; JavaScript's has U+00A0. */
export const SPACE: ByteSet = ByteSet.of(0x09, 0x0d, 0x20, 0x20);
/** \h without UTF: HT, SP and the byte 0xA0. */
export const HORIZONTAL: ByteSet = ByteSet.of(0x09, 0x09, 0x20, 0x20, 0xa0, 0xa0);
/** \v without UTF: LF, VT, FF, CR and the byte 0x85. */
export const VERTICAL: ByteSet = ByteSet.of(0x0a, 0x0d, 0x85, 0x85);
export const NEWLINE: ByteSet = ByteSet.of(0x0a, 0x0a);
export const ANY: ByteSet = ByteSet.of(0x00, 0xff);

/** POSIX classes in the C locale (pcre2pattern, "POSIX character classes"). */
export const POSIX_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ["alnum", ByteSet.of(0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a)],
  ["alpha", ByteSet.of(0x41, 0x5a, 0x61, 0x7a)],
  ["ascii", ByteSet.of(0x00, 0x7f)],
  ["blank", ByteSet.of(0x09, 0x09, 0x20, 0x20)],
  ["cntrl", ByteSet.of(0x00, 0x1f, 0x7f, 0x7f)],
  ["digit", DIGIT],
  ["graph", ByteSet.of(0x21, 0x7e)],
  ["lower", ByteSet.of(0x61, 0x7a)],
  ["print", ByteSet.of(0x20, 0x7e)],
  ["punct", ByteSet.of(0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e)],
  ["space", SPACE],
  ["upper", ByteSet.of(0x41, 0x5a)],
  ["word", WORD],
  ["xdigit", ByteSet.of(0x30, 0x39, 0x41, 0x46, 0x61, 0x66)],
]);
