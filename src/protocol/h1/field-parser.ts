/**
 * Reads field lines (RFC 9112 §5) one at a time, so that a head that drips in is never read twice.
 *
 * Strict where request smuggling lives: only CRLF ends a line of a request, no space before the colon, no folding,
 * names are tokens, values have no control character but HTAB. What a line means for framing is
 * gathered on the way and judged when the section ends.
 */
import type { Bytes } from "../../std/bytes.ts";
import { copyBytes } from "../../std/bytes.ts";
import { FIELD_VALUE, HEX, HOST, IP_LITERAL, TOKEN, isIpFuture } from "../../http/characters.ts";
import { splitList } from "../../http/field-list.ts";
import { FieldSection } from "../../http/field-section.ts";
import type { FieldSemantics } from "../../http/field-section.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { HeadLimits } from "./limits.ts";
import { violation } from "./violation.ts";
import type { Violation } from "./violation.ts";

const CR = 13, LF = 10, HTAB = 9, SP = 32, COLON = 58;
/** RFC 9110 §8.6 allows any length; ours stays an exact number. */
const CONTENT_LENGTH_DIGITS_MAX = 15;
/** RFC 3986 §3.2.2: names that are looked up end at 255 characters. */
const HOST_SIZE_MAX = 255;
const PORT_MAX = 65_535;

/** Outcome of one look at the bytes: the section is complete, more is needed, or it is refused. */
export type FieldParse = "done" | "need-data" | Violation;

/**
 * Whose fields are read. The grammar and the framing are one; Host, Expect and a single Content-Type are asked of
 * requests only. Who answers may end lines with LF alone: a script by right (RFC 3875 §7.2), a server because so many
 * do (RFC 9112 §2.2 lets a recipient take it); but its connection carries nothing else, since one that reads lines in
 * its own way may see the end of a message elsewhere, too.
 */
export type FieldRole = "request" | "response" | "script";

/** What stood before a response's fields. */
export interface ResponseLine {
  readonly minorVersion: number;
  /** Did LF alone end it? */
  readonly hasLoneLf: boolean;
}

/** What a response's fields say about its message: see FieldSemantics. */
export interface ResponseSemantics {
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: string | undefined;
  /** All options of Connection, in lower case (RFC 9110 §7.6.1). */
  readonly connectionOptions: readonly string[];
}

const NO_OPTIONS: readonly string[] = [];
const NO_LINES: readonly FieldLine[] = [];

export class FieldParser {
  readonly #limits: HeadLimits;
  readonly #role: FieldRole;
  /** Positions in the bytes of the current head; four a line, as in FieldSection. */
  #offsets: number[] = [];
  #contentLength = -1;
  #chunked = false;
  #transferEncodings = 0;
  #close = false;
  #hasLoneLf = false;
  #keepAlive = false;
  #connectionUpgrade = false;
  #connectionOptions: readonly string[] = NO_OPTIONS;
  #upgrade: string | undefined = undefined;
  #expectContinue = false;
  #expectationUnknown = false;
  #hostIndex = -1;
  #forwarded = false;
  #contentTypes = 0;
  /** Where the next line starts, or after "done" where the section ended, behind its empty line. */
  position = 0;

  constructor(limits: HeadLimits, role: FieldRole) {
    this.#limits = limits;
    this.#role = role;
  }

  /** Forgets all lines. @param position where the first line starts */
  reset(position: number): void {
    this.#offsets = [];
    this.#contentLength = -1;
    this.#chunked = this.#close = this.#keepAlive = this.#connectionUpgrade = false;
    this.#expectContinue = this.#expectationUnknown = this.#forwarded = false;
    this.#hasLoneLf = false;
    this.#transferEncodings = this.#contentTypes = 0;
    this.#upgrade = undefined;
    this.#connectionOptions = NO_OPTIONS;
    this.#hostIndex = -1;
    this.position = position;
  }

