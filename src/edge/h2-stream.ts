/**
 * One stream of an HTTP/2 connection, for as long as it is open: where its exchange's response goes, and where the body
 * of its request comes from.
 *
 * The engine has the stream's windows and what waits for them; when the row is another's, nothing is sent any more.
 */
import type { HttpSettings } from "../config/model.ts";
import { type FieldLine, ResponseHead } from "../http/response-head.ts";
import { mayHaveBody } from "../http/status.ts";
import type { BodySink } from "../net/index.ts";
import type { ReadyText } from "../protocol/h1/index.ts";
import { ErrorCode, FRAME_HEADER_SIZE, encodeBlock } from "../protocol/h2/index.ts";
import type { H2Engine, StreamOwner } from "../protocol/h2/index.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { Successor } from "./connection-owner.ts";
import type { Exchange } from "./exchange.ts";
import { fieldsBlock } from "./h2-shared.ts";
import type { StreamConnection } from "./h2-stream-connection.ts";
import { H2Tunnel } from "./h2-tunnel.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** RFC 9110 §15.2.1 */
const CONTINUE = 100;
/** RFC 9110 §15.5.1 */
const BAD_REQUEST = 400;
/** How long the rest of a request may still come behind its response, before its client is told to stop. */
const LINGER_MS = 200;
/** RFC 8441 §5: what the handshake of HTTP/1.1 has of its own. */
const handshakeNames: ReadonlySet<string> = new Set(["connection", "upgrade", "sec-websocket-accept"]);
/** No row: the stream is closed. */
const GONE = -1;

export class H2Stream implements ResponseChannel, StreamOwner {
  readonly #connection: StreamConnection<H2Stream>;
  readonly isWebSocket: boolean;
  #row: number;
  /** Is it to be told at the end of this read? */
  isFed = false;
  /** Whose it is, until its response is complete. */
  exchange: Exchange | undefined = undefined;
  /** In force for it: those of its location. */
  http: HttpSettings;
  /** Bytes of the response's body that were promised and have not come; infinite where none were promised. */
  #left = 0;
  #hasNoBody = false;
  #continueSent = false;
  /** Set when another protocol has begun on the stream. */
  #tunnel: H2Tunnel | undefined = undefined;
  #successor: Successor | undefined = undefined;
  /** What came before that. */
  #early: Bytes[] | undefined = undefined;
  #isPaused = false;
  /** The body is not wanted any more: what still comes of it is dropped, and its answer may take its time. */
  #isRefused = false;
  /** Bytes that came while nobody wanted more. */
  #withheld = 0;
  /** When the last bytes of the body came; when the last that waited were sent, and how many until then. */
  heardMs: number;
  #sentMs = 0;
  /** When it was not yet complete. */
  #endedMs: number;
  #taken = 0;

  /** @param isWebSocket was it an extended CONNECT? */
  constructor(connection: StreamConnection<H2Stream>, row: number, http: HttpSettings, isWebSocket: boolean) {
    this.isWebSocket = isWebSocket;
    this.#connection = connection;
    this.#row = row;
    this.http = http;
    this.heardMs = this.#endedMs = connection.context.clock.coarseMs;
  }

  get queuedSize(): number {
    return this.#row === GONE ? 0 : this.#connection.engine.sender.queuedSize(this.#row);
  }

  // What the client sends.

