/**
 * When may the next process be started? At once after the first death, later and later while they go on dying:
 * never a tight loop, never given up. Time is an argument, in milliseconds of a clock that does not go back.
 */

export interface RestartLimits {
  /** Pause after the second failure in a row; doubled for each further one. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
}

/** Peers: systemd refuses after 5 starts in 10 s; gunicorn has no pause at all. */
export const workerRestartLimits: RestartLimits = { delayMinMs: 1000, delayMaxMs: 30_000 };
export const edgeRestartLimits: RestartLimits = { delayMinMs: 100, delayMaxMs: 5000 };

export class RestartPolicy {
  readonly #limits: RestartLimits;
  #failureCount = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(limits: RestartLimits) {
    this.#limits = limits;
  }

  /**
   * A process that was started at `startedAt` died at `now`. Those that were started together and die together count
   * once. `hadServed`: it was ready before, so that its successor has a good chance.
   */
  failed(failure: { readonly now: number; readonly startedAt: number; readonly hadServed: boolean }): void {
    const { now, startedAt, hadServed } = failure;
    if (startedAt <= this.#failedAt) return;
    if (now - startedAt > 2 * this.#limits.delayMaxMs) this.#failureCount = 0;
    this.#failedAt = now;
    const exponent = hadServed ? this.#failureCount - 1 : this.#failureCount;
    this.#failureCount++;
    const { delayMinMs, delayMaxMs } = this.#limits;
    const delayMs = exponent < 0 ? 0 : Math.min(delayMinMs * 2 ** exponent, delayMaxMs);
    this.#notBefore = Math.max(this.#notBefore, now + delayMs);
  }

  /** Milliseconds until a process may be started; 0 if now. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /** A new attempt that the operator asked for does not wait. */
  reset(): void {
    this.#failureCount = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }
}
