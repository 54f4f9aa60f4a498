/**
 * Bodies from one charset to another by charset_map (ngx_http_charset_module): byte by byte, or to and from UTF-8.
 * What has no equal becomes "?", in a charset that is not UTF-8 a character reference of HTML: "&#8364;".
 */
import { NO_BYTES, allocate, asBytes, fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { BodyFilter } from "./body-filter.ts";
import type { CharsetMap } from "./settings.ts";

const UTF_8 = "utf-8";
const QUESTION = 0x3f;
/** Below, all charsets are ASCII unless a map says otherwise. */
const ASCII_COUNT = 128;

/** A way between two charsets. A length that stays means: byte by byte. */
export interface Recoder {
  /** A body has another length afterwards. */
  readonly changesLength: boolean;
  readonly start: () => BodyFilter;
}

/** All ways that a configuration has maps for. */
export class Recoders {
  /** By both names in lower case. */
  readonly #ways = new Map<string, Recoder>();

  constructor(maps: readonly CharsetMap[]) {
    for (const { from, to, pairs } of maps) {
      const isUtf8 = to.toLowerCase() === UTF_8;
      this.#ways.set(key(from, to), isUtf8 ? toUtf8(pairs) : byTable(pairs.map(([a, b]) => [a, b.charCodeAt(0)])));
      this.#ways.set(key(to, from), isUtf8 ? fromUtf8(pairs) : byTable(pairs.map(([a, b]) => [b.charCodeAt(0), a])));
    }
  }

  get all(): readonly Recoder[] {
    return [...this.#ways.values()];
  }

  /** @returns undefined where no map leads from one to the other */
  find(from: string, to: string): Recoder | undefined {
    return this.#ways.get(key(from, to));
  }
}

function key(from: string, to: string): string {
  return `${from.toLowerCase()} ${to.toLowerCase()}`;
}

function byTable(pairs: readonly (readonly [number, number])[]): Recoder {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => (byte < ASCII_COUNT ? byte : QUESTION));
  for (const [from, to] of pairs) table[from] = to;
  const filter: BodyFilter = { push: (bytes) => asBytes(bytes.map((byte) => table[byte] ?? 0)), end: () => NO_BYTES };
  return { changesLength: false, start: () => filter };
}

function toUtf8(pairs: CharsetMap["pairs"]): Recoder {
  const table = Array.from({ length: 256 }, (_, byte) => (byte < ASCII_COUNT ? String.fromCharCode(byte) : "?"));
  for (const [from, to] of pairs) table[from] = to;
  const push = (bytes: Bytes): Bytes => {
    let text = "";
    for (const byte of bytes) text += table[byte] ?? "";
    return text === "" ? NO_BYTES : fromLatin1(text);
  };
  const filter: BodyFilter = { push, end: () => NO_BYTES };
  return { changesLength: true, start: () => filter };
}

function fromUtf8(pairs: CharsetMap["pairs"]): Recoder {
  const bytesOf = new Map<number, number>();
  for (let byte = 0; byte < ASCII_COUNT; byte++) bytesOf.set(byte, byte);
  for (const [byte, text] of pairs) {
    const code = fromLatin1(text).utf8Slice().codePointAt(0);
    if (code !== undefined) bytesOf.set(code, byte);
  }
  return { changesLength: true, start: () => new Utf8Reader(bytesOf) };
}

/** A byte of a body becomes at most so many: "&#255;" is of two. */
const GROWTH_MAX = 4;
/** Of one character (RFC 3629 §3); the longest reference is "&#1114111;". */
const CHARACTER_SIZE_MAX = 4;

/** From UTF-8 to single bytes; a character that is cut waits for its rest. */
class Utf8Reader implements BodyFilter {
  readonly #bytesOf: ReadonlyMap<number, number>;
  readonly #decoder = new TextDecoder(UTF_8, { ignoreBOM: true });

  constructor(bytesOf: ReadonlyMap<number, number>) {
    this.#bytesOf = bytesOf;
  }

  push(bytes: Bytes): Bytes {
    return this.#encode(this.#decoder.decode(bytes, { stream: true }), bytes.length);
  }

  end(): Bytes {
    return this.#encode(this.#decoder.decode(), 0);
  }

  #encode(text: string, size: number): Bytes {
    if (text === "") return NO_BYTES;
    const out = allocate((size + CHARACTER_SIZE_MAX) * GROWTH_MAX);
    let length = 0;
    for (const character of text) {
      const code = character.codePointAt(0) ?? QUESTION;
      const byte = this.#bytesOf.get(code);
      if (byte !== undefined) out[length++] = byte;
      // What was no UTF-8; a page that really has U+FFFD gets the same.
      else if (code === 0xfffd) out[length++] = QUESTION;
      else length += out.latin1Write(`&#${code};`, length);
    }
    return out.subarray(0, length);
  }
}
