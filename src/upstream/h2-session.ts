/**
 * One connection to a server that speaks HTTP/2, and the requests that share it. It stays with its connection when that
 * is idle, answers what the server says meanwhile, and goes on with the next request.
 *
 *   connecting ─▶ preface and the first request ─SETTINGS─▶ as many as the server takes ─▶ idle, in the pool ─▶ …
 *        GOAWAY, or as many requests or as much time as keepalive allows: no more, and its end behind the last one
 *
 * What all streams have to say in one turn leaves in one write. A server that does not read is read no more.
 */
import type { HeadLimits } from "../protocol/h1/index.ts";
import { type ClientEvent, ErrorCode, type FrameMemory, H2ClientEngine } from "../protocol/h2/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { NetworkPeer } from "./balancer.ts";
import type { CloseReason, ConnectionUser, DialSettings, UpstreamConnection } from "./connection.ts";
import { type StreamCloseReason, type StreamHost, type UpstreamStream, resetText } from "./h2-stream.ts";
import type { KeepaliveSettings } from "./settings.ts";

/** Streams at once (RFC 9113 §6.5.2 advises servers not to allow fewer than 100). */
export const STREAMS_MAX = 100;
/** Bytes of one response that may come before somebody takes them. */
export const STREAM_WINDOW = 262_144;
const CHUNK_SIZE = 16_384;
/** DATA that may be on its way to the kernel, and what may wait for it before the server is read no more. */
const SENDING_MAX = 131_072, QUEUED_MAX = 262_144;
/** Up to this size frames are written as text, which needs no memory of its own. */
const INLINE_SIZE_MAX = 16_384;

const NO_ALPN: CloseReason = {
  kind: "error", call: "SSL_do_handshake()", text: "the server has not chosen h2 by ALPN",
};

/** Where a request goes. */
export interface Destination {
  readonly upstream: object;
  readonly peer: NetworkPeer;
  readonly keepalive: KeepaliveSettings;
  readonly dial: DialSettings;
  /** Of a response's head. */
  readonly limits: HeadLimits;
}

/** Memory for frames, lent and given back. */
export interface LentMemory extends FrameMemory {
  give(piece: Bytes): void;
}

/** Whom a connection belongs to. */
export interface SessionOwner {
  readonly nowMs: number;
  /** It takes no more of the requests that waited for it. */
  placeAgain(stream: UpstreamStream): void;
  /** It has no requests, or is gone. */
  forget(session: H2Session): void;
}

export class H2Session implements ConnectionUser, StreamHost {
  readonly destination: Destination;
  readonly engine: H2ClientEngine<UpstreamStream>;
  readonly #owner: SessionOwner;
  readonly #memory: LentMemory;
  readonly #openedMs: number;
  #connection: UpstreamConnection | undefined = undefined;
  readonly #streams = new Set<UpstreamStream>();
  /** Those of them whose request has not left. */
  #waiting: UpstreamStream[] = [];
  readonly #fed: UpstreamStream[] = [];
  /** Have the server's SETTINGS come? */
  #isReady = false;
  #isIdle = false;
  #isOver = false;
  /** When something came last. */
  #heardMs: number;
  /** Has nothing come for so long that a request timed out? Then the next one shall not wait here. */
  #isSilent = false;
  /** What a server that has refused a stream takes. */
  #refusedAbove = STREAMS_MAX;
  #isReading = false;
  #isTouched = false;
  #isStopped = false;

  constructor(destination: Destination, owner: SessionOwner, memory: LentMemory) {
    this.destination = destination;
    this.#owner = owner;
    this.#memory = memory;
    this.#openedMs = this.#heardMs = owner.nowMs;
    const { limits } = destination;
    const settings = { initialWindowSize: STREAM_WINDOW, chunkSize: CHUNK_SIZE, streamsMax: STREAMS_MAX, limits };
    this.engine = new H2ClientEngine(settings, memory);
  }

  /** The connection that was made for it. */
  attach(connection: UpstreamConnection): void {
    this.#connection = connection;
    connection.resident = this;
  }

