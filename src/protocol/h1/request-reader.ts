/**
 * The server's half of HTTP/1.1 as a pure machine: bytes in, events out (RFC 9112).
 *
 *   head ──request──▶ body ──data…end──▶ done ──startNextCycle()──▶ head
 *     └──violation──▶ failed                (a request without a body goes to done at once)
 *
 * One request at a time: what a client sends ahead is kept, untouched, until the response to the one
 * before is finished; so answers keep their order and nobody parses what may never be asked (pipelining).
 *
 * Invariant: bytes given to `receive` are only looked at during the calls of `next` that follow, before
 * the caller returns to the event loop; whatever must live longer was copied by `keepRest` (see Unread).
 */
import type { Bytes } from "../../std/bytes.ts";
import { bytesEqualAt } from "../../std/bytes.ts";
import { type FieldSection, NO_FIELDS } from "../../http/field-section.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { type FieldLine, NO_LINES } from "../../http/response-head.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import { FieldParser } from "./field-parser.ts";
import type { HeadLimits } from "./limits.ts";
import { parseRequestLine } from "./request-line.ts";
import type { RequestLine } from "./request-line.ts";
import type { SectionMemory } from "./section-memory.ts";
import { Unread } from "./unread.ts";
import { violation } from "./violation.ts";
import type { Violation } from "./violation.ts";

const CR = 13, LF = 10;
/** RFC 9112 §2.2: ignore at least one empty line before a request-line; more is somebody playing. */
const EMPTY_LINES_MAX = 4;

export interface DataEvent {
  readonly kind: "data";
  /** A view of what was received, valid until the next call. */
  readonly bytes: Bytes;
}
export interface EndEvent {
  readonly kind: "end";
  /** Of a chunked body (RFC 9112 §7.1.2). */
  readonly trailers: readonly FieldLine[];
}
/** "paused": the request is complete; call `startNextCycle` after its response. */
export type RequestEvent = RequestHead | DataEvent | EndEvent | Violation | "need-data" | "paused";

type State = "head" | "body-length" | "body-chunked" | "ending" | "done" | "failed";
const END: EndEvent = { kind: "end", trailers: NO_LINES };

export class RequestReader {
  readonly #limits: HeadLimits;
  readonly #memory: SectionMemory;
  #state: State = "head";
  readonly #input: Unread = new Unread();
  #emptyLines = 0;
  /** A request line whose fields are not all there yet. */
  #line: RequestLine | undefined = undefined;
  #fields: FieldParser | undefined = undefined;
  #bodyLeft = 0;
  #chunked: ChunkedReader | undefined = undefined;
  /** Size of this connection's last field section: the next one is probably the same. */
  #sectionSize = 0;