  /** Moves all positions down, because the bytes before them were dropped. */
  shift(by: number): void {
    this.position -= by;
    for (let i = 0; i < this.#offsets.length; i++) this.#offsets[i] = (this.#offsets[i] ?? 0) - by;
  }

  /** Does the section speak of framing or of the host? A trailer section must not (RFC 9110 §6.5.1). */
  get framing(): boolean {
    return this.#contentLength >= 0 || this.#transferEncodings > 0 || this.#hostIndex >= 0;
  }

  /** Reads as many whole lines of `bytes[position, end)` as there are. */
  parse(bytes: Bytes, end: number): FieldParse {
    // A line's size counts its CRLF, as gunicorn's and nginx's limits do.
    const { fieldSizeMax: sizeMax, fieldCountMax: countMax } = this.#limits;
    const offsets = this.#offsets;
    let at = this.position;
    for (;;) {
      const nameStart = at;
      if (at >= end) return this.#need(nameStart);
      let byte = bytes[at] ?? 0;
      if (byte === CR) {
        if (at + 1 >= end) return this.#need(nameStart);
        if (bytes[at + 1] !== LF) return violation("bare_cr");
        this.position = at + 2;
        return "done";
      }
      if (byte === LF && this.#role !== "request") {
        this.#hasLoneLf = true;
        this.position = at + 1;
        return "done";
      }
      // RFC 9112 §5.2: a server that receives obs-fold MUST reject it or replace it; we reject.
      if (byte === SP || byte === HTAB) return violation("obs_fold");
      while (TOKEN[byte] === 1) {
        if (++at >= end) return at + 2 - nameStart > sizeMax ? violation("field_size", 431) : this.#need(nameStart);
        byte = bytes[at] ?? 0;
      }
      // RFC 9112 §5.1: no whitespace is allowed between the field name and colon.
      if (byte !== COLON || at === nameStart) {
        if (at + 2 - nameStart > sizeMax) return violation("field_size", 431);
        return violation(byte === LF && this.#role === "request" ? "bare_lf" : "field_name");
      }
      const nameEnd = at;
      let valueStart = at + 1;
      while (valueStart < end && (bytes[valueStart] === SP || bytes[valueStart] === HTAB)) valueStart++;
      at = valueStart;
      while (at < end && FIELD_VALUE[bytes[at] ?? 0] === 1) at++;
      // Before the byte is judged, so that it does not matter how much of the line came at once.
      if (at + 2 - nameStart > sizeMax) return violation("field_size", 431);
      if (at >= end) return this.#need(nameStart);
      byte = bytes[at] ?? 0;
      let valueEnd = at;
      if (byte === CR) {
        if (at + 1 >= end) return this.#need(nameStart);
        if (bytes[at + 1] !== LF) return violation("bare_cr");
        at += 2;
      } else if (byte === LF && this.#role !== "request") {
        this.#hasLoneLf = true;
        at++;
      } else {
        return violation(byte === LF ? "bare_lf" : "field_value");
      }
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
      if (offsets.length >= countMax * 4) return violation("field_count", 431);
      offsets.push(nameStart, nameEnd, valueStart, valueEnd);
      const refused = this.#interpret(bytes, nameStart, nameEnd, valueStart, valueEnd);
      if (refused !== undefined) return refused;
      this.position = at;
    }
  }

  /**
   * Judges the section as a whole (RFC 9112 §3.2, §6.1, §6.3) and makes it. Call after "done".
   * @param start where the section began in `bytes`
   * @param minorVersion of HTTP/1.x
   */
  finish(bytes: Bytes, start: number, minorVersion: number): FieldSection | Violation {
    // RFC 9112 §3.2: a server MUST respond with 400 to any HTTP/1.1 request that lacks a Host field.
    if (this.#hostIndex < 0 && minorVersion >= 1) return violation("host_missing");
    const faulty = this.#framingFault(minorVersion);
    if (faulty !== undefined) return faulty;
    if (this.#expectationUnknown && minorVersion >= 1) return violation("expectation", 417);
    const semantics: FieldSemantics = {
      contentLength: this.#contentLength,
      chunked: this.#chunked,
      close: this.#close,
      keepAlive: this.#keepAlive,
      expectContinue: this.#expectContinue && minorVersion >= 1,
      upgrade: this.#connectionUpgrade ? this.#upgrade : undefined,
      hostIndex: this.#hostIndex,
      forwarded: this.#forwarded,
    };
    const offsets = this.#offsets;
    for (let i = 0; i < offsets.length; i++) offsets[i] = (offsets[i] ?? 0) - start;
    return new FieldSection(copyBytes(bytes, start, this.position), offsets, semantics);
  }

  /** The same for a response. Call after "done"; then `lines` are its lines. @param minorVersion of HTTP/1.x */
  finishResponse({ minorVersion, hasLoneLf }: ResponseLine): ResponseSemantics | Violation {
    return this.#framingFault(minorVersion) ?? {
      contentLength: this.#contentLength,
      chunked: this.#chunked,
      close: this.#close || this.#hasLoneLf || hasLoneLf,
      keepAlive: this.#keepAlive,
      upgrade: this.#connectionUpgrade ? this.#upgrade : undefined,
      connectionOptions: this.#connectionOptions,
    };
  }

  /** The lines read so far, as text of one character a byte. @param bytes where they lie */
  lines(bytes: Bytes): readonly FieldLine[] {
    const offsets = this.#offsets;
    if (offsets.length === 0) return NO_LINES;
    const lines: FieldLine[] = [];
    for (let i = 0; i < offsets.length; i += 4) {
      lines.push([bytes.latin1Slice(offsets[i], offsets[i + 1]), bytes.latin1Slice(offsets[i + 2], offsets[i + 3])]);
    }
    return lines;
  }

  /** RFC 9112 §6.1, §6.3: one framing, and none that the version does not know. */
  #framingFault(minorVersion: number): Violation | undefined {
    if (this.#transferEncodings === 0) return undefined;
    // RFC 9112 §6.1: Transfer-Encoding in HTTP/1.0 MUST be treated as faulty framing.
    if (minorVersion === 0) return violation("transfer_encoding_version");
    return this.#contentLength >= 0 ? violation("length_and_transfer_encoding") : undefined;
  }

  #need(lineStart: number): "need-data" {
    this.position = lineStart;
    return "need-data";
  }

  /** Notes what one line means for the message. Names are told apart by their length first. */
  #interpret(bytes: Bytes, nameStart: number, nameEnd: number, start: number, end: number): Violation | undefined {
    switch (nameEnd - nameStart) {
      case 4:
        if (this.#role === "request" && isName(bytes, nameStart, "host")) return this.#host(bytes, start, end);
        return undefined;
      case 6:
        if (this.#role === "request" && isName(bytes, nameStart, "expect")) {
          if (bytes.latin1Slice(start, end).toLowerCase() === "100-continue") this.#expectContinue = true;
          else this.#expectationUnknown = true;
        }
        return undefined;
      case 7:
        if (isName(bytes, nameStart, "upgrade")) this.#addUpgrade(bytes.latin1Slice(start, end).toLowerCase());
        return undefined;
      case 10:
        if (isName(bytes, nameStart, "connection")) this.#connection(bytes.latin1Slice(start, end));
        return undefined;
      case 12:
        if (this.#role === "request" && isName(bytes, nameStart, "content-type") && ++this.#contentTypes > 1) {
          return violation("content_type_repeated");
        }
        return undefined;
      case 14:
        if (isName(bytes, nameStart, "content-length")) return this.#length(bytes, start, end);
        return undefined;
      case 15:
        this.#forwarded ||= isName(bytes, nameStart, "x-forwarded-for");
        return undefined;
      case 17:
        this.#forwarded ||= isName(bytes, nameStart, "x-forwarded-proto");
        if (isName(bytes, nameStart, "transfer-encoding")) return this.#transferEncoding(bytes, start, end);
        return undefined;
      default:
        return undefined;
    }
  }

  #host(bytes: Bytes, start: number, end: number): Violation | undefined {
    if (this.#hostIndex >= 0) return violation("host_repeated");
    this.#hostIndex = (this.#offsets.length >> 2) - 1;
    return isHost(bytes, start, end) ? undefined : violation("host_invalid");
  }

  /** RFC 9110 §5.3: lines of one name are one list. */
  #addUpgrade(value: string): void {
    this.#upgrade = this.#upgrade === undefined ? value : `${this.#upgrade}, ${value}`;
  }

  #connection(value: string): void {
    const options = splitList(value.toLowerCase());
    this.#connectionOptions = this.#connectionOptions.length === 0 ? options : [...this.#connectionOptions, ...options];
    for (const option of options) {
      switch (option) {
        case "close": this.#close = true; break;
        case "keep-alive": this.#keepAlive = true; break;
        case "upgrade": this.#connectionUpgrade = true; break;
      }
    }
  }

