/**
 * The writing half of an HTTP/1.1 connection: heads, framing and bodies onto the stream.
 *
 * It knows one response at a time and how much of its body is still due; when a response may be the last of its
 * connection, and what happens next, is the connection's affair.
 */
import type { HttpSettings } from "../config/model.ts";
import { filterHeaders } from "../filters/index.ts";
import type { FieldLine, PreparedHead, ResponseHead } from "../http/response-head.ts";
import { mayHaveBody } from "../http/status.ts";
import type { ByteStream } from "../net/index.ts";
import {
  LAST_CHUNK, chooseFraming, formatChunkSize, formatHeadLines, formatTrailers,
} from "../protocol/h1/index.ts";
import type { BodyFraming, ReadyText } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { SentExchange } from "./response-channel.ts";

/** Up to this size a body is written as text together with its head: one call, no buffer. */
const INLINE_SIZE_MAX = 16_384;
const NO_FRAMING: BodyFraming = { kind: "none" };

export class H1Writer {
  readonly #context: EdgeContext;
  readonly #stream: ByteStream;
  #framing: BodyFraming = NO_FRAMING;
  /** Bytes between those of the body, so far. */
  framingSize = 0;
  /** Bytes of the body that the framing still expects. */
  #bodyLeft = 0;
  /** The head that `begin` made and the first write takes along: status line and fields, and what ends it. */
  #lines = "";
  #after = "";

  constructor(context: EdgeContext, stream: ByteStream) {
    this.#context = context;
    this.#stream = stream;
  }

  /** Bytes that were promised by Content-Length and not written. */
  get missingSize(): number {
    return this.#framing.kind === "length" ? this.#bodyLeft : 0;
  }

  /** Bytes of the head that `begin` made. */
  get headSize(): number {
    return this.#lines.length + this.#after.length;
  }

  /** Does the body go as it is, neither chunked nor left out? */
  get isPlainBody(): boolean {
    return this.#framing.kind === "length" || this.#framing.kind === "close";
  }

  /** Is there no body to this response, whatever is given for one? */
  get hasNoBody(): boolean {
    return this.#framing.kind === "none";
  }

  /**
   * Prepares a response's head; it leaves with what is written next.
   * @param length size of the body in bytes where it is known, else −1
   * @param persistent may another request follow on this connection?
   * @returns the same after the framing was chosen: a body that ends with the connection ends it
   */
  begin(exchange: SentExchange, head: ResponseHead, length: number, persistent: boolean): boolean {
    const { head: request, http } = exchange;
    const { lines, needsDate } = prepare(head, http);
    const mayChunk = http.chunkedTransferEncoding ? request.minorVersion : 0;
    const framing = chooseFraming(head, mayHaveBody(request.method, head.status), mayChunk, length);
    this.#framing = framing;
    this.framingSize = 0;
    const stays = persistent && framing.kind !== "close";
    this.#lines = lines;
    if (framing.kind === "length") this.#bodyLeft = framing.length;
    const isUsual = needsDate && stays && request.minorVersion === 1 && http.keepaliveHeaderMs === 0;
    if (isUsual && framing.kind === "length" && head.contentLength >= 0) {
      this.#after = this.#context.clock.headEnd;
      return true;
    }
    let after = needsDate ? this.#context.clock.dateLine : "";
    if (framing.kind === "length" && head.contentLength < 0) after += `Content-Length: ${framing.length}\r\n`;
    else if (framing.kind === "chunked") after += "Transfer-Encoding: chunked\r\n";
    if (!stays) after += "Connection: close\r\n";
    else if (request.minorVersion === 0) after += "Connection: keep-alive\r\n";
    const aliveS = Math.floor(http.keepaliveHeaderMs / 1000);
    if (stays && aliveS > 0) after += `Keep-Alive: timeout=${aliveS}\r\n`;
    this.#after = `${after}\r\n`;
    return stays;
  }

