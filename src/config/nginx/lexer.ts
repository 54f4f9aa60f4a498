/**
 * Text to tokens, as nginx reads them.
 *
 * - Blanks are space, tab, CR and LF. `#` begins a comment, `"` and `'` a quoted word, `{`, `}` and `;` are tokens, but
 *   only where a word could begin: `a#b"c}` is one word. `;`, `{` and blanks end an unquoted word, `}` does not.
 * - `${` inside an unquoted word begins no block, so `${name}` can stand there.
 * - A backslash protects the character after it. Of the two both stay in the value, except in `\"`, `\'` and `\\`,
 *   which lose the backslash, and `\t`, `\r` and `\n`, which become that character; quoted or not.
 * - A quoted word ends at its quote, over any number of lines, and a blank, `;`, `{` or `)` must follow.
 *
 * A mistake is noted in `mistakes`, and reading goes on at the most likely place: nothing throws, and every call of
 * next() comes nearer to the end.
 *
 * Deviates: a byte order mark at the beginning is skipped (nginx takes it for part of the first name), and a comment
 * may be longer than 4096 bytes.
 */
import { fromUtf8 } from "../../std/bytes.ts";
import { type LanguageDiagnostic, mistakeAt } from "./language-diagnostic.ts";
import type { Place, Source } from "./source.ts";

export interface Token extends Place {
  /** "end" stands behind the last character, again and again. */
  readonly kind: "word" | ";" | "{" | "}" | "end";
  /** A word without its quotes and with its escapes resolved; else the character, or "" at the end. */
  readonly value: string;
}

/** NGX_CONF_BUFFER: a word, with its closing quote and the character after it, fits into so many bytes. */
export const WORD_SIZE_MAX = 4096;

/** So many quotes without an end are looked into; then the rest of the text is left alone. */
export const LOST_QUOTE_COUNT_MAX = 16;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const DOLLAR = 0x24;
const SINGLE_QUOTE = 0x27;
const CLOSING_PARENTHESIS = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