  /** RFC 9112 §6.3 (5): an invalid or repeated Content-Length is an unrecoverable error. */
  #length(bytes: Bytes, start: number, end: number): Violation | undefined {
    if (this.#contentLength >= 0) return violation("content_length_repeated");
    if (end === start || end - start > CONTENT_LENGTH_DIGITS_MAX) return violation("content_length_invalid");
    let length = 0;
    for (let at = start; at < end; at++) {
      const digit = (bytes[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) return violation("content_length_invalid");
      length = length * 10 + digit;
    }
    this.#contentLength = length;
    return undefined;
  }

  /** RFC 9112 §6.1: only `chunked`, once. Deviates: other codings are 400 rather than 501; so does no peer keep on. */
  #transferEncoding(bytes: Bytes, start: number, end: number): Violation | undefined {
    this.#transferEncodings++;
    if (this.#transferEncodings > 1 || end - start !== 7 || !isName(bytes, start, "chunked")) {
      return violation("transfer_encoding_invalid");
    }
    this.#chunked = true;
    return undefined;
  }
}

/** Is the token at `start` this name, whatever its case? The caller has compared the lengths. */
function isName(bytes: Bytes, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const expected = name.charCodeAt(i);
    const byte = bytes[start + i] ?? 0;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== expected) return false;
  }
  return true;
}

