/**
 * nginx's limit_rate: how many bytes of a response may have left by now.
 *
 * Invariant: after t seconds at most `after + rate · (t + 1)` bytes were allowed; the second in advance lets a small
 * response leave at once.
 */
export interface RateSettings {
  /** Bytes a second, more than 0. */
  readonly rate: number;
  /** Bytes that do not count (limit_rate_after). */
  readonly after: number;
}

export class RateLimit {
  readonly #settings: RateSettings;
  readonly #startMs: number;

  constructor(settings: RateSettings, startMs: number) {
    this.#settings = settings;
    this.#startMs = startMs;
  }

  /** Bytes a second. */
  get rate(): number {
    return this.#settings.rate;
  }

  /** @param sent bytes that have left so far. @returns bytes that may follow now */
  allowance(sent: number, nowMs: number): number {
    const { rate, after } = this.#settings;
    // Whole seconds, as nginx counts, would come in jerks.
    return Math.max(0, Math.floor(after + rate * ((nowMs - this.#startMs) / 1000 + 1) - sent));
  }

  /** Milliseconds until `size` bytes may follow. */
  delayMs(sent: number, size: number, nowMs: number): number {
    const { rate, after } = this.#settings;
    return Math.max(1, Math.ceil(this.#startMs + ((sent + size - after) / rate - 1) * 1000 - nowMs));
  }
}
