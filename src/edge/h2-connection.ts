/**
 * One HTTP/2 connection: the pure engine on one side, an exchange for each stream on the other, deadlines around all.
 *
 *   open ─GOAWAY(2³¹−1)─▶ draining ─GOAWAY(last)─▶ ending ─last stream─▶ lingering ─▶ closed
 *     └──── a violation: GOAWAY(code), nobody waits ─────────────────────▶
 *
 * What all streams have to say in one turn leaves in one write. A client that does not read is read no more: what it
 * could make us say waits in its own buffers.
 */
import type { Peer } from "../app/index.ts";
import type { HttpSettings } from "../config/model.ts";
import { SendStall } from "../net/index.ts";
import type { ByteStream, StreamReceiver, Ticked } from "../net/index.ts";
import { ErrorCode, H2Engine, STREAM_ID_MAX } from "../protocol/h2/index.ts";
import type { EngineEvent, RefusedEvent, RequestEvent } from "../protocol/h2/index.ts";
import type { PeerFacts, ProxiedFacts } from "../route/index.ts";
import type { Bytes } from "../std/bytes.ts";
import { NO_BYTES } from "../std/bytes.ts";
import { localFacts, peerFacts } from "./client-identity.ts";
import { abortStream, endStream, lingerMs } from "./connection-end.ts";
import type { SuccessorOwner } from "./connection-owner.ts";
import type { Accepted, ConnectionFacts } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { Exchange } from "./exchange.ts";
import { H2Stream } from "./h2-stream.ts";
import type { StreamConnection } from "./h2-stream-connection.ts";

/** DATA that may be on its way to the kernel: enough for its buffer, and more than what node tells of by "drain". */
const SENDING_MAX = 131_072;
/** With so much in the socket's queue the client is read no more. */
const QUEUED_MAX = 262_144;
/** Up to this size frames are written as text, which needs no memory of its own. */
const INLINE_SIZE_MAX = 16_384;
/** Between the two GOAWAYs of a connection that ends in peace (RFC 9113 §6.8): what is on its way still counts. */
const GOAWAY_MS = 500;
/** Bytes that are read and dropped behind the last answer. */
const DRAIN_SIZE_MAX = 1_048_576;

type Phase = "open" | "draining" | "ending" | "lingering" | "closed";

/** Whom a connection tells that it is gone. */
export interface H2Owner {
  onConnectionClosed(connection: H2Connection): void;
  readonly draining: boolean;
}

export class H2Connection implements StreamReceiver, ConnectionFacts, StreamConnection<H2Stream>, Ticked {
  readonly context: EdgeContext;
  readonly engine: H2Engine<H2Stream>;
  readonly #stream: ByteStream;
  readonly #owner: H2Owner;
  readonly #peer: Peer;
  readonly listener: number;
  readonly site: number;
  /** Those of the socket's default server. */
  readonly #http: HttpSettings;
  readonly number: number;
  readonly startMs: number;
  readonly proxied: ProxiedFacts | undefined;
  readonly tls: ConnectionFacts["tls"];
  readonly pipelined = false;
  #local: PeerFacts | undefined = undefined;
  trust: ConnectionFacts["trust"] = undefined;
  passed: ConnectionFacts["passed"] = undefined;
  readonly #openedMs: number;
  #phase: Phase = "open";
  #isWriting = false;
  #deadlineMs: number;
  /** Since when a frame, or a header block, waits for its rest; and how many frames had come before. */
  #partialMs = Number.POSITIVE_INFINITY;
  #framesBefore = 0;
  #requests = 0;
  #isReading = false;
  /** Is there something to write at the end of this turn? */
  #isTouched = false;
  #isStopped = false;
  #droppedSize = 0;
  /** Streams of which something came in this read, and more may. */
  readonly #fed: H2Stream[] = [];
  readonly #stall = new SendStall();
  readonly successors: SuccessorOwner;

  /** @param accepted where, when and as which one; what the PROXY protocol's header said, and TLS */
  constructor(
    context: EdgeContext, stream: ByteStream, peer: Peer, accepted: Accepted & Pick<ConnectionFacts, "proxied" | "tls">,
    owner: H2Owner,
  ) {
    this.context = context;
    this.#stream = stream;
    this.#owner = owner;
    this.#peer = peer;
    ({ listener: this.listener, site: this.site, number: this.number } = accepted);
    ({ startMs: this.startMs, proxied: this.proxied, tls: this.tls } = accepted);
    this.#http = context.site.listener(this.site).http;
    const { http2 } = this.#http;
    const settings = {
      maxConcurrentStreams: http2.maxConcurrentStreams,
      initialWindowSize: http2.bodyPrereadSize,
      chunkSize: http2.chunkSize,
      limits: this.#http,
    };
    this.engine = new H2Engine(settings, context.sections, context.h2);
    // What a stream becomes is no connection of its own.
    this.successors = {
      get draining(): boolean {
        return owner.draining;
      },
      onConnectionClosed: () => undefined,
    };
    this.#openedMs = context.clock.coarseMs;
    this.#deadlineMs = this.#openedMs + this.#http.clientHeaderTimeoutMs;
  }