/** RFC 3986 §3.2.2 and RFC 9110 §7.2: uri-host, and a port of digits; no userinfo, no list, not empty. */
export function isHost(bytes: Bytes, start: number, end: number): boolean {
  if (start >= end || end - start > HOST_SIZE_MAX) return false;
  let at = start;
  if (bytes[at] === 0x5b /* [ */) {
    at = literalEnd(bytes, start, end);
    if (at < 0) return false;
  } else {
    for (; at < end && bytes[at] !== COLON; at++) {
      const byte = bytes[at] ?? 0;
      if (HOST[byte] === 0) return false;
      if (byte === 0x25 /* % */ && (at + 2 >= end || !isHex(bytes[at + 1]) || !isHex(bytes[at + 2]))) return false;
    }
    if (at === start) return false;
  }
  if (at === end) return true;
  if (bytes[at++] !== COLON || end - at > 5) return false;
  let port = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= PORT_MAX;
}

/** Where the literal that begins with the bracket at `start` has ended; -1 when it is none. */
function literalEnd(bytes: Bytes, start: number, end: number): number {
  let at = start + 1;
  if (((bytes[at] ?? 0) | 32) === 0x76 /* v */) {
    while (at < end && bytes[at] !== 0x5d /* ] */) at++;
    return at < end && isIpFuture(bytes.latin1Slice(start + 1, at)) ? at + 1 : -1;
  }
  while (at < end && IP_LITERAL[bytes[at] ?? 0] === 1) at++;
  // The shortest address is "::".
  return at >= start + 3 && at < end && bytes[at] === 0x5d ? at + 1 : -1;
}

function isHex(byte: number | undefined): boolean {
  return byte !== undefined && HEX[byte] !== 255;
}
