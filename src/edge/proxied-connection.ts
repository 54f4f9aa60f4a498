/**
 * A connection before its first request, where the listener says proxy_protocol: it begins with a header that tells who
 * is behind the proxy. One that does not, or does not in time, is closed without an answer, as nginx does.
 */
import type { ByteStream } from "../net/index.ts";
import { ProxyHeaderReader } from "../protocol/proxy/index.ts";
import type { ProxiedFacts } from "../route/index.ts";
import type { Bytes } from "../std/bytes.ts";
import { EarlyConnection } from "./early-connection.ts";
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

export class ProxiedConnection extends EarlyConnection {
  readonly #peer: string;
  readonly #owner: ProxiedOwner;
  readonly #reader: ProxyHeaderReader = new ProxyHeaderReader();

  /** @param peer its address, for the log @param untilMs when the header, and a byte behind it, must be here */
  constructor(context: EdgeContext, stream: ByteStream, owner: ProxiedOwner, peer: string, untilMs: number) {
    super(context, stream, untilMs);
    this.#peer = peer;
    this.#owner = owner;
  }

  onBytes(bytes: Bytes): void {
    if (this.isOver) return;
    const event = this.#reader.receive(bytes);
    if (event === "need-data") return;
    this.leave();
    if (event.kind === "violation") {
      this.context.onNotice("error", `${event.reason} while reading PROXY protocol, client: ${this.#peer || "unix:"}`);
      return this.end();
    }
    this.#owner.onProxied(this, event.kind === "header" ? event : undefined, this.#reader.takeRest());
  }

  protected onClosed(): void {
    this.#owner.onConnectionClosed(this);
  }
}
