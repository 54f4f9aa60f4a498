/** How asking an application went, as `$upstream_…` variables tell it. */
import type { UpstreamFacts } from "../route/index.ts";

export class AppAttempt implements UpstreamFacts {
  /** Where nginx has an upstream's address. */
  readonly address: string;
  /** Was somebody else asked before, whose answer led to it? */
  readonly redirected: boolean;
  /** Monotonic milliseconds. */
  readonly #startMs: number = performance.now();
  #headMs = 0;
  #endMs = 0;
  status: number | undefined = undefined;
  responseSize = 0;
  // There is no connecting, and what goes over the wire is no HTTP.
  readonly connectMs: undefined = undefined;
  readonly bytesSent: undefined = undefined;
  readonly bytesReceived: undefined = undefined;

  /** @param address "app:shop" */
  constructor(address: string, redirected: boolean) {
    this.address = address;
    this.redirected = redirected;
  }

  /** The head has come, or will not: the status says what the client would get. */
  answered(status: number): void {
    this.status ??= status;
    if (this.#headMs === 0) this.#headMs = performance.now();
  }

  /** The last of it has come, or nothing more will. @param status what it counts as, where no head has come */
  ended(status?: number): void {
    this.status ??= status;
    if (this.#endMs === 0) this.#endMs = performance.now();
  }

  get headerMs(): number | undefined {
    return this.#headMs === 0 ? undefined : this.#headMs - this.#startMs;
  }

  get responseMs(): number {
    return (this.#endMs === 0 ? performance.now() : this.#endMs) - this.#startMs;
  }
}
