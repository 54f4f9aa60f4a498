/**
 * The client's half of HTTP/1.1 as a pure machine: bytes in, events out (RFC 9112); RequestReader's mirror, with the
 * same fields, framing and chunks.
 *
 *   done ──expect()──▶ head ──response──▶ body ──data…──▶ ending ──end──▶ done
 *                       │ └──101──▶ switched    (a response without a body goes to ending at once)
 *                       └──violation──▶ failed
 *
 * A script's response (RFC 3875 §6, by way of uwsgi or FastCGI) is read by the same machine: its head may begin with
 * fields, and its connection carries nothing else. So does that of a server whose lines end with LF.
 *
 * Invariant: as RequestReader's.
 */
import type { Bytes } from "../../std/bytes.ts";
import { bytesEqualAt, fromLatin1 } from "../../std/bytes.ts";
import { mayHaveBody } from "../../http/status.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import { FieldParser } from "./field-parser.ts";
import type { HeadLimits } from "./limits.ts";
import { ReceivedHead } from "./received-head.ts";
import type { ResponseMemory } from "./response-memory.ts";
import { scriptStatus } from "./script-status.ts";
import { Unread } from "./unread.ts";
import { beginsStatusLine, parseStatusLine } from "./status-line.ts";
import type { StatusLine } from "./status-line.ts";
import type { ResponseEndEvent, ResponseEvent, UpstreamReader } from "./upstream-reader.ts";
import { violation } from "./violation.ts";
import type { Violation, ViolationReason } from "./violation.ts";

/** Informational responses before the response (FreeUnit and others looped without a bound). */
export const INFORMATIONAL_COUNT_MAX = 8;
const HEAD_END = fromLatin1("\r\n\r\n");

type State =
  | "head" | "body-length" | "body-chunked" | "body-close" | "ending" | "done" | "switched" | "failed";
const END: ResponseEndEvent = { kind: "end", trailers: [] };

export class ResponseReader implements UpstreamReader {
  readonly #limits: HeadLimits;
  readonly #memory: ResponseMemory;
  readonly #role: "response" | "script";
  #state: State = "done";
  #method = "GET";
  readonly #input: Unread = new Unread();
  /** A status line whose fields are not all there yet. */
  #line: StatusLine | undefined = undefined;
  #fields: FieldParser | undefined = undefined;
  #bodyLeft = 0;
  #chunked: ChunkedReader | undefined = undefined;
  #informationalCount = 0;
  #begun = false;
  #inputEnded = false;
  #persistent = true;
  /** Has an informational response said that the connection carries nothing else? */
  #closing = false;
  /** This connection's last head, if it is remembered: the next one is probably the same. */
  #last: ReceivedHead | undefined = undefined;

  /**
   * @param memory heads of other connections with the same server or with others
   * @param role "script": the head may begin with fields, Status among them (RFC 3875 §6)
   */
  constructor(limits: HeadLimits, memory: ResponseMemory, role: "response" | "script" = "response") {
    this.#limits = limits;
    this.#memory = memory;
    this.#role = role;
  }

  get reusable(): boolean {
    return this.#state === "done" && this.#persistent && !this.#inputEnded && this.#input.isEmpty;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get pendingSize(): number {
    return this.#input.size;
  }

