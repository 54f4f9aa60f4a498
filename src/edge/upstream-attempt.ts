/** How asking one peer of an upstream went, as `$upstream_…` variables and the balancer are told. */
import type { UpstreamFacts } from "../route/index.ts";

export class UpstreamAttempt implements UpstreamFacts {
  readonly address: string;
  readonly redirected: boolean;
  /** Monotonic milliseconds. */
  readonly #startMs: number = performance.now();
  /** When the last bytes came. */
  #nowMs: number = this.#startMs;
  connectMs: number | undefined = undefined;
  headerMs: number | undefined = undefined;
  #totalMs: number | undefined = undefined;
  status: number | undefined = undefined;
  /** Of the body. */
  responseSize = 0;
  #headSize = 0;
  /** Undefined for one that left with the head. */
  #body: { readonly sentSize: number } | undefined = undefined;
  bytesReceived = 0;

  /**
   * @param address of the peer, or the upstream's name where there is none
   * @param redirected was somebody else asked before, whose answer led here?
   */
  constructor(address: string, redirected: boolean) {
    this.address = address;
    this.redirected = redirected;
  }

  /** @param isKept the connection was there already */
  connected(isKept: boolean): void {
    this.connectMs ??= isKept ? 0 : performance.now() - this.#startMs;
  }

  /** Bytes have come: what they say was said now. */
  received(size: number): void {
    this.bytesReceived += size;
    this.#nowMs = performance.now();
  }

  /** The request's head has left, and its body follows. */
  noteSent(headSize: number, body: { readonly sentSize: number } | undefined): void {
    this.#headSize = headSize;
    this.#body = body;
  }

  get bytesSent(): number {
    return this.#headSize + (this.#body?.sentSize ?? 0);
  }

  answered(status: number): void {
    this.status = status;
    this.headerMs = this.#nowMs - this.#startMs;
  }

  /** The last of the response has come. */
  complete(): void {
    this.#totalMs ??= this.#nowMs - this.#startMs;
  }

  /** It is over before that. @param status what it counts as, where no head has come */
  ended(status?: number): void {
    this.status ??= status;
    this.#totalMs ??= performance.now() - this.#startMs;
  }

  /** nginx: undefined while it goes on, as when the head leaves. */
  get responseMs(): number | undefined {
    return this.#totalMs;
  }
}
