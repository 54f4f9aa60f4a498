/** proxy_limit_rate: how fast a response is read from its upstream. */
import { RateLimit } from "../net/index.ts";

export class ReadPace {
  readonly #limit: RateLimit;
  readonly #due: () => void;
  #readSize = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  private constructor(rate: number, due: () => void) {
    this.#limit = new RateLimit({ rate, after: 0 }, performance.now());
    this.#due = due;
  }

  /** @param rate bytes a second; 0 for no limit @param due called when more may be read */
  static of(rate: number, due: () => void): ReadPace | undefined {
    return rate > 0 ? new ReadPace(rate, due) : undefined;
  }

  /** May something be read now? */
  get isDue(): boolean {
    return this.#timer === undefined;
  }

  /** So many bytes were read. */
  took(size: number): void {
    this.#readSize += size;
    const now = performance.now();
    if (this.#timer !== undefined || this.#limit.allowance(this.#readSize, now) > 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due();
    }, this.#limit.delayMs(this.#readSize, 1, now));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