  /** Is there room for one more? */
  get hasRoom(): boolean {
    if (this.#isOver || this.#isWorn || this.#connection?.isRetired !== false) return false;
    return this.#streams.size < Math.min(this.engine.streamsMax, this.#refusedAbove);
  }

  add(stream: UpstreamStream): void {
    this.#isIdle = false;
    this.#streams.add(stream);
    stream.placed(this, this.#isReady);
    if (!this.#isReady) this.#waiting.push(stream);
  }

  waitedInVain(forMs: number): void {
    if (this.#owner.nowMs - this.#heardMs >= forMs) this.#isSilent = true;
  }

  leave(stream: UpstreamStream): void {
    this.#streams.delete(stream);
    if (!stream.isConnected) this.#waiting = this.#waiting.filter((waiting) => waiting !== stream);
  }

  touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    if (!this.#isReading) setImmediate(() => this.#flush());
  }

  onConnected(): void {
    const connection = this.#connection;
    // RFC 9113 §3.3: over TLS it is ALPN that says so.
    if (this.destination.dial.tls !== undefined && connection?.alpn !== "h2") {
      this.onClose(NO_ALPN);
      return connection?.close();
    }
    this.engine.start();
    // How many more it takes its SETTINGS say; one it surely does.
    this.#waiting.shift()?.connect();
    this.touch();
  }

  onBytes(bytes: Bytes): void {
    const { engine } = this;
    this.#isReading = true;
    this.#heardMs = this.#owner.nowMs;
    engine.receive(bytes, this.#owner.nowMs);
    for (let event = engine.next(); event !== "need-data"; event = engine.next()) this.#onEvent(event);
    this.#deliver();
    engine.keepRest();
    this.#isReading = false;
    this.#flush();
  }

  onDrain(): void {
    if (this.#isStopped) {
      this.#isStopped = false;
      this.#connection?.resume();
    }
    this.#flush();
  }

  onEnd(): void {
    const connection = this.#connection;
    this.onClose({ kind: "closed" });
    connection?.close();
  }

  onClose(why: CloseReason): void {
    this.#abandonAll(why);
  }

  onTick(nowMs: number): void {
    for (const stream of this.#streams) stream.tick(nowMs);
  }

  #onEvent(event: Exclude<ClientEvent<UpstreamStream>, "need-data">): void {
    switch (event.kind) {
      case "informational": case "response": case "data": case "end":
        event.owner.push(event);
        return this.#feed(event.owner);
      case "reset": {
        const { owner, code, reason, isUnprocessed } = event;
        if (code === ErrorCode.REFUSED_STREAM) this.#refusedAbove = Math.max(1, this.#streams.size - 1);
        owner.over(reason === undefined ? { kind: "reset", text: resetText(code), isUnprocessed }
          : { kind: "malformed", text: reason });
        return this.#feed(owner);
      }
      case "ready":
        this.#isReady = true;
        return this.#connectWaiting();
      case "goaway": return this.#connectWaiting();
      case "failed": return this.#abandonAll({ kind: "malformed", text: event.reason });
    }
  }

  #feed(stream: UpstreamStream): void {
    if (stream.isFed) return;
    stream.isFed = true;
    this.#fed.push(stream);
  }

  #deliver(): void {
    for (const stream of this.#fed) stream.deliver();
    this.#fed.length = 0;
  }

  /** Those who waited for SETTINGS, as many as there is room for; the others go elsewhere. */
  #connectWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) this.#streams.delete(stream);
    for (const stream of waiting) {
      if (!this.hasRoom) {
        this.#owner.placeAgain(stream);
        continue;
      }
      this.#streams.add(stream);
      stream.connect();
    }
  }

  /** As many requests as keepalive_requests, or as much time as keepalive_time allows; or the server has said so. */
  get #isWorn(): boolean {
    const { engine } = this;
    const { requests, timeMs } = this.destination.keepalive;
    if (this.#isSilent || !engine.isOpen) return true;
    return engine.openedCount >= requests || this.#owner.nowMs - this.#openedMs > timeMs;
  }

  #abandonAll(why: StreamCloseReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.forget(this);
    const streams = [...this.#streams];
    this.#waiting = [];
    for (const stream of streams) {
      stream.over(why);
      this.#feed(stream);
    }
    if (!this.#isReading) this.#deliver();
  }

  /** Writes what there is, in one call, and as much of what waits as the socket takes. */
  #flush(): void {
    this.#isTouched = false;
    const connection = this.#connection;
    if (connection === undefined || this.#isReading) return;
    if (connection.isConnected || this.#isIdle) this.#write(connection);
    if (this.#isOver || (this.#isIdle && !this.engine.isOpen)) return connection.close();
    if (this.#streams.size === 0 && !this.#isIdle) return this.#rest(connection);
    if (this.#isStopped || connection.queuedSize <= QUEUED_MAX) return;
    this.#isStopped = true;
    connection.pause();
  }

  /** The last stream has ended. */
  #rest(connection: UpstreamConnection): void {
    this.#owner.forget(this);
    if (this.#isWorn) {
      if (connection.isConnected) {
        this.engine.goAway(ErrorCode.NO_ERROR, "");
        this.#write(connection);
      }
      this.#isOver = true;
      return connection.close();
    }
    this.#isIdle = true;
    connection.keep();
  }

  #write(connection: UpstreamConnection): void {
    const { sender, output } = this.engine;
    for (;;) {
      sender.room = SENDING_MAX - connection.queuedSize - output.size;
      sender.pump();
      if (output.size === 0) return;
      const pieces = output.takePieces();
      if (pieces.length > 1) connection.cork();
      for (const { memory, size } of pieces) {
        if (size > INLINE_SIZE_MAX) {
          connection.writeBytes(memory.subarray(0, size), () => this.#memory.give(memory));
        } else {
          connection.writeLatin1(memory.latin1Slice(0, size));
          this.#memory.give(memory);
        }
      }
      if (pieces.length > 1) connection.uncork();
    }
  }
}