  constructor(limits: HeadLimits, memory: SectionMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  /** Is nothing of a next request there? (An idle connection may be closed without a word.) */
  get idle(): boolean {
    return this.#state === "head" && this.#line === undefined && this.#input.isEmpty;
  }

  /** Bytes kept for later: of an unfinished head or of requests sent ahead. */
  get pendingSize(): number {
    return this.#input.size;
  }

  /** Gives the machine more bytes; read them with `next` until it asks for more. */
  receive(bytes: Bytes): void {
    this.#rebase(this.#input.add(bytes));
  }

  /** Copies what is not read yet, because the memory given to `receive` is about to be used again. */
  keepRest(): void {
    this.#rebase(this.#input.keep());
  }

  /** The next event. After "need-data" give more; after "paused" start the next cycle. */
  next(): RequestEvent {
    switch (this.#state) {
      case "head": return this.#readHead();
      case "body-length": return this.#readLength();
      case "body-chunked": return this.#readChunked();
      case "ending":
        this.#state = "done";
        return END;
      case "done":
      case "failed": return "paused";
    }
  }

  /** What is known of a request that was refused: its line, if that was read; nothing of its fields. */
  get refused(): RequestHead {
    const { method = "", target = "", path = "", query = "", authority, minorVersion = 1 } = this.#line ?? {};
    return {
      kind: "request", method, target, path, query, authority, minorVersion, fields: NO_FIELDS, hasBody: false,
      persistent: false,
    };
  }

  /** The response is finished: read the next request. */
  startNextCycle(): void {
    this.#state = "head";
    this.#emptyLines = 0;
    this.#chunked = undefined;
  }

  /** Gives up what was sent behind the request: the connection goes on in another protocol (RFC 9110 §7.8). */
  takeRest(): Bytes {
    this.#state = "failed";
    return this.#input.take();
  }

  #readHead(): RequestEvent {
    let line = this.#line;
    if (line === undefined) {
      const skipped = this.#skipEmptyLines();
      if (skipped !== undefined) return skipped === "need-data" ? skipped : this.#fail(skipped);
      if (this.#input.isEmpty) return "need-data";
      const { bytes, at, end } = this.#input;
      const parsed = parseRequestLine(bytes, at, end, this.#limits.requestLineSizeMax);
      if (parsed === "need-data") return parsed;
      if ("kind" in parsed) return this.#fail(parsed);
      line = parsed;
      const known = line.minorVersion === 1 ? this.#knownSection(line.end) : undefined;
      if (known !== undefined) {
        const size = line.end - at + known.bytes.length;
        return size > this.#limits.headSizeMax ? this.#fail(violation("head_size", 431)) : this.#begin(line, known);
      }
      this.#line = line;
      this.#fields ??= new FieldParser(this.#limits, "request");
      this.#fields.reset(line.end);
    }
    const fields = this.#fields;
    if (fields === undefined) return "need-data";
    // Nothing beyond the bound is looked at, so that it does not matter how much of the head came at once.
    const bound = this.#input.at + this.#limits.headSizeMax;
    const parsed = fields.parse(this.#input.bytes, Math.min(this.#input.end, bound));
    if (parsed === "need-data") return this.#input.end > bound ? this.#fail(violation("head_size", 431)) : parsed;
    if (parsed !== "done") return this.#fail(parsed);
    const read = fields.finish(this.#input.bytes, line.end, line.minorVersion);
    if ("kind" in read) return this.#fail(read);
    const section = this.#memory.remember(read, line.minorVersion);
    this.#sectionSize = section.bytes.length;
    this.#line = this.#fields = undefined;
    return this.#begin(line, section);
  }

  /** A client that keeps its connection mostly repeats its fields: then one comparison replaces the reading. */
  #knownSection(start: number): FieldSection | undefined {
    const size = this.#sectionSize;
    if (size === 0 || start + size > this.#input.end) return undefined;
    const section = this.#memory.find(this.#input.bytes, start, size);
    return section !== undefined && bytesEqualAt(this.#input.bytes, start, section.bytes) ? section : undefined;
  }

  #begin(line: RequestLine, fields: FieldSection): RequestHead {
    const { contentLength, chunked, close, keepAlive } = fields.semantics;
    this.#input.at = line.end + fields.bytes.length;
    const hasBody = chunked || contentLength > 0;
    if (chunked) {
      this.#state = "body-chunked";
      this.#chunked = new ChunkedReader(this.#limits);
    } else if (contentLength > 0) {
      this.#state = "body-length";
      this.#bodyLeft = contentLength;
    } else {
      this.#state = "done";
    }
    return {
      kind: "request",
      method: line.method,
      target: line.target,
      path: line.path,
      query: line.query,
      authority: line.authority,
      minorVersion: line.minorVersion,
      fields,
      hasBody,
      // RFC 9112 §9.3: close wins; HTTP/1.0 persists only when it asks for it.
      persistent: !close && (line.minorVersion >= 1 || keepAlive),
    };
  }

  #readLength(): RequestEvent {
    const take = Math.min(this.#bodyLeft, this.#input.size);
    if (take === 0) return "need-data";
    this.#bodyLeft -= take;
    if (this.#bodyLeft === 0) this.#state = "ending";
    return { kind: "data", bytes: this.#input.view(take) };
  }

  #readChunked(): RequestEvent {
    const chunked = this.#chunked;
    if (chunked === undefined) return "need-data";
    const input = this.#input;
    const step = chunked.step(input.bytes, input.at, input.end);
    if (typeof step === "object") return this.#fail(step);
    input.at = chunked.position;
    if (step === "need-data") return step;
    if (step === "data") return { kind: "data", bytes: input.bytes.subarray(chunked.dataStart, chunked.dataEnd) };
    this.#state = "done";
    const trailers = chunked.trailers(input.bytes);
    return trailers.length === 0 ? END : { kind: "end", trailers };
  }

  #skipEmptyLines(): Violation | "need-data" | undefined {
    const input = this.#input;
    while (input.at < input.end && input.bytes[input.at] === CR) {
      if (input.at + 1 >= input.end) return "need-data";
      if (input.bytes[input.at + 1] !== LF || ++this.#emptyLines > EMPTY_LINES_MAX) return violation("request_line");
      input.at += 2;
    }
    return undefined;
  }

  #fail(refused: Violation): Violation {
    this.#state = "failed";
    this.#input.drop();
    return refused;
  }

  /** All positions move when the bytes before the rest are dropped. */
  #rebase(by: number): void {
    if (by === 0) return;
    if (this.#line !== undefined) this.#line = { ...this.#line, end: this.#line.end - by };
    this.#fields?.shift(by);
  }
}
