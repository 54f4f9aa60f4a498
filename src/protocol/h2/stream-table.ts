/**
 * The streams of a connection as a table: one row for each that is not idle and not closed (RFC 9113 §5.1), its columns
 * plain arrays. A row that is free is used again, so a connection with thousands of requests makes no objects for them.
 *
 *                     ┌──────┐
 *   idle ──headers──▶ │ open │ ──their END_STREAM──▶ remote-closed ──our END_STREAM──▶ closed
 *                     └──────┘ ──our END_STREAM────▶ local-closed ──their END_STREAM─▶ closed
 *   RST_STREAM, from either side, closes from everywhere.
 *
 * Invariant: `rowOf(ids[row]) === row` for every row in use; `count` rows are in use.
 */
import type { SendQueue } from "./send-queue.ts";

/** What happens to a stream. */
export type StreamEvent = "their-end" | "our-end";
export type StreamState = "open" | "remote-closed" | "local-closed" | "closed";

/** All that may happen in each state; what is missing may not. */
export const TRANSITIONS: Readonly<Record<StreamState, Readonly<Partial<Record<StreamEvent, StreamState>>>>> = {
  open: { "their-end": "remote-closed", "our-end": "local-closed" },
  "remote-closed": { "our-end": "closed" },
  "local-closed": { "their-end": "closed" },
  closed: {},
};

export class StreamTable<Owner> {
  readonly #rows = new Map<number, number>();
  readonly #free: number[] = [];
  readonly ids: number[] = [];
  readonly states: StreamState[] = [];
  /** Whom a row belongs to; undefined until somebody has taken it. */
  readonly owners: (Owner | undefined)[] = [];
  /** Bytes that we may send; below zero after a smaller SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.9.2). */
  readonly sendWindows: number[] = [];
  /** Bytes that the peer may send. */
  readonly receiveWindows: number[] = [];
  /** Bytes that came and nobody has consumed yet. */
  readonly unconsumed: number[] = [];
  /** Where that window was opened to last. */
  readonly receiveMax: number[] = [];
  /** Bytes of the body that Content-Length still promises; -1 where it promised nothing. */
  readonly bodyLeft: number[] = [];
  /** Is it not content that comes? (RFC 8441) */
  readonly tunnels: boolean[] = [];
  /** Bytes of the fields that its request holds; of all rows together. */
  readonly #headSizes: number[] = [];
  headsSize = 0;
  /** RFC 9218 §4.1: 0 to 7. */
  readonly urgencies: number[] = [];
  readonly incremental: boolean[] = [];
  /** What waits to be sent. */
  readonly queues: (SendQueue | undefined)[] = [];

  /** Rows in use. */
  get count(): number {
    return this.#rows.size;
  }

  /** All rows in use; it may change meanwhile. */
  rows(): number[] {
    return [...this.#rows.values()];
  }

  /** The stream's row, undefined where it is idle or closed. */
  rowOf(id: number): number | undefined {
    return this.#rows.get(id);
  }

  /** A row for a stream that opens. @returns the row */
  open(id: number, state: StreamState, sendWindow: number, receiveWindow: number): number {
    const row = this.#free.pop() ?? this.ids.length;
    this.#rows.set(id, row);
    this.ids[row] = id;
    this.states[row] = state;
    this.owners[row] = undefined;
    this.sendWindows[row] = sendWindow;
    this.receiveWindows[row] = receiveWindow;
    this.receiveMax[row] = receiveWindow;
    this.unconsumed[row] = 0;
    this.bodyLeft[row] = -1;
    this.tunnels[row] = false;
    this.urgencies[row] = 3;
    this.incremental[row] = true;
    this.queues[row] = undefined;
    return row;
  }

  /** Its request holds fields of so many bytes, in its head or behind its content, until it is closed. */
  holdHead(row: number, size: number): void {
    this.#headSizes[row] = (this.#headSizes[row] ?? 0) + size;
    this.headsSize += size;
  }

  /** Something has happened. @returns the state that follows */
  step(row: number, event: StreamEvent): StreamState {
    const state = this.states[row] ?? "closed";
    return (this.states[row] = TRANSITIONS[state][event] ?? state);
  }

  /** Frees the row. */
  close(row: number): void {
    this.#rows.delete(this.ids[row] ?? 0);
    this.states[row] = "closed";
    this.owners[row] = undefined;
    this.queues[row] = undefined;
    this.headsSize -= this.#headSizes[row] ?? 0;
    this.#headSizes[row] = 0;
    this.#free.push(row);
  }

  /** Holds what is said above? For tests. */
  invariants(): boolean {
    return this.#rows.size + this.#free.length === this.ids.length &&
      [...this.#rows].every(([id, row]) => this.ids[row] === id && this.states[row] !== "closed");
  }
}