export class Lexer {
  readonly #source: Source;
  readonly #text: string;
  /** Whether a character that no word may have is anywhere, so that ordinary texts are searched once. */
  readonly #isSuspect: boolean;
  readonly #mistakes: LanguageDiagnostic[] = [];
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #lostQuoteCount = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
    this.#isSuspect = source.text.includes("\0") || source.text.includes("\uFFFD");
    if (source.text.startsWith("\uFEFF")) this.#at = this.#lineStart = 1;
  }

  /** What was wrong up to here, in order. */
  get mistakes(): readonly LanguageDiagnostic[] {
    return this.#mistakes;
  }

  next(): Token {
    this.#skipBlanks();
    const text = this.#text;
    const start = this.#at;
    if (start >= text.length) return this.#token("end", "", start, start);
    switch (text.charCodeAt(start)) {
      case SEMICOLON:
        return this.#mark(";");
      case OPENING_BRACE:
        return this.#mark("{");
      case CLOSING_BRACE:
        return this.#mark("}");
      case DOUBLE_QUOTE:
        return this.#quoted(DOUBLE_QUOTE);
      case SINGLE_QUOTE:
        return this.#quoted(SINGLE_QUOTE);
      default:
        return this.#unquoted();
    }
  }

  /**
   * Skips what stands between the braces of another language, whose opening brace was the last token.
   * Strings and comments of Lua may hold braces.
   */
  skipForeignBlock(): void {
    const end = endOfLua(this.#text, this.#at);
    this.#countLines(this.#at, end);
    this.#at = end;
  }

  #skipBlanks(): void {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at);
      if (code === LF) {
        this.#line += 1;
        this.#lineStart = this.#at + 1;
      } else if (code === HASH) {
        const end = text.indexOf("\n", this.#at);
        // The loop looks at the line's end next.
        this.#at = (end === -1 ? text.length : end) - 1;
      } else if (!isBlank(code)) {
        return;
      }
    }
  }

  #mark(kind: ";" | "{" | "}"): Token {
    const start = this.#at++;
    return this.#token(kind, kind, start, start + 1);
  }

  #unquoted(): Token {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let hasEscape = false;
    let hasLineEnd = false;
    let afterDollar = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === OPENING_BRACE && afterDollar) continue;
      afterDollar = code === DOLLAR;
      if (code === BACKSLASH) {
        hasEscape = true;
        hasLineEnd ||= text.charCodeAt(at + 1) === LF;
        at += 1;
      } else if (isBlank(code) || code === SEMICOLON || code === OPENING_BRACE) {
        break;
      }
    }
    // A backslash may be the very last character.
    const end = Math.min(at, text.length);
    const raw = text.slice(start, end);
    const token = this.#token("word", hasEscape ? unescape(raw) : raw, start, end);
    if (hasLineEnd) this.#countLines(start, end);
    this.#at = end;
    if (end < text.length) this.#checkSize(token, raw, end - start + 1);
    this.#checkCharacters(token);
    return token;
  }

  #quoted(quote: number): Token {
    const text = this.#text;
    const start = this.#at;
    let at = start + 1;
    let hasEscape = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code !== BACKSLASH) continue;
      hasEscape = true;
      at += 1;
    }
    if (at >= text.length) return this.#lostQuote(undefined);
    const after = at + 1;
    const raw = text.slice(start + 1, at);
    const token = this.#token("word", hasEscape ? unescape(raw) : raw, start, after);
    const isWhole = after >= text.length || mayFollowQuote(text.charCodeAt(after));
    if (!isWhole && raw.includes("\n")) return this.#lostQuote(after);
    this.#countLines(start, after);
    this.#at = after;
    if (after < text.length) this.#checkSize(token, raw, after - start);
    if (!isWhole) this.#unexpected(after);
    this.#checkCharacters(token);
    return token;
  }

  /** A word that goes on behind its quote: what follows is read as the next word. */
  #unexpected(offset: number): void {
    const character = String.fromCodePoint(this.#text.codePointAt(offset) ?? 0);
    this.#mistake(this.#token("word", character, offset, offset + character.length), {
      nginx: `unexpected "${character}"`,
      message: `unexpected "${character}" after a closing quote`,
      hint: 'a quoted word ends at its quote: quote all of it, and write \\" for a quote inside',
    });
  }

  /**
   * A quote that is never closed, or that another quote closes lines below. The word is taken to end with its line, so
   * that what follows is read as it was meant. `closed`: the offset behind that other quote.
   */
  #lostQuote(closed: number | undefined): Token {
    const text = this.#text;
    const start = this.#at;
    const newline = text.indexOf("\n", start);
    const line = text.slice(start + 1, newline === -1 ? undefined : newline);
    // The line's own `;` or `{` was not meant to be quoted.
    const word = /^(.*?)\s*[;{]?\s*$/.exec(line)?.[1] ?? line;
    const end = start + 1 + word.length;
    const token = this.#token("word", word, start, end);
    const quote = text[start] ?? "";
    this.#mistakes.push(mistakeAt(this.#token("word", quote, start, start + 1), {
      ...this.#wordsForLostQuote(quote, closed),
      message: `the quote ${quote} is not closed`,
      hint: `end the word with ${quote} (written \\${quote} inside), and the directive with ;`,
    }));
    this.#lostQuoteCount += 1;
    this.#at = this.#lostQuoteCount < LOST_QUOTE_COUNT_MAX ? end : text.length;
    return token;
  }

  /** What nginx says, and in which line: it has read on to where nothing fits any more. */
  #wordsForLostQuote(quote: string, closed: number | undefined): { nginx: string; nginxLine: number } {
    const text = this.#text;
    const start = this.#at + 1;
    const size = fromUtf8(text.slice(start, Math.min(closed ?? text.length, start + WORD_SIZE_MAX))).length;
    if (size >= WORD_SIZE_MAX) {
      const nginx = `too long parameter, probably missing terminating "${quote}" character`;
      return { nginx, nginxLine: this.#line };
    }
    const nginxLine = this.#line + countOf(text, "\n", start, closed ?? text.length);
    if (closed !== undefined) return { nginx: `unexpected "${text[closed] ?? ""}"`, nginxLine };
    return { nginx: endOf(this.#source), nginxLine };
  }

  /** `unitCount`: what nginx must see of the word at once, in UTF-16 units, of which each has up to three bytes. */
  #checkSize(token: Token, raw: string, unitCount: number): void {
    if (unitCount * 3 <= WORD_SIZE_MAX) return;
    const size = unitCount - raw.length + fromUtf8(raw).length;
    if (size <= WORD_SIZE_MAX) return;
    const quote = this.#text[token.offset] ?? "";
    // Both of its quotes are counted; nginx has not come to the second one yet.
    const isOpen = (quote === '"' || quote === "'") && size - 2 >= WORD_SIZE_MAX;
    this.#mistake({ ...token, end: token.offset + 1 }, {
      nginx: isOpen
        ? `too long parameter, probably missing terminating "${quote}" character`
        : `too long parameter "${fromUtf8(raw).utf8Slice(0, 10)}..." started`,
      message: `the word "${token.value.slice(0, 10)}..." is longer than ${WORD_SIZE_MAX} bytes`,
      hint: "nginx reads no longer words: write it as several, or in several directives",
    });
  }

  #checkCharacters(token: Token): void {
    if (!this.#isSuspect || !/[\0\uFFFD]/.test(token.value)) return;
    const isNul = token.value.includes("\0");
    this.#mistake(token, {
      nginx: `invalid parameter "${token.value.slice(0, 10)}"`,
      message: isNul ? "there is a NUL byte in this word" : "this word is not UTF-8",
      hint: isNul ? "remove it; is this a text file?" : "save the file as UTF-8",
    });
  }

  #mistake(place: Place, mistake: Parameters<typeof mistakeAt>[1]): void {
    this.#mistakes.push(mistakeAt(place, mistake));
  }

  #countLines(start: number, end: number): void {
    for (let at = this.#text.indexOf("\n", start); at !== -1 && at < end; at = this.#text.indexOf("\n", at + 1)) {
      this.#line += 1;
      this.#lineStart = at + 1;
    }
  }

  /** To be called before the lines of the word are counted. */
  #token(kind: Token["kind"], value: string, offset: number, end: number): Token {
    return { source: this.#source, line: this.#line, column: offset - this.#lineStart + 1, offset, end, kind, value };
  }
}

