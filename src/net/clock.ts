/**
 * Time for one thread: read once a turn, and one coarse tick for all deadlines.
 * Deadlines of ten thousand connections cost one number each instead of a timer each.
 */
import { formatHttpDate } from "../http/date.ts";
import { SecondText } from "../std/second-text.ts";

/** How late a deadline may be noticed. */
const TICK_MS = 250;

/** Something that looks at its own deadlines when the clock ticks. */
export interface Ticked {
  /** @param nowMs monotonic milliseconds */
  tick(nowMs: number): void;
}

export class Clock {
  readonly #ticked = new Set<Ticked>();
  readonly #date = new SecondText((ms) => formatHttpDate(Math.floor(ms / 1000)));
  readonly #timer: NodeJS.Timeout;
  /** Monotonic milliseconds, at most a tick old: enough for deadlines, not for measuring. */
  coarseMs: number = performance.now();
  /** The Date field's line with its CRLF, at most a tick old. */
  dateLine = "";
  /** The same with the empty line that ends a head: one text for a second. */
  headEnd = "";

  constructor() {
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  add(ticked: Ticked): void {
    this.#ticked.add(ticked);
  }

  remove(ticked: Ticked): void {
    this.#ticked.delete(ticked);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.coarseMs = performance.now();
    const dateLine = `Date: ${this.#date.at(Date.now())}\r\n`;
    if (dateLine !== this.dateLine) {
      this.dateLine = dateLine;
      this.headEnd = `${dateLine}\r\n`;
    }
    for (const ticked of this.#ticked) ticked.tick(this.coarseMs);
  }
}
