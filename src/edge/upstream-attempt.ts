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
  bytesSent = 0;
  bytesReceived = 0;

  /** @param address of the peer, or the upstream's name where there is none @param redirected is it the first of another location? */
  constructor(address: string, redirected: boolean) {
    this.address = address;
    this.redirected = redirected;
  }

  connected(): void {
    this.connectMs ??= performance.now() - this.#startMs;
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

  get responseMs(): number {
    return this.#totalMs ?? performance.now() - this.#startMs;
  }
}