/** nginx's words for a text that ends within a directive. */
export function endOf(source: Source): string {
  if (source.isParameter) return 'unexpected end of parameter, expecting ";"';
  return 'unexpected end of file, expecting ";" or "}"';
}

/** The offset behind the brace that closes the one before `start`; the end of the text without such a brace. */
function endOfLua(text: string, start: number): number {
  const marks = /--|\[\[|["'{}]/g;
  marks.lastIndex = start;
  let depth = 1;
  for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
    const [mark] = match;
    const behind = marks.lastIndex;
    if (mark === "{") depth += 1;
    else if (mark === "}") depth -= 1;
    else if (mark === "--") marks.lastIndex = indexOrEnd(text, "\n", behind);
    else if (mark === "[[") marks.lastIndex = indexOrEnd(text, "]]", behind);
    else marks.lastIndex = endOfString(text, mark, behind);
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** Lua's strings end with their line, if not before. */
function endOfString(text: string, quote: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at += 1;
    else if (character === quote || character === "\n") return at + 1;
  }
  return text.length;
}

function indexOrEnd(text: string, part: string, start: number): number {
  const index = text.indexOf(part, start);
  return index === -1 ? text.length : index;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === LF || code === TAB || code === CR;
}

function mayFollowQuote(code: number): boolean {
  return isBlank(code) || code === SEMICOLON || code === OPENING_BRACE || code === CLOSING_PARENTHESIS;
}

function unescape(raw: string): string {
  return raw.replace(/\\(["'\\trn])/g, (_, letter: string) => escapes[letter] ?? letter);
}

const escapes: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n" };

function countOf(text: string, part: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf(part, start); at !== -1 && at < end; at = text.indexOf(part, at + 1)) count += 1;
  return count;
}