  /** Bytes of the body: a view, valid during the call. */
  onData(bytes: Bytes): void {
    const { engine, context } = this.#connection;
    const row = this.#row;
    this.heardMs = context.clock.coarseMs;
    const { exchange } = this;
    if (this.#tunnel !== undefined) return this.#tunnel.onData(bytes);
    if (exchange === undefined || this.#isRefused) return engine.receiver.discard(row, bytes.length);
    // Before it is accepted; its window is the bound.
    if (this.isWebSocket) return void (this.#early ??= []).push(copyBytes(bytes));
    const upload = exchange.upload;
    if ((upload?.size ?? 0) + bytes.length > exchange.bodySizeMax) {
      engine.receiver.discard(row, bytes.length);
      return this.#refuse(exchange, 413);
    }
    upload?.data(bytes);
    // All that has come may have been asked for within the call, or the stream be gone.
    if (this.#row === GONE) return;
    this.#connection.feeds(this);
    if (this.#isPaused) this.#withheld += bytes.length;
    else engine.receiver.consume(row, bytes.length);
  }

  /** Nothing more has come for now. */
  onReadEnd(): void {
    this.isFed = false;
    const upload = this.exchange?.upload;
    if (upload !== undefined && this.#row !== GONE && this.#connection.engine.isReceiving(this.#row)) upload.pause();
  }

  onEnd(trailers: readonly FieldLine[]): void {
    if (this.#tunnel !== undefined) return this.#tunnel.onEnd();
    if (this.isWebSocket) {
      this.#reset(ErrorCode.CANCEL);
      return this.abandon();
    }
    this.exchange?.upload?.end(trailers);
  }

  /** What came makes its request malformed (RFC 9113 §8.1.1): the stream is about to be reset. */
  onMalformed(): void {
    const { exchange } = this;
    if (exchange !== undefined) {
      exchange.isMalformed = true;
      this.#refuse(exchange, BAD_REQUEST);
    }
    this.abandon();
  }

  /** The server ends. */
  drain(idleMs: number): void {
    this.exchange?.drain();
    this.#successor?.drain(idleMs);
  }

  /** Nobody waits for the response any more. */
  abandon(): void {
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.abandon();
    this.#tunnel?.onFreed();
  }

  // What the engine tells.

  onDrained(): void {
    this.exchange?.out.drained();
    this.#tunnel?.onDrained();
  }

  onFreed(): void {
    this.#row = GONE;
    this.#tunnel?.onFreed();
    this.#connection.onStreamClosed(this);
  }

  /** Looks at the stream's deadlines. */
  tick(nowMs: number): void {
    const { engine } = this.#connection;
    const { exchange } = this;
    const isReceiving = exchange?.upload !== undefined && !this.#isRefused && engine.isReceiving(this.#row);
    if (isReceiving && !this.#isPaused && nowMs - this.heardMs > this.http.clientBodyTimeoutMs) {
      return this.#refuse(exchange, 408);
    }
    if (!engine.isLingering(this.#row)) this.#endedMs = nowMs;
    else if ( nowMs - this.#endedMs > LINGER_MS) {
      return this.#reset(ErrorCode.NO_ERROR);
    }
    const { waits, taken } = engine.sender.progress(this.#row);
    if (!waits || taken !== this.#taken || this.#sentMs === 0) {
      this.#taken = taken;
      this.#sentMs = nowMs;
    } else if (nowMs - this.#sentMs > this.http.sendTimeoutMs) {
      this.#reset(ErrorCode.CANCEL);
      this.abandon();
    }
  }

  // What the exchange says.

  sendWhole(exchange: SentExchange, head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    const size = this.#start(exchange, head, end - start);
    if (size > 0) this.#engine?.sender.data(this.#row, bytes, start, start + size, this.#left === 0);
    this.#sent(exchange, size);
    this.#checkLength(exchange);
  }

  sendReady(exchange: SentExchange, head: ResponseHead, body: Bytes, _text: ReadyText | undefined): void {
    const size = this.#start(exchange, head, body.length);
    if (size > 0) this.#engine?.sender.keep(this.#row, body, 0, size, this.#left === 0);
    this.#sent(exchange, size);
    this.#checkLength(exchange);
  }

  sendStart(
    exchange: SentExchange, head: ResponseHead, length: number, bytes: Bytes, start: number, end: number,
  ): void {
    this.#answer(exchange, head, length, this.#hasNoBodyFor(exchange, head));
    if (end > start) this.sendChunk(exchange, bytes, start, end);
  }

  bodySink(exchange: SentExchange): BodySink | undefined {
    return this.#hasNoBody ? undefined : new StreamSink(this, exchange);
  }

  sendChunk(exchange: SentExchange, bytes: Bytes, start: number, end: number): void {
    if (this.#hasNoBody) return;
    const size = Math.min(end - start, this.#left);
    this.#left -= size;
    if (size > 0) this.#engine?.sender.data(this.#row, bytes, start, start + size, false);
    this.#sent(exchange, size);
  }

  /** A part of a body from memory that stays as it is. @param taken called later, when it is needed no more */
  sendPart(exchange: SentExchange, bytes: Bytes, taken: () => void): void {
    const engine = this.#engine;
    const size = Math.min(bytes.length, this.#left);
    this.#left -= size;
    // Never within the call: whoever writes in a loop would go deeper with each part.
    const later = (): void => void setImmediate(taken);
    if (engine === undefined || engine.sender.keep(this.#row, bytes, 0, size, false, later)) later();
    this.#sent(exchange, size);
  }

  /** Calls `begin` when the body of a file may be read. */
  whenWanted(begin: () => void): void {
    const engine = this.#engine;
    if (engine === undefined) return;
    engine.sender.whenWanted(this.#row, begin);
    this.#connection.touch();
  }

  sendEnd(exchange: SentExchange, trailers: readonly FieldLine[]): void {
    if (this.#hasNoBody) return;
    if (this.#left > 0 && this.#left !== Number.POSITIVE_INFINITY) return this.#checkLength(exchange);
    const block = trailers.length === 0 ? undefined : encodeBlock(trailers);
    exchange.framingSize += block === undefined ? 0 : block.length + FRAME_HEADER_SIZE;
    this.#engine?.sender.end(this.#row, block);
    this.#connection.touch();
  }

  sendInformational(_exchange: SentExchange, status: number, fields: readonly FieldLine[]): void {
    this.#engine?.sender.headers(this.#row, fieldsBlock(status, fields), NO_BYTES, false);
    this.#connection.touch();
  }

  sendContinue(): void {
    if (this.#continueSent) return;
    this.#continueSent = true;
    this.#engine?.sender.headers(this.#row, fieldsBlock(CONTINUE), NO_BYTES, false);
    this.#connection.touch();
  }

  /** RFC 8441 §5: 200 and no 101, and what follows in both directions is the successor's. */
  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], successor: Successor): void {
    const { exchange } = this;
    if (exchange === undefined || !this.isWebSocket) return this.#reset(ErrorCode.INTERNAL_ERROR);
    const own = [...head.fields, ...fields].filter(([name]) => !handshakeNames.has(name.toLowerCase()));
    this.#head(exchange, new ResponseHead(200, "", own), -1, false);
    this.exchange = undefined;
    const tunnel = new H2Tunnel(this.#connection, this.#row, (error) => this.#reset(error));
    this.#tunnel = tunnel;
    const early = this.#early === undefined ? NO_BYTES : concatBytes(this.#early);
    this.#early = undefined;
    this.#successor = successor;
    successor.start(tunnel, early, this.#connection.successors);
    this.#engine?.receiver.consume(this.#row, early.length);
  }

  use(http: HttpSettings): void {
    this.http = http;
  }

  drop(): void {
    this.#reset(ErrorCode.CANCEL);
  }

  cut(): void {
    this.#reset(this.#isMalformed ? ErrorCode.PROTOCOL_ERROR : ErrorCode.INTERNAL_ERROR);
    // Not within the call of whoever cuts: what works for the response is told.
    setImmediate(() => this.abandon());
  }

  finished(exchange: SentExchange): void {
    if (exchange === this.exchange) this.exchange = undefined;
  }

  pauseBody(): void {
    this.#isPaused = true;
  }

  resumeBody(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.heardMs = this.#connection.context.clock.coarseMs;
    const withheld = this.#withheld;
    this.#withheld = 0;
    if (withheld === 0) return;
    this.#engine?.receiver.consume(this.#row, withheld);
    this.#connection.touch();
  }

  /** Undefined when the stream is closed. */
  get #engine(): H2Engine<H2Stream> | undefined {
    return this.#row === GONE ? undefined : this.#connection.engine;
  }

  /** Is the stream reset behind the head of its answer? */
  get #isMalformed(): boolean {
    return this.exchange?.isMalformed === true;
  }

  #refuse(exchange: Exchange, status: number): void {
    this.#isRefused = true;
    exchange.refuseBody(status);
  }

  #hasNoBodyFor({ head: request }: SentExchange, head: ResponseHead): boolean {
    return this.#isMalformed || !mayHaveBody(request.method, head.status);
  }

  /** Sends the head of a response that is there as a whole. @returns bytes of its body that are to be sent */
  #start(exchange: SentExchange, head: ResponseHead, length: number): number {
    const hasNoBody = this.#hasNoBodyFor(exchange, head);
    this.#answer(exchange, head, length, hasNoBody || (length === 0 && head.contentLength <= 0));
    if (this.#hasNoBody) return 0;
    const size = Math.min(length, this.#left);
    this.#left -= size;
    return size;
  }

  /** Sends the head of a response that is no tunnel. */
  #answer(exchange: SentExchange, head: ResponseHead, length: number, hasNoBody: boolean): void {
    // RFC 8441 §4: a 2xx would be one.
    if (this.isWebSocket && head.status >= 200 && head.status < 300) this.#reset(ErrorCode.CONNECT_ERROR);
    this.#head(exchange, head, length, hasNoBody);
  }

  /** @param length of the body where it is known, else −1 */
  #head(exchange: SentExchange, head: ResponseHead, length: number, hasNoBody: boolean): void {
    const { context } = this.#connection;
    const { http } = exchange;
    const block = context.h2.block(head, http, context.clock.dateLine);
    const isMissing = length >= 0 && head.contentLength < 0 && mayHaveBody(exchange.head.method, head.status);
    const more = isMissing ? encodeBlock([["content-length", String(length)]]) : NO_BYTES;
    this.#hasNoBody = hasNoBody;
    this.#left = hasNoBody ? 0 : head.contentLength >= 0 ? head.contentLength : length >= 0 ? length : Infinity;
    exchange.headSize = FRAME_HEADER_SIZE + block.length + more.length;
    this.#engine?.sender.headers(this.#row, block, more, hasNoBody && !this.#isMalformed);
    this.#connection.touch();
  }

  #sent(exchange: SentExchange, size: number): void {
    exchange.bytesSent += size;
    this.#connection.touch();
  }

  /** What was promised and does not come must not pass for whole. */
  #checkLength({ head: { method, path } }: SentExchange): void {
    if (this.#left === 0) return;
    const { context } = this.#connection;
    context.onNotice("warning", `${method} ${path}: cut: the response is shorter than its Content-Length`);
    this.cut();
  }

  #reset(code: ErrorCode): void {
    this.#engine?.reset(this.#row, code);
    this.#connection.touch();
  }
}

/** Where the bytes of a file go: into the stream's queue as they are, one part at a time. */
class StreamSink implements BodySink {
  readonly descriptor = -1;
  readonly #stream: H2Stream;
  readonly #exchange: SentExchange;

  constructor(stream: H2Stream, exchange: SentExchange) {
    this.#stream = stream;
    this.#exchange = exchange;
  }

  whenWanted(begin: () => void): void {
    this.#stream.whenWanted(begin);
  }

  write(bytes: Bytes, taken: () => void): void {
    this.#stream.sendPart(this.#exchange, bytes, taken);
  }

  passed(): void {
    // Nothing passes by the frames.
  }
}
