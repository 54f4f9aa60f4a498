/**
 * When may the next process be started? At once after the first death, later and later while they go on dying:
 * never a tight loop, never given up. Time is an argument, in milliseconds of a clock that does not go back.
 */

export interface RestartLimits {
  /** The first pause; doubled for each further failure. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
}

/** Peers: systemd refuses after 5 starts in 10 s; gunicorn has no pause at all. */
export const workerRestartLimits: RestartLimits = { delayMinMs: 1000, delayMaxMs: 30_000 };
export const edgeRestartLimits: RestartLimits = { delayMinMs: 100, delayMaxMs: 5000 };

export class RestartPolicy {
  readonly #limits: RestartLimits;
  #pauseCount = 0;
  #hasForgiven = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(limits: RestartLimits) {
    this.#limits = limits;
  }

  /**
   * A process that was started at `startedAt` died at `now`. Those that were started together and die together count
   * once. `hadServed`: it was ready before; the first of these is forgiven, its successor has a good chance.
   */
  failed(failure: { readonly now: number; readonly startedAt: number; readonly hadServed: boolean }): void {
    const { now, startedAt, hadServed } = failure;
    if (startedAt <= this.#failedAt) return;
    const { delayMinMs, delayMaxMs } = this.#limits;
    if (now - startedAt > 2 * delayMaxMs) this.reset();
    this.#failedAt = now;
    if (hadServed && !this.#hasForgiven) {
      this.#hasForgiven = true;
      return;
    }
    const delayMs = Math.min(delayMinMs * 2 ** this.#pauseCount++, delayMaxMs);
    this.#notBefore = Math.max(this.#notBefore, now + delayMs);
  }

  /** Milliseconds until a process may be started; 0 if now. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /** A new attempt that the operator asked for does not wait. */
  reset(): void {
    this.#pauseCount = 0;
    this.#hasForgiven = false;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }
}
