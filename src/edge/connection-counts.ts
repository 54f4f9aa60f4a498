/**
 * What stub_status tells: connections, and what they are doing, of all edge threads together. Each thread writes a row
 * of shared memory of its own, so that counting costs no more than a store; who asks adds the rows up.
 */
import type { ConnectionCounters } from "../handlers/index.ts";

/** The columns of a row. Doubles: what only rises must not wrap around. */
const columns = { accepted: 0, handled: 1, requests: 2, active: 3, reading: 4, writing: 5 } as const;
/** A row is a cache line: no thread waits for what another one counts. */
const ROW_FIELDS = 8;
const ROW_SIZE = ROW_FIELDS * Float64Array.BYTES_PER_ELEMENT;

type Counted = keyof typeof columns;

export class ConnectionCounts implements ConnectionCounters {
  readonly #all: Float64Array<SharedArrayBuffer>;
  readonly #own: Float64Array<SharedArrayBuffer>;

  /** @param memory of allocate(), shared with the other threads @param thread from 0 */
  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#all = new Float64Array(memory);
    this.#own = new Float64Array(memory, thread * ROW_SIZE, ROW_FIELDS);
  }

  static allocate(threadCount: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threadCount * ROW_SIZE);
  }

  /** Counts one more, or with -1 one less. @returns what this thread has counted */
  add(what: Counted, by: 1 | -1 = 1): number {
    const column = columns[what];
    return (this.#own[column] = (this.#own[column] ?? 0) + by);
  }

  get accepted(): number {
    return this.#sum("accepted");
  }

  get handled(): number {
    return this.#sum("handled");
  }

  get requests(): number {
    return this.#sum("requests");
  }

  get active(): number {
    return this.#sum("active");
  }

  get reading(): number {
    return this.#sum("reading");
  }

  get writing(): number {
    return this.#sum("writing");
  }

  /** Threads go on counting while their rows are read. */
  get waiting(): number {
    return Math.max(0, this.active - this.reading - this.writing);
  }

  #sum(what: Counted): number {
    let sum = 0;
    for (let at: number = columns[what]; at < this.#all.length; at += ROW_FIELDS) sum += this.#all[at] ?? 0;
    return sum;
  }
}
