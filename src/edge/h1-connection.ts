/**
 * One HTTP/1.1 connection: the pure reader on one side, the exchange on the other, deadlines around both.
 *
 *   waiting ─first byte─▶ head ─request─▶ exchange ─finished─▶ waiting …
 *      └─ keep-alive deadline      └─ violation ─▶ lingering ─▶ closed
 *
 * One exchange at a time; requests that were sent ahead stay in the reader. A connection that is to end
 * after a response lingers: it reads and drops what the client still sends, so that the response is not
 * lost to a reset (RFC 9112 §9.6).
 */
import type { Peer } from "../app/index.ts";
import type { HttpSettings } from "../config/model.ts";
import type { FieldSemantics } from "../http/field-section.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import { SendStall } from "../net/index.ts";
import type { BodySink, ByteStream, StreamReceiver, Ticked } from "../net/index.ts";
import { CONTINUE, RequestReader, formatInformational } from "../protocol/h1/index.ts";
import type { ReadyText, Violation } from "../protocol/h1/index.ts";
import type { PeerFacts, ProxiedFacts } from "../route/index.ts";
import type { Bytes } from "../std/bytes.ts";
import { NO_BYTES } from "../std/bytes.ts";
import { ChunkSink, PlainSink } from "./body-sinks.ts";
import { localFacts, peerFacts } from "./client-identity.ts";
import { abortStream, endStream, lingerMs } from "./connection-end.ts";
import type { Successor, SuccessorOwner } from "./connection-owner.ts";
import type { Accepted, ConnectionFacts } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { Exchange } from "./exchange.ts";
import { H1Writer } from "./h1-writer.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** Bytes that a client may send ahead of the response it waits for, before it is slowed down. */
const AHEAD_SIZE_MAX = 65_536;
/** Bytes of an unwanted request body that are read for the sake of the connection. */
const DRAIN_SIZE_MAX = 262_144;
/** A client that has closed its half may still wait for an answer; after so long it probably left. */
const HALF_CLOSED_MS = 500;

type Phase = "waiting" | "head" | "exchange" | "lingering" | "closed";

/** Whom a connection tells that it is gone. */
export interface ConnectionOwner extends SuccessorOwner {
  onConnectionClosed(connection: H1Connection | Successor): void;
  /** The client's connection goes on as something else. */
  onConnectionUpgraded(connection: H1Connection, successor: Successor): void;
  readonly draining: boolean;
}

export class H1Connection implements StreamReceiver, ResponseChannel, ConnectionFacts, Ticked {
  readonly #context: EdgeContext;
  readonly #stream: ByteStream;
  readonly #owner: ConnectionOwner;
  readonly #peer: Peer;
  readonly listener: number;
  readonly site: number;
  /** Those of the socket's default server, then those of the request's location. */
  #http: HttpSettings;
  readonly number: number;
  readonly startMs: number;
  readonly proxied: ProxiedFacts | undefined;
  readonly tls: ConnectionFacts["tls"];
  #local: PeerFacts | undefined = undefined;
  trust: ConnectionFacts["trust"] = undefined;
  passed: ConnectionFacts["passed"] = undefined;
  readonly #reader: RequestReader;
  readonly #writer: H1Writer;
  readonly #openedMs: number;
  #phase: Phase = "waiting";
  /** What stub_status counts it as: neither while it waits for a request. */
  #counted: "reading" | "writing" | undefined = undefined;
  #deadlineMs: number;
  #exchange: Exchange | undefined = undefined;
  #requests = 0;
  /** Has the body of the current request arrived completely? */
  #requestComplete = true;
  #bodySize = 0;
  /** Bytes of it that nobody wanted. */
  #drainedSize = 0;
  #persistent = true;
  #continueSent = false;
  /** The client will send nothing more. */
  #inputEnded = false;
  #halfClosedMs = Number.POSITIVE_INFINITY;
  #reading = false;
  /** Had the request arrived before the one before it was answered? */
  #pipelined = false;
  readonly #stall = new SendStall();

  /** @param accepted where, when and as which one; what the PROXY protocol's header said, and TLS */
  constructor(
    context: EdgeContext, stream: ByteStream, peer: Peer, accepted: Accepted & Pick<ConnectionFacts, "proxied" | "tls">,
    owner: ConnectionOwner,
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#owner = owner;
    this.#peer = peer;
    ({ listener: this.listener, site: this.site, number: this.number } = accepted);
    ({ startMs: this.startMs, proxied: this.proxied, tls: this.tls } = accepted);
    this.#http = context.site.listener(this.site).http;
    this.#reader = new RequestReader(this.#http, context.sections);
    this.#writer = new H1Writer(context, stream);
    this.#openedMs = context.clock.coarseMs;
    this.#deadlineMs = this.#openedMs + this.#http.clientHeaderTimeoutMs;
  }

