// A clock that a test turns: a month passes at once. Waits of seconds, between two looks at an issuer, pass by
// themselves.
import type { Clock, ClockTimer } from "../../src/acme/clock.ts";

/** Waits up to this are over after `hasteMs`. */
const hastenedMs = 5000;
const hasteMs = 5;

interface Waiting {
  readonly dueMs: number;
  readonly call: () => void;
}

export class SimulatedClock implements Clock {
  #elapsedMs = 0;
  #calendar: number;
  readonly #waiting = new Set<Waiting>();

  /** @param calendar what it says at first, milliseconds since 1970 */
  constructor(calendar: number = Date.now()) {
    this.#calendar = calendar;
  }

  now(): number {
    return this.#calendar + this.#elapsedMs;
  }

  after(ms: number, call: () => void): ClockTimer {
    const waiting = { dueMs: this.#elapsedMs + ms, call };
    this.#waiting.add(waiting);
    const haste = ms <= hastenedMs ? setTimeout(() => this.#fire(waiting), Math.min(ms, hasteMs)) : undefined;
    return {
      cancel: () => {
        clearTimeout(haste);
        this.#waiting.delete(waiting);
      },
    };
  }

  /** Sets the calendar, as somebody does who corrects a clock: nobody has waited for it. */
  jump(ms: number): void {
    this.#calendar += ms;
  }

  /** Lets time pass: whoever waits is called in its turn, and `settle` is awaited before time goes on. */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    for (;;) {
      const next = [...this.#waiting].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#fire(next);
      await settle();
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, endMs);
  }

  #fire(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    this.#elapsedMs = Math.max(this.#elapsedMs, waiting.dueMs);
    waiting.call();
  }
}
