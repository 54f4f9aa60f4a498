/**
 * Who sends next (RFC 9218): eight urgencies, in each a line of streams. A stream whose response is of use in parts
 * (`i`) goes back to the end of its line after each frame, another one stays at the front until all of it has left.
 *
 * Deviates: a request without any word of priority is served as if it had said `i`, so that one large response of a
 * client that knows nothing of priorities does not keep all its others waiting (RFC 9218 §10 leaves it to the server).
 */
import type { StreamTable } from "./stream-table.ts";

const URGENCIES = 8;
/** Longest value that is looked at; what is known of it has eight characters. */
const PRIORITY_SIZE_MAX = 256;

export interface Priority {
  readonly urgency: number;
  readonly incremental: boolean;
}

/** RFC 9218 §4: what holds where a field says nothing of it. */
const DEFAULT_URGENCY = 3;

/** Reads a Priority field (a Dictionary of RFC 8941); what is unknown or broken in it is passed over. */
export function parsePriority(value: string): Priority {
  let urgency = DEFAULT_URGENCY;
  let incremental = false;
  for (const member of value.slice(0, PRIORITY_SIZE_MAX).split(",")) {
    const [item = ""] = member.trim().split(";");
    const level = /^u=([0-7])$/.exec(item)?.[1];
    if (level !== undefined) urgency = Number(level);
    else if (item === "i" || item === "i=?1") incremental = true;
    else if (item === "i=?0") incremental = false;
  }
  return { urgency, incremental };
}

/** Streams that have something to send and may. */
export class WaitingLines<Owner> {
  readonly #streams: StreamTable<Owner>;
  readonly #lines: number[][] = Array.from({ length: URGENCIES }, () => []);
  #count = 0;

  constructor(streams: StreamTable<Owner>) {
    this.#streams = streams;
  }

  /** Puts a stream at the end of its line, if it stands in none. */
  add(row: number): void {
    const queue = this.#streams.queues[row];
    if (queue === undefined || queue.isWaiting) return;
    queue.isWaiting = true;
    this.#line(row).push(row);
    this.#count++;
  }

  /** The row that sends next; undefined when nobody waits. */
  next(): number | undefined {
    if (this.#count === 0) return undefined;
    for (const line of this.#lines) if (line.length > 0) return line[0];
    return undefined;
  }

  /** It has sent a frame, and has more. */
  turn(row: number): void {
    if (!(this.#streams.incremental[row] ?? true)) return;
    const line = this.#line(row);
    if (line.length < 2 || line[0] !== row) return;
    line.shift();
    line.push(row);
  }

  /** It has nothing more to send, or may not. */
  remove(row: number): void {
    const queue = this.#streams.queues[row];
    if (queue === undefined || !queue.isWaiting) return;
    queue.isWaiting = false;
    const line = this.#line(row);
    const index = line.indexOf(row);
    if (index < 0) return;
    line.splice(index, 1);
    this.#count--;
  }

  /** Another urgency for a stream, wherever it stands. */
  change(row: number, { urgency, incremental }: Priority): void {
    const wasWaiting = this.#streams.queues[row]?.isWaiting === true;
    this.remove(row);
    this.#streams.urgencies[row] = urgency;
    this.#streams.incremental[row] = incremental;
    if (wasWaiting) this.add(row);
  }

  #line(row: number): number[] {
    return this.#lines[this.#streams.urgencies[row] ?? DEFAULT_URGENCY] ?? [];
  }
}