  get peer(): PeerFacts {
    return peerFacts(this.#peer);
  }

  get local(): PeerFacts {
    return (this.#local ??= localFacts(this.#stream, this.#context.site.settings.listeners[this.site]?.bind));
  }

  requests(): number {
    return this.#requests;
  }

  get pipelined(): boolean {
    return this.#pipelined;
  }

  get queuedSize(): number {
    return this.#stream.queuedSize;
  }

  get #nowMs(): number {
    return this.#context.clock.coarseMs;
  }

  /** Starts reading. @param first what has come already, valid during the call @param untilMs for the first request */
  start(first: Bytes = NO_BYTES, untilMs: number = this.#deadlineMs): void {
    this.#deadlineMs = untilMs;
    this.#context.clock.add(this);
    this.#stream.start(this);
    if (first.length > 0) this.onBytes(first);
  }

  /**
   * The server ends, or another one takes its place: a busy connection closes after its response.
   * @param idleMs how long an idle one may still bring a request, which is its last
   */
  drain(idleMs: number): void {
    this.#persistent = false;
    if (this.#phase === "waiting") {
      if (idleMs === 0) this.#shut();
      else this.#deadlineMs = Math.min(this.#deadlineMs, this.#nowMs + idleMs);
    }
    this.#exchange?.drain();
    if (this.#phase === "lingering") this.#setLingerDeadline();
  }

  onBytes(bytes: Bytes): void {
    if (this.#phase === "lingering") return this.#discard(bytes.length);
    this.#reader.receive(bytes);
    this.#read();
    this.#reader.keepRest();
  }

  onEnd(): void {
    this.#inputEnded = true;
    const exchange = this.#exchange;
    if (this.#phase !== "exchange" || exchange === undefined) return this.#shut();
    if (!this.#requestComplete) return this.#endEarly(exchange);
    // What it sent ahead is still answered.
    this.#halfClosedMs = this.#nowMs + HALF_CLOSED_MS;
  }

  onDrain(): void {
    this.#exchange?.out.drained();
  }

  onClose(): void {
    this.#phase = "closed";
    this.#count(undefined);
    this.#context.clock.remove(this);
    this.#exchange?.abandon();
    this.#exchange = undefined;
    this.#owner.onConnectionClosed(this);
  }

  tick(nowMs: number): void {
    const { sendTimeoutMs } = this.#http;
    if (this.#stream.queuedSize > 0 && this.#stall.isStalled(this.#stream, nowMs, sendTimeoutMs)) {
      return abortStream(this.#stream, this.#http);
    }
    if (nowMs > this.#halfClosedMs) {
      this.#halfClosedMs = nowMs + HALF_CLOSED_MS;
      this.#exchange?.hintGone();
    }
    if (nowMs > this.#deadlineMs) this.#expire();
  }

  sendWhole(exchange: SentExchange, head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    this.#start(exchange, head, end - start);
    exchange.bytesSent = this.#writer.whole(bytes, start, end);
    if (this.#writer.missingSize > 0) this.#tooShort(exchange);
  }

  sendReady(exchange: SentExchange, head: ResponseHead, body: Bytes, text: ReadyText | undefined): void {
    this.#start(exchange, head, body.length);
    exchange.bytesSent = this.#writer.ready(body, text);
  }

  bodySink(exchange: SentExchange): BodySink | undefined {
    if (this.#writer.hasNoBody) return undefined;
    if (this.#writer.isPlainBody) return new PlainSink(this.#stream, this.#writer, exchange);
    return new ChunkSink(this, exchange);
  }

  use(http: HttpSettings): void {
    this.#http = http;
  }

  drop(): void {
    this.#persistent = false;
    abortStream(this.#stream, this.#http);
  }

  sendStart(
    exchange: SentExchange, head: ResponseHead, length: number, bytes: Bytes, start: number, end: number,
  ): void {
    this.#start(exchange, head, length);
    exchange.bytesSent = this.#writer.start(bytes, start, end);
    exchange.framingSize = this.#writer.framingSize;
  }

  sendChunk(exchange: SentExchange, bytes: Bytes, start: number, end: number): void {
    exchange.bytesSent += this.#writer.chunk(bytes, start, end);
    exchange.framingSize = this.#writer.framingSize;
  }

  sendEnd(exchange: SentExchange, trailers: readonly FieldLine[]): void {
    if (this.#writer.missingSize > 0) this.#tooShort(exchange);
    else this.#writer.end(trailers);
    exchange.framingSize = this.#writer.framingSize;
  }

  sendInformational(_exchange: SentExchange, status: number, fields: readonly FieldLine[]): void {
    this.#stream.writeLatin1(formatInformational(status, fields));
  }

  sendContinue(): void {
    if (this.#continueSent) return;
    this.#continueSent = true;
    this.#stream.writeLatin1(CONTINUE);
  }

  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], successor: Successor): void {
    const size = this.#writer.switchProtocols(head, fields, this.#http);
    if (this.#exchange !== undefined) this.#exchange.headSize = size;
    this.#context.clock.remove(this);
    this.#phase = "closed";
    this.#exchange = undefined;
    this.#owner.onConnectionUpgraded(this, successor);
    successor.start(this.#stream, this.#reader.takeRest(), this.#owner);
  }

  /** A response that cannot be completed ends in a reset: no client can take it for whole. */
  cut(): void {
    this.#stream.reset();
  }

  finished(exchange: SentExchange): void {
    if (exchange !== this.#exchange || this.#phase === "closed") return;
    this.#exchange = undefined;
    this.#halfClosedMs = Number.POSITIVE_INFINITY;
    if (!this.#persistent) return this.#linger();
    if (!this.#requestComplete) return this.#drainBody();
    this.#nextCycle();
  }

  pauseBody(): void {
    if (!this.#requestComplete) this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  /** Takes events until the reader wants more bytes or a response is due. */
  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    for (;;) {
      const event = this.#reader.next();
      if (event === "need-data") {
        this.#onNeedData();
        break;
      }
      if (event === "paused") {
        if (this.#phase !== "exchange" || this.#exchange !== undefined) {
          if (this.#reader.pendingSize > AHEAD_SIZE_MAX) this.#stream.pause();
          break;
        }
        // The response was complete before its request was: on to the next one.
        this.#nextCycle();
        continue;
      }
      if (event.kind === "request") {
        this.#begin(new Exchange(this.#context, this, this, event, this.#peer), event.persistent);
      } else if (event.kind === "data") {
        this.#onBody(event.bytes);
      } else if (event.kind === "end") {
        this.#requestComplete = true;
        this.#deadlineMs = Number.POSITIVE_INFINITY;
        this.#exchange?.upload?.end(event.trailers);
      } else {
        this.#refuse(event);
        break;
      }
    }
    this.#reading = false;
  }

  #begin(exchange: Exchange, persistent: boolean): void {
    this.#phase = "exchange";
    this.#exchange = exchange;
    this.#requests++;
    this.#context.counts.add("requests");
    this.#count("writing");
    this.#continueSent = false;
    this.#bodySize = this.#drainedSize = 0;
    this.#requestComplete = !exchange.head.hasBody;
    this.#deadlineMs = this.#requestComplete ? Number.POSITIVE_INFINITY : this.#nowMs + this.#http.clientBodyTimeoutMs;
    this.#persistent = persistent;
    if (this.#inputEnded) this.#halfClosedMs = this.#nowMs + HALF_CLOSED_MS;
    exchange.begin();
  }

  /** As nginx: what lingers, or drops the rest of a body, is still writing. */
  #count(as: "reading" | "writing" | undefined): void {
    if (this.#counted === as) return;
    const { counts } = this.#context;
    if (this.#counted !== undefined) counts.add(this.#counted, -1);
    if (as !== undefined) counts.add(as);
    this.#counted = as;
  }

  #onBody(bytes: Bytes): void {
    this.#deadlineMs = this.#nowMs + this.#http.clientBodyTimeoutMs;
    this.#bodySize += bytes.length;
    if (this.#exchange === undefined) {
      this.#drainedSize += bytes.length;
      if (this.#drainedSize > DRAIN_SIZE_MAX) this.#linger();
    } else if (this.#bodySize > this.#exchange.bodySizeMax) {
      this.#persistent = false;
      this.#exchange.refuseBody(413);
    } else {
      this.#exchange.upload?.data(bytes);
    }
  }

  #onNeedData(): void {
    if (this.#inputEnded) {
      // Nothing follows: a request that was sent ahead is incomplete, or was the last.
      if (this.#exchange === undefined) this.#shut();
      else if (!this.#requestComplete) this.#endEarly(this.#exchange);
    } else if (this.#phase === "exchange") {
      this.#exchange?.upload?.pause();
    } else if (this.#phase === "waiting" && !this.#reader.idle) {
      this.#phase = "head";
      this.#count("reading");
      this.#deadlineMs = this.#nowMs + this.#http.clientHeaderTimeoutMs;
    }
  }

  /** RFC 9112 §8: a message that ends early is incomplete, and must not pass for whole. */
  #endEarly(exchange: Exchange): void {
    this.#persistent = false;
    exchange.refuseBody(400);
  }

  #nextCycle(): void {
    this.#phase = "waiting";
    this.#count(undefined);
    this.#reader.startNextCycle();
    this.#pipelined = this.#reader.pendingSize > 0;
    this.#requestComplete = true;
    this.#deadlineMs = this.#nowMs + this.#http.keepaliveTimeoutMs;
    if (this.#reading) return;
    if ((this.#owner.draining || this.#inputEnded) && this.#reader.pendingSize === 0) return this.#shut();
    if (this.#reader.pendingSize > 0) {
      this.#read();
      this.#reader.keepRest();
    }
    this.#stream.resume();
  }

  /** The response is out before its request was read: read a little more, rather than lose the connection. */
  #drainBody(): void {
    if (this.#exchange !== undefined) return this.#linger();
    this.#stream.resume();
  }

  /** What the client sent is not HTTP as it must be: nothing was passed on, the answer says so, the connection ends. */
  #refuse(refused: Violation): void {
    const client = this.#peer.address || "unix:";
    this.#context.onNotice("info", `${client}: request refused with ${refused.status}: ${refused.reason}`);
    this.#persistent = false;
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.refuseBody(refused.status);
      return;
    }
    this.#answerRefused(refused.status);
  }

  /** A request that was not read to its end has no location: its socket's default server answers, and logs. */
  #answerRefused(status: number): void {
    this.#phase = "exchange";
    this.#requestComplete = true;
    this.#requests++;
    this.#context.counts.add("requests");
    this.#count("writing");
    this.#exchange = new Exchange(this.#context, this, this, this.#reader.refused, this.#peer);
    this.#exchange.refuse(status);
  }

  #expire(): void {
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    const exchange = this.#exchange;
    this.#persistent = false;
    switch (this.#phase) {
      case "waiting":
        return this.#shut();
      case "head":
        // RFC 9110 §15.5.9.
        return this.#answerRefused(408);
      case "exchange":
        if (exchange === undefined) return this.#linger();
        return exchange.refuseBody(408);
      case "lingering":
        // Until the response has left, send_timeout counts. No reset: what the kernel has of it may still arrive.
        if (this.#stream.queuedSize === 0) return this.#stream.destroy();
        return this.#setLingerDeadline();
      case "closed":
        return;
    }
  }

  #start(exchange: SentExchange, head: ResponseHead, length: number): void {
    this.#decide(exchange, head);
    this.#persistent = this.#writer.begin(exchange, head, length, this.#persistent);
    exchange.headSize = this.#writer.headSize;
    exchange.isLast = !this.#persistent;
  }

  /** May another request follow this response? Said in its head, so decided before it. */
  #decide(exchange: SentExchange, head: ResponseHead): void {
    const { keepaliveTimeoutMs, keepaliveRequests, keepaliveTimeMs } = this.#http;
    const bodyInDoubt = !this.#requestComplete && this.#isBodyInDoubt(exchange.head.fields.semantics);
    const last = this.#owner.draining || (this.#inputEnded && this.#reader.pendingSize === 0);
    const isOld = this.#requests >= keepaliveRequests || this.#nowMs - this.#openedMs >= keepaliveTimeMs;
    if (head.close || bodyInDoubt || last || isOld || keepaliveTimeoutMs === 0) this.#persistent = false;
  }

  /** Will the rest of the body not be read for the connection's sake? RFC 9112 §9.6 wants the close announced. */
  #isBodyInDoubt({ contentLength, chunked, expectContinue }: FieldSemantics): boolean {
    // A client that still waits for 100 may never send its body.
    if (expectContinue && !this.#continueSent) return true;
    return chunked || contentLength - this.#bodySize > DRAIN_SIZE_MAX;
  }

  #tooShort(exchange: SentExchange): void {
    const { method, path } = exchange.head;
    this.#context.onNotice("warning", `${method} ${path}: cut: the response is shorter than its Content-Length`);
    this.#persistent = false;
    this.cut();
  }

  /** The connection ends behind what is queued, and the rest of what the client sends is dropped. */
  #linger(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#exchange = undefined;
    this.#bodySize = 0;
    this.#shut();
    if (!this.#inputEnded) this.#stream.resume();
  }

  #discard(size: number): void {
    this.#bodySize += size;
    if (this.#bodySize > DRAIN_SIZE_MAX * 4) this.#stream.destroy();
  }

  /** Sends what is queued, says that nothing follows, and waits a little for the client to do the same. */
  #shut(): void {
    this.#phase = "lingering";
    this.#setLingerDeadline();
    endStream(this.#stream, this.#http);
  }

  #setLingerDeadline(): void {
    this.#deadlineMs = this.#nowMs + lingerMs(this.#http, this.#owner.draining);
  }
}
