/**
 * A connection before its first request, where the listener says proxy_protocol: it begins with a header that tells who
 * is behind the proxy. One that does not, or does not in time, is closed without an answer, as nginx does.
 */
import type { ByteStream, StreamReceiver, Ticked } from "../net/index.ts";
import { ProxyHeaderReader } from "../protocol/proxy/index.ts";
import type { ProxiedFacts } from "../route/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { EdgeContext } from "./edge-context.ts";

export interface ProxiedOwner {
  onConnectionClosed(connection: ProxiedConnection): void;
  /**
   * The header is read: the stream has another receiver from now on.
   * @param proxied undefined where the connection's own addresses count
   * @param rest what came behind it, valid during the call
   */
  onProxied(connection: ProxiedConnection, proxied: ProxiedFacts | undefined, rest: Bytes): void;
}

export class ProxiedConnection implements StreamReceiver, Ticked {
  readonly #context: EdgeContext;
  readonly #stream: ByteStream;
  readonly #peer: string;
  readonly #owner: ProxiedOwner;
  readonly #reader: ProxyHeaderReader = new ProxyHeaderReader();
  #deadlineMs: number;
  #isOver = false;

  /** @param peer its address, for the log @param untilMs when the header, and a byte behind it, must be here */
  constructor(context: EdgeContext, stream: ByteStream, owner: ProxiedOwner, peer: string, untilMs: number) {
    this.#context = context;
    this.#stream = stream;
    this.#peer = peer;
    this.#owner = owner;
    this.#deadlineMs = untilMs;
  }

  /** Until when the first request must begin. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Starts reading. */
  start(): void {
    this.#context.clock.add(this);
    this.#stream.start(this);
  }

  /** The server ends. @param idleMs how long the header, and a request behind it, may still come */
  drain(idleMs: number): void {
    if (idleMs === 0) this.#end();
    else this.#deadlineMs = Math.min(this.#deadlineMs, this.#context.clock.coarseMs + idleMs);
  }

  onBytes(bytes: Bytes): void {
    if (this.#isOver) return;
    const event = this.#reader.receive(bytes);
    if (event === "need-data") return;
    this.#context.clock.remove(this);
    if (event.kind === "violation") {
      this.#context.onNotice("error", `${event.reason} while reading PROXY protocol, client: ${this.#peer || "unix:"}`);
      return this.#end();
    }
    this.#isOver = true;
    this.#owner.onProxied(this, event.kind === "header" ? event : undefined, this.#reader.takeRest());
  }

  onEnd(): void {
    this.#end();
  }

  onDrain(): void {
    // Nothing is written.
  }

  onClose(): void {
    this.#context.clock.remove(this);
    this.#owner.onConnectionClosed(this);
  }

  tick(nowMs: number): void {
    if (nowMs > this.#deadlineMs) this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#stream.destroy();
  }
}