  expect(method: string): void {
    this.#method = method;
    this.#begun = false;
    this.#informationalCount = 0;
    this.#chunked = undefined;
    this.#closing = false;
    // Bytes that came before the request answer nothing that was asked: `next` refuses them.
    if (this.#state === "done" && this.#input.isEmpty) this.#state = "head";
  }

  receive(bytes: Bytes): void {
    if (bytes.length > 0) this.#begun = true;
    this.#rebase(this.#input.add(bytes));
  }

  keepRest(): void {
    this.#rebase(this.#input.keep());
  }

  inputEnded(): void {
    this.#inputEnded = true;
  }

  next(): ResponseEvent {
    const event = this.#read();
    if (event !== "need-data" || !this.#inputEnded) return event;
    // RFC 9112 §8: a response that ends before its framing says so is incomplete.
    if (this.#state !== "body-close") return this.#fail("response_incomplete");
    this.#state = "done";
    return END;
  }

  takeRest(): Bytes {
    this.#state = "failed";
    return this.#input.take();
  }

  #read(): ResponseEvent {
    switch (this.#state) {
      case "head": return this.#readHead();
      case "body-length": return this.#readLength();
      case "body-chunked": return this.#readChunked();
      case "body-close": return this.#take(this.#input.size);
      case "ending":
        this.#state = "done";
        return END;
      case "done": return this.#input.isEmpty ? "paused" : this.#fail("response_unexpected");
      case "switched":
      case "failed": return "paused";
    }
  }

  #readHead(): ResponseEvent {
    if (this.#input.isEmpty) return "need-data";
    // Nothing beyond the bound is looked at, so that it does not matter how much of the head came at once.
    const bound = this.#input.at + this.#limits.headSizeMax;
    const end = Math.min(this.#input.end, bound);
    let line = this.#line;
    if (line === undefined) {
      const known = this.#knownHead();
      if (known !== undefined) return this.#begin(known);
      const parsed = this.#readStatusLine(end);
      if (parsed === "need-data") return this.#input.end > bound ? this.#fail("head_size") : parsed;
      if ("kind" in parsed) return this.#fail(parsed.reason);
      this.#line = line = parsed;
      this.#fields ??= new FieldParser(this.#limits, this.#role);
      this.#fields.reset(line.end);
    }
    const fields = this.#fields;
    if (fields === undefined) return "need-data";
    const parsed = fields.parse(this.#input.bytes, end);
    if (parsed === "need-data") return this.#input.end > bound ? this.#fail("head_size") : parsed;
    if (parsed !== "done") return this.#fail(parsed.reason);
    this.#line = undefined;
    const head = this.#makeHead(line, fields);
    return head.kind === "violation" ? this.#fail(head.reason) : this.#begin(head);
  }

  /** A script that writes no status line says its status in a field. */
  #readStatusLine(end: number): StatusLine | Violation | "need-data" {
    const { bytes, at } = this.#input;
    if (this.#role === "script") {
      const begins = beginsStatusLine(bytes, at, end);
      if (begins === "need-data") return begins;
      if (!begins) return { status: 0, reason: "", minorVersion: 1, end: at, hasLoneLf: false };
    }
    return parseStatusLine(bytes, at, end);
  }

  #makeHead(line: StatusLine, fields: FieldParser): ReceivedHead | Violation {
    const semantics = fields.finishResponse(line);
    if ("kind" in semantics) return semantics;
    const lines = fields.lines(this.#input.bytes);
    const status = line.status === 0 ? scriptStatus(lines) : line;
    if (status === undefined) return violation("status_field", 502);
    const { minorVersion } = line;
    const size = fields.position - this.#input.at;
    const head = new ReceivedHead({ ...status, minorVersion }, lines, semantics, size, this.#role);
    const kept = this.#memory.remember(this.#input.bytes, this.#input.at, head);
    // Only one that is kept has its bytes to compare with.
    if (kept.bytes !== undefined) this.#last = kept;
    return kept;
  }

  /** A server mostly repeats itself: then one comparison replaces the reading. */
  #knownHead(): ReceivedHead | undefined {
    const { bytes, at } = this.#input;
    const last = this.#last;
    // It was judged by this reader, so by its bounds.
    if (last?.bytes !== undefined && bytesEqualAt(bytes, at, last.bytes)) return last;
    const emptyLine = bytes.indexOf(HEAD_END, at);
    if (emptyLine < 0) return undefined;
    const head = this.#memory.find(bytes, at, emptyLine + HEAD_END.length - at);
    if (head === undefined || !head.fits(this.#limits, this.#role)) return undefined;
    this.#last = head;
    return head;
  }

  #begin(head: ReceivedHead): ResponseEvent {
    const { status } = head;
    this.#input.at += head.size;
    this.#closing ||= head.close;
    if (status < 200 && status !== 101) {
      if (++this.#informationalCount > INFORMATIONAL_COUNT_MAX) return this.#fail("informational_count");
      return { kind: "informational", status, lines: head.lines };
    }
    // RFC 9112 §9.3: close wins; HTTP/1.0 persists only when it says so.
    this.#persistent = this.#role === "response" && !this.#closing && (head.minorVersion >= 1 || head.keepAlive);
    // RFC 9112 §6.3, in its order.
    if (status === 101) {
      this.#state = "switched";
    } else if (!mayHaveBody(this.#method, status)) {
      this.#state = "ending";
    } else if (this.#method === "CONNECT" && status < 300) {
      // What follows is no HTTP, whatever the fields say.
      this.#state = "body-close";
      this.#persistent = false;
    } else if (head.chunked) {
      this.#state = "body-chunked";
      this.#chunked = new ChunkedReader(this.#limits);
    } else if (head.contentLength >= 0) {
      this.#state = head.contentLength === 0 ? "ending" : "body-length";
      this.#bodyLeft = head.contentLength;
    } else {
      this.#state = "body-close";
      this.#persistent = false;
    }
    return head;
  }

  #readLength(): ResponseEvent {
    const take = Math.min(this.#bodyLeft, this.#input.size);
    this.#bodyLeft -= take;
    if (this.#bodyLeft === 0) this.#state = "ending";
    return this.#take(take);
  }

  #take(size: number): ResponseEvent {
    if (size === 0) return "need-data";
    return { kind: "data", bytes: this.#input.view(size) };
  }

  #readChunked(): ResponseEvent {
    const chunked = this.#chunked;
    if (chunked === undefined) return "need-data";
    const input = this.#input;
    const step = chunked.step(input.bytes, input.at, input.end);
    if (typeof step === "object") return this.#fail(step.reason);
    input.at = chunked.position;
    if (step === "need-data") return step;
    if (step === "data") return { kind: "data", bytes: input.bytes.subarray(chunked.dataStart, chunked.dataEnd) };
    this.#state = "done";
    const trailers = chunked.trailers(input.bytes);
    return trailers.length === 0 ? END : { kind: "end", trailers };
  }

  #fail(reason: ViolationReason): Violation {
    this.#state = "failed";
    this.#input.drop();
    return violation(reason, 502);
  }

  /** All positions move when the bytes before the rest are dropped. */
  #rebase(by: number): void {
    if (by === 0 || this.#line === undefined) return;
    this.#line = { ...this.#line, end: this.#line.end - by };
    this.#fields?.shift(by);
  }
}
