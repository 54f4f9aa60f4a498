/** proxy_limit_rate: a response goes on as fast as it may be read from its upstream. */
import type { FieldLine } from "../http/response-head.ts";
import { RateLimit } from "../net/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Portions a second. */
const PORTIONS_PER_S = 8;

/** The response. */
export interface PacedResponse {
  /** A part of the body may go on. */
  onPaced(bytes: Bytes): void;
  /** All of it has. */
  onPacedEnd(trailers: readonly FieldLine[]): void;
}

/** One read brings more than its second may have: the rest of it waits here, and nothing more is read meanwhile. */
export class ReadPace {
  readonly #limit: RateLimit;
  readonly #response: PacedResponse;
  #waiting: Bytes[] = [];
  #passedSize = 0;
  #trailers: readonly FieldLine[] | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** @param rate bytes a second, more than 0 */
  constructor(rate: number, response: PacedResponse) {
    this.#limit = new RateLimit({ rate, after: 0 }, performance.now());
    this.#response = response;
  }

  /** May more be read now? */
  get isDue(): boolean {
    return this.#waiting.length === 0;
  }

  /** So many bytes were read: a view. */
  take(bytes: Bytes): void {
    this.#waiting.push(copyBytes(bytes));
    if (this.#timer === undefined) this.#pass();
  }

  /** The response is whole. */
  end(trailers: readonly FieldLine[]): void {
    this.#trailers = trailers;
    if (this.isDue) this.#response.onPacedEnd(trailers);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#trailers = undefined;
  }

  #pass(): void {
    this.#timer = undefined;
    for (let part = this.#waiting[0]; part !== undefined; part = this.#waiting[0]) {
      const now = performance.now();
      const portion = Math.min(part.length, Math.max(1, Math.floor(this.#limit.rate / PORTIONS_PER_S)));
      const size = Math.min(part.length, this.#limit.allowance(this.#passedSize, now));
      if (size < portion) {
        const delayMs = this.#limit.delayMs(this.#passedSize, portion, now);
        this.#timer = setTimeout(() => this.#pass(), delayMs);
        return;
      }
      if (size < part.length) this.#waiting[0] = part.subarray(size);
      else this.#waiting.shift();
      this.#passedSize += size;
      this.#response.onPaced(part.subarray(0, size));
    }
    if (this.#trailers !== undefined) this.#response.onPacedEnd(this.#trailers);
  }
}
