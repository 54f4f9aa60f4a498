/**
 * Bytes both ways between a client and an upstream that have agreed on another protocol (RFC 9110 §7.8): a WebSocket,
 * mostly. Whoever is slow slows the other down; silence on both sides ends it after proxy_read_timeout, as in nginx.
 */
import { SendStall } from "../net/index.ts";
import type { ByteStream, StreamReceiver, Ticked } from "../net/index.ts";
import { NO_BYTES, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { UpstreamConnection } from "../upstream/index.ts";
import type { ClientStream, Successor, SuccessorOwner } from "./connection-owner.ts";
import type { EdgeContext } from "./edge-context.ts";

/** Up to this size bytes are written as text, which needs no memory of its own. */
const INLINE_SIZE_MAX = 4096;
/** Bytes that may wait on one side before the other is read no more. */
const QUEUED_MAX = 65_536;
/** How long a side may take what is queued for it, once the other is gone. */
const CLOSE_MS = 5000;

export interface TunnelTimeouts {
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
}

export interface TunnelExchange {
  /** So many bytes went to the client. */
  sent(size: number): void;
  over(): void;
}

export class Tunnel implements Successor, Ticked {
  readonly #context: EdgeContext;
  readonly #timeouts: TunnelTimeouts;
  readonly #exchange: TunnelExchange;
  readonly #upstream: ByteStream;
  #early: Bytes;
  #client: ClientStream | undefined = undefined;
  #owner: SuccessorOwner | undefined = undefined;
  #heardMs: number;
  readonly #clientStall = new SendStall();
  readonly #upstreamStall = new SendStall();
  /** Sides that have sent their last. */
  #endedCount = 0;
  /** Sides whose connection is gone. */
  #goneCount = 0;
  /** When it closes, whatever is still queued. */
  #closeMs = Number.POSITIVE_INFINITY;

  /** @param early what the upstream sent behind its head */
  constructor(
    context: EdgeContext, connection: UpstreamConnection, early: Bytes, timeouts: TunnelTimeouts,
    exchange: TunnelExchange,
  ) {
    this.#context = context;
    this.#timeouts = timeouts;
    this.#exchange = exchange;
    this.#early = early;
    this.#heardMs = context.clock.coarseMs;
    this.#upstream = connection.detach({
      onBytes: (bytes) => this.#fromUpstream(bytes),
      onEnd: () => this.#ended(this.#client),
      onDrain: () => this.#client?.resume(),
      onClose: () => this.#gone(),
    });
  }

  start(stream: ClientStream, rest: Bytes, owner: SuccessorOwner): void {
    this.#client = stream;
    this.#owner = owner;
    this.#context.clock.add(this);
    const receiver: StreamReceiver = {
      onBytes: (bytes) => this.#fromClient(bytes),
      onEnd: () => this.#ended(this.#upstream),
      onDrain: () => this.#upstream.resume(),
      onClose: () => this.#gone(),
    };
    stream.start(receiver);
    // Whoever sent much ahead was told to wait.
    stream.resume();
    if (this.#early.length > 0) this.#fromUpstream(this.#early);
    this.#early = NO_BYTES;
    if (rest.length > 0) this.#fromClient(rest);
    if (this.#isClosing) stream.close();
  }

  /**
   * The server ends, and nobody can say so in a protocol that it does not speak. Where another one takes its place,
   * both ends may finish, as in nginx, until worker_shutdown_timeout.
   * @param idleMs how long an idle connection may still bring something; 0: nobody takes its place
   */
  drain(idleMs: number): void {
    if (idleMs === 0) this.#close();
  }

  tick(nowMs: number): void {
    const { readTimeoutMs, sendTimeoutMs } = this.#timeouts;
    const client = this.#client;
    if (nowMs > this.#closeMs) {
      client?.destroy();
      this.#upstream.destroy();
      return;
    }
    const isStalled = (client !== undefined && client.queuedSize > 0
      && this.#clientStall.isStalled(client, nowMs, sendTimeoutMs))
      || (this.#upstream.queuedSize > 0 && this.#upstreamStall.isStalled(this.#upstream, nowMs, sendTimeoutMs));
    if (isStalled || nowMs - this.#heardMs > readTimeoutMs) this.#close();
  }

  get #isClosing(): boolean {
    return this.#closeMs !== Number.POSITIVE_INFINITY;
  }

  #fromUpstream(bytes: Bytes): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#exchange.sent(bytes.length);
    this.#pass(bytes, client, this.#upstream);
  }

  #fromClient(bytes: Bytes): void {
    if (this.#client !== undefined) this.#pass(bytes, this.#upstream, this.#client);
  }

  #pass(bytes: Bytes, to: ClientStream, from: ClientStream): void {
    this.#heardMs = this.#context.clock.coarseMs;
    if (bytes.length <= INLINE_SIZE_MAX) to.writeLatin1(bytes.latin1Slice());
    else to.writeBytes(copyBytes(bytes));
    if (to.queuedSize > QUEUED_MAX) from.pause();
  }

  /** One side sends nothing more: the other is told, and may still answer. */
  #ended(other: ClientStream | undefined): void {
    other?.end();
    if (++this.#endedCount === 2) this.#close();
  }

  /** What is queued still leaves. */
  #close(): void {
    if (this.#isClosing) return;
    this.#closeMs = this.#context.clock.coarseMs + CLOSE_MS;
    this.#client?.close();
    this.#upstream.close();
  }

  #gone(): void {
    this.#goneCount++;
    this.#close();
    // A client that was never taken over is the exchange's.
    if (this.#goneCount < (this.#client === undefined ? 1 : 2)) return;
    this.#context.clock.remove(this);
    this.#exchange.over();
    this.#owner?.onConnectionClosed(this);
  }
}
