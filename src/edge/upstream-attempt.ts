/** How asking one peer of an upstream went, as `$upstream_…` variables and the balancer are told. */
import type { UpstreamFacts } from "../route/index.ts";

export class UpstreamAttempt implements UpstreamFacts {
  readonly address: string;
  readonly redirected: boolean;
  /** Monotonic milliseconds. */
  readonly #startMs: number = performance.now();
  connectMs: number | undefined = undefined;
  headerMs: number | undefined = undefined;
  #totalMs: number | undefined = undefined;
  status: number | undefined = undefined;
  /** Of the body. */
  responseSize = 0;
  #headSize = 0;
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

  connected(): void {
    this.connectMs ??= performance.now() - this.#startMs;
  }

  /** The request's head has left, and its body follows. */
  noteSent(headSize: number, body: { readonly sentSize: number }): void {
    this.#headSize = headSize;
    this.#body = body;
  }

  get bytesSent(): number {
    return this.#headSize + (this.#body?.sentSize ?? 0);
  }

  answered(status: number): void {
    this.status = status;
    this.headerMs = performance.now() - this.#startMs;
  }

  /** It is over. @param status what it counts as, where no head has come */
  ended(status?: number): void {
    this.status ??= status;
    this.#totalMs ??= performance.now() - this.#startMs;
  }

  /** nginx: undefined while it goes on, as when the head leaves. */
  get responseMs(): number | undefined {
    return this.#totalMs;
  }
}