  get peer(): PeerFacts {
    return peerFacts(this.#peer);
  }

  get local(): PeerFacts {
    return (this.#local ??= localFacts(this.#stream, this.context.site.settings.listeners[this.site]?.bind));
  }

  requests(): number {
    return this.#requests;
  }

  /** Starts. @param first what has come already, valid during the call @param untilMs for the first request */
  start(first: Bytes = NO_BYTES, untilMs: number = this.#deadlineMs): void {
    this.#deadlineMs = untilMs;
    this.context.clock.add(this);
    this.#stream.start(this);
    this.engine.start();
    this.engine.sender.room = SENDING_MAX;
    if (first.length > 0) this.onBytes(first);
    else this.touch();
  }

  /**
   * The server ends, or another one takes its place: no further streams, and those that are open finish.
   * @param idleMs how long an idle one may still bring a request
   */
  drain(idleMs: number): void {
    if (this.#phase === "lingering") return this.#setLingerDeadline();
    const isIdle = this.engine.streamCount === 0;
    this.#goAway(isIdle && idleMs === 0);
    for (const stream of this.engine.owners()) stream.drain(idleMs);
    this.#flush();
  }

  onBytes(bytes: Bytes): void {
    if (this.#phase === "lingering") return this.#discard(bytes.length);
    if (this.#phase === "closed") return;
    const { engine } = this;
    this.#isReading = true;
    engine.receive(bytes, this.context.clock.coarseMs);
    for (;;) {
      const event = engine.next();
      if (event === "need-data") break;
      this.#onEvent(event);
    }
    for (const stream of this.#fed) stream.onReadEnd();
    this.#fed.length = 0;
    engine.keepRest();
    this.#isReading = false;
    this.#watchPartial();
    this.#flush();
  }

  /** RFC 9113 §5.4: an end without GOAWAY; nobody is left to be answered. */
  onEnd(): void {
    this.#abandonAll();
    this.#stream.destroy();
  }

  onDrain(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    // Before the queue is filled again: a client that reads is read.
    if (this.#isStopped) {
      this.#isStopped = false;
      this.#stream.resume();
    }
    this.#flush();
  }

  onClose(): void {
    this.#phase = "closed";
    this.#countWriting(false);
    this.context.clock.remove(this);
    this.#abandonAll();
    this.#owner.onConnectionClosed(this);
  }

  tick(nowMs: number): void {
    const stream = this.#stream;
    const { sendTimeoutMs, clientHeaderTimeoutMs } = this.#http;
    if (stream.queuedSize > 0 && this.#stall.isStalled(stream, nowMs, sendTimeoutMs)) {
      return abortStream(stream, this.#http);
    }
    if (this.#phase === "lingering") {
      if (nowMs > this.#deadlineMs && stream.queuedSize === 0) stream.destroy();
      return;
    }
    if (nowMs - this.#partialMs > clientHeaderTimeoutMs) return this.#end(ErrorCode.NO_ERROR, "frame too slow");
    if (this.engine.streamCount > 0) for (const owner of this.engine.owners()) owner.tick(nowMs);
    if (nowMs > this.#deadlineMs) {
      if (this.#phase === "draining") this.#goAway(true);
      else if (this.engine.streamCount === 0) this.#goAway(true);
    }
    this.#flush();
  }

  touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    if (!this.#isReading) setImmediate(() => this.#flush());
  }

  feeds(stream: H2Stream): void {
    if (stream.isFed) return;
    stream.isFed = true;
    this.#fed.push(stream);
  }

  onStreamClosed(): void {
    if (this.engine.streamCount > 0) return;
    this.#countWriting(false);
    if (this.#phase === "open") this.#deadlineMs = this.context.clock.coarseMs + this.#http.keepaliveTimeoutMs;
    this.touch();
  }

  #onEvent(event: Exclude<EngineEvent<H2Stream>, "need-data">): void {
    switch (event.kind) {
      case "request": return this.#begin(event, event.isWebSocket).begin();
      case "refused": {
        if (event.isMalformed) this.#logReset(ErrorCode.PROTOCOL_ERROR, event.reason);
        else this.#log(`request refused with ${event.status}: ${event.reason}`);
        const exchange = this.#begin(event, false);
        exchange.isMalformed = event.isMalformed;
        return exchange.refuse(event.status);
      }
      case "malformed":
        this.#logReset(ErrorCode.PROTOCOL_ERROR, event.reason);
        return event.owner.onMalformed();
      case "data": return event.owner.onData(event.bytes);
      case "end": return event.owner.onEnd(event.trailers);
      case "reset":
        if (event.reason !== undefined) this.#logReset(event.code, event.reason);
        return event.owner?.abandon();
      case "goaway": return this.#goAway(false);
      case "failed":
        this.#log(`HTTP/2 connection closed with ${event.code}: ${event.reason}`);
        return this.#shut();
    }
  }

  #begin({ stream: row, head, blockSize }: RequestEvent | RefusedEvent, isWebSocket: boolean): Exchange {
    const stream = new H2Stream(this, row, this.#http, isWebSocket);
    this.engine.claim(row, stream);
    const exchange = new Exchange(this.context, stream, this, head, this.#peer);
    stream.exchange = exchange;
    exchange.blockSize = blockSize;
    if (head.hasBody) this.feeds(stream);
    this.context.counts.add("requests");
    this.#countWriting(true);
    if (this.#phase === "open") this.#deadlineMs = Number.POSITIVE_INFINITY;
    const { keepaliveRequests, keepaliveTimeMs } = this.#http;
    const isOld = this.context.clock.coarseMs - this.#openedMs >= keepaliveTimeMs;
    if (++this.#requests >= keepaliveRequests || isOld) this.#goAway(false);
    return exchange;
  }

  /** RFC 9113 §6.8: first a warning, then the last stream. @param isFinal the second of them at once */
  #goAway(isFinal: boolean): void {
    if (this.#phase === "ending" || (this.#phase === "draining" && !isFinal)) return;
    this.#phase = isFinal ? "ending" : "draining";
    this.#deadlineMs = isFinal ? Number.POSITIVE_INFINITY : this.context.clock.coarseMs + GOAWAY_MS;
    if (isFinal) this.engine.goAway(ErrorCode.NO_ERROR, "");
    else this.engine.goAway(ErrorCode.NO_ERROR, "", STREAM_ID_MAX);
    this.touch();
  }

  /** Ends without waiting for anybody. */
  #end(code: ErrorCode, reason: string): void {
    this.engine.fail(code, reason);
    this.#shut();
  }

  #countWriting(isWriting: boolean): void {
    if (this.#isWriting === isWriting) return;
    this.#isWriting = isWriting;
    this.context.counts.add("writing", isWriting ? 1 : -1);
  }

  /** Notes since when the rest of a frame is waited for. */
  #watchPartial(): void {
    const { engine } = this;
    if (engine.isIdle) this.#partialMs = Number.POSITIVE_INFINITY;
    else if (engine.frameCount !== this.#framesBefore || this.#partialMs === Number.POSITIVE_INFINITY) {
      this.#partialMs = this.context.clock.coarseMs;
    }
    this.#framesBefore = engine.frameCount;
  }

  /** Writes what there is, in one call, and as much of what waits as the socket takes. */
  #flush(): void {
    this.#isTouched = false;
    if (this.#phase === "closed" || this.#phase === "lingering" || this.#isReading) return;
    this.#write();
    if (this.#phase === "ending" && this.engine.streamCount === 0) return this.#shut();
    if (!this.#isStopped && this.#stream.queuedSize > QUEUED_MAX) {
      this.#isStopped = true;
      this.#stream.pause();
    }
  }

  #write(): void {
    const { engine } = this;
    const stream = this.#stream;
    const { sender, output } = engine;
    for (;;) {
      sender.room = SENDING_MAX - stream.queuedSize - output.size;
      sender.pump();
      if (output.size === 0) return;
      const pieces = output.takePieces();
      if (pieces.length > 1) stream.cork();
      for (const { memory, size } of pieces) {
        if (size > INLINE_SIZE_MAX) {
          stream.writeBytes(memory.subarray(0, size), () => this.context.h2.give(memory));
        } else {
          stream.writeLatin1(memory.latin1Slice(0, size));
          this.context.h2.give(memory);
        }
      }
      if (pieces.length > 1) stream.uncork();
    }
  }

  #abandonAll(): void {
    for (const stream of this.engine.owners()) stream.abandon();
  }

  /** Sends what is queued, says that nothing follows, and waits a little for the client to do the same. */
  #shut(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#write();
    this.#phase = "lingering";
    this.#countWriting(false);
    this.#setLingerDeadline();
    this.#abandonAll();
    endStream(this.#stream, this.#http);
    this.#stream.resume();
  }

  #discard(size: number): void {
    this.#droppedSize += size;
    if (this.#droppedSize > DRAIN_SIZE_MAX) this.#stream.destroy();
  }

  #setLingerDeadline(): void {
    this.#deadlineMs = this.context.clock.coarseMs + lingerMs(this.#http, this.#owner.draining);
  }

  #logReset(code: number, reason: string): void {
    this.#log(`HTTP/2 stream reset with ${code}: ${reason}`);
  }

  #log(text: string): void {
    this.context.onNotice("info", `${this.#peer.address || "unix:"}: ${text}`);
  }
}