  /** Writes a body that never changes, without a copy. @param text room for head and body as one */
  ready(body: Bytes, text: ReadyText | undefined): number {
    if (this.#framing.kind !== "length") return this.whole(body, 0, body.length);
    const lines = this.#lines;
    const after = this.#after;
    this.#lines = this.#after = "";
    this.#bodyLeft = 0;
    if (text !== undefined) {
      this.#stream.writeLatin1(text.of(lines, after, body));
    } else {
      this.#stream.cork();
      this.#stream.writeLatin1(lines + after);
      if (body.length > 0) this.#stream.writeBytes(body);
      this.#stream.uncork();
    }
    return body.length;
  }

  /** Writes a part of a plain body, which stays as it is until `taken` is called. */
  raw(bytes: Bytes, taken: () => void): void {
    this.passed(bytes.length);
    this.#stream.writeBytes(bytes, taken);
  }

  /** So many bytes of a plain body went past this writer. */
  passed(size: number): void {
    if (this.#framing.kind === "length") this.#bodyLeft -= size;
  }

  /** Writes head and body, which is `bytes[start, end)`. @returns bytes of the body that were written */
  whole(bytes: Bytes, start: number, end: number): number {
    const text = this.#lines + this.#after;
    this.#lines = this.#after = "";
    const size = this.#framing.kind === "none" ? 0 : Math.min(end - start, this.#bodyLeft);
    this.#bodyLeft -= size;
    if (size <= INLINE_SIZE_MAX) {
      this.#stream.writeLatin1(size === 0 ? text : text + bytes.latin1Slice(start, start + size));
    } else {
      this.#writeCorked(text, bytes, start, start + size, "");
    }
    return size;
  }

  /** Writes the head, and the first bytes of the body if there are any. @returns bytes of the body that were written */
  start(bytes: Bytes, start: number, end: number): number {
    const text = this.#lines + this.#after;
    this.#lines = this.#after = "";
    this.#stream.cork();
    this.#stream.writeLatin1(text);
    const size = end > start ? this.chunk(bytes, start, end) : 0;
    this.#stream.uncork();
    return size;
  }

  /** Writes a part of the body; what is beyond its length is dropped. @returns bytes of the body that were written */
  chunk(bytes: Bytes, start: number, end: number): number {
    const framing = this.#framing.kind;
    const size = framing === "length" ? Math.min(end - start, this.#bodyLeft) : end - start;
    if (size === 0 || framing === "none") return 0;
    if (framing === "length") this.#bodyLeft -= size;
    const opening = framing === "chunked" ? formatChunkSize(size) : "";
    const closing = framing === "chunked" ? "\r\n" : "";
    this.framingSize += opening.length + closing.length;
    if (size <= INLINE_SIZE_MAX) {
      this.#stream.writeLatin1(opening + bytes.latin1Slice(start, start + size) + closing);
    } else {
      this.#writeCorked(opening, bytes, start, start + size, closing);
    }
    return size;
  }

  /** Ends the body (RFC 9112 §7.1 for chunked; otherwise its length has said it). */
  end(trailers: readonly FieldLine[]): void {
    if (this.#framing.kind !== "chunked") return;
    const text = trailers.length === 0 ? LAST_CHUNK : formatTrailers(trailers);
    this.framingSize += text.length;
    this.#stream.writeLatin1(text);
  }

  /**
   * Writes 101 (RFC 9110 §15.2.2), behind which another protocol begins.
   * @param head the application's fields @param fields those of the new protocol
   * @returns bytes that were written
   */
  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], http: HttpSettings): number {
    const { lines, needsDate } = prepare(head, http);
    let text = needsDate ? lines + this.#context.clock.dateLine : lines;
    for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
    this.#stream.writeLatin1(`${text}\r\n`);
    return text.length + 2;
  }

  #writeCorked(before: string, bytes: Bytes, start: number, end: number, after: string): void {
    this.#stream.cork();
    if (before !== "") this.#stream.writeLatin1(before);
    this.#stream.writeBytes(this.#context.copies.copy(bytes, start, end));
    if (after !== "") this.#stream.writeLatin1(after);
    this.#stream.uncork();
    // Once the kernel has taken everything, the copy is free for others.
    if (this.#stream.queuedSize === 0) this.#context.copies.release();
  }
}

/** The head's text under these settings, made once for all responses that have it. */
function prepare(head: ResponseHead, http: HttpSettings): PreparedHead {
  const { prepared } = head;
  if (prepared !== undefined && prepared.settings === http) return prepared;
  const { fields, needsDate } = filterHeaders(head, http);
  return (head.prepared = { lines: formatHeadLines(head.status, head.reason, fields), needsDate, settings: http });
}
