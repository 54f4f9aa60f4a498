/**
 * What leaves on the streams of a connection, and when: flow control (RFC 9113 §5.2, §6.9), and whose turn it is.
 *
 * While windows and room allow it, DATA goes straight into the frames of this turn; what may not yet waits in its
 * stream's queue, and `pump` sends it when a window opens or the connection takes more.
 *
 * Invariant: `#total` is the sum of all queues; a row stands in line if and only if it has something to send and a
 * window for it.
 */
import { NO_BYTES } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { Budgets } from "./budgets.ts";
import type { Fault } from "./events.ts";
import { ErrorCode, INITIAL_WINDOW, WINDOW_MAX } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { type Priority, WaitingLines } from "./priority.ts";
import { SendQueue } from "./send-queue.ts";
import type { StreamTable } from "./stream-table.ts";

/**
 * With more than this in its queue a stream is full, and is told when half of it has left. Nobody who fills a stream
 * stops before.
 */
export const STREAM_FULL = 65_536;
/** All queues of a connection together: beyond it every stream is full. */
export const CONNECTION_FULL = 1_048_576;
/** Bodies that are asked for at once; each holds a buffer (src/net/read-buffers.ts). */
export const PULLED_MAX = 8;

/** Who fills a stream. */
export interface StreamOwner {
  /** There is room again in a queue that was full. */
  onDrained(): void;
  /** The stream is closed: its row is another's from now on. */
  onFreed(): void;
}

export class Sender<Owner extends StreamOwner> {
  readonly #streams: StreamTable<Owner>;
  readonly #output: FrameWriter;
  readonly #budgets: Budgets;
  readonly #chunkSize: number;
  /** All of a stream has left. */
  readonly #ended: (row: number) => void;
  readonly #lines: WaitingLines<Owner>;
  /** Bytes that we may send on all streams together. */
  #window = INITIAL_WINDOW;
  #initialWindow = INITIAL_WINDOW;
  #total = 0;
  /** Rows whose bodies nobody has asked for yet, because others come first or their windows are closed. */
  readonly #unread: number[] = [];
  /** Bodies that were asked for and have not come. */
  #pulledCount = 0;
  #isCrowded = false;
  /** Bytes of DATA that the connection takes now; set by whoever writes the frames, before `pump`. */
  room = 0;

  constructor(
    streams: StreamTable<Owner>, output: FrameWriter, budgets: Budgets, chunkSize: number,
    ended: (row: number) => void,
  ) {
    this.#streams = streams;
    this.#output = output;
    this.#budgets = budgets;
    this.#chunkSize = chunkSize;
    this.#ended = ended;
    this.#lines = new WaitingLines(streams);
  }

  /** What a stream's window is when it opens. */
  get initialWindow(): number {
    return this.#initialWindow;
  }

  /** Bytes of a stream that wait, for whoever fills it: much more than there are while the connection has too much. */
  queuedSize(row: number): number {
    const own = this.#streams.queues[row]?.size ?? 0;
    return this.#isCrowded ? own + CONNECTION_FULL : own;
  }

  /** Does anything of it wait for the peer's windows, and how much has left so far? For deadlines. */
  progress(row: number): { readonly waits: boolean; readonly taken: number } {
    const queue = this.#streams.queues[row];
    const isClosed = (this.#streams.sendWindows[row] ?? 0) <= 0 || this.#window <= 0;
    const hasMore = queue !== undefined && (queue.size > 0 || queue.pull !== undefined);
    return { waits: isClosed && hasMore, taken: queue?.taken ?? 0 };
  }

  /** Asks for a stream's body by `pull` when it may be sent: memory is for those whose turn it is. */
  whenWanted(row: number, pull: () => void): void {
    this.#queueOf(row).pull = pull;
    this.#unread.push(row);
  }

  /** Bytes that wait in all queues. */
  get totalSize(): number {
    return this.#total;
  }

  /** RFC 9113 §6.9.2: changes the windows of all streams. @returns false when one becomes larger than may be */
  setInitialWindow(size: number): boolean {
    const change = size - this.#initialWindow;
    this.#initialWindow = size;
    for (const row of this.#streams.rows()) if (!this.#widen(row, change)) return false;
    return true;
  }

  /** RFC 9113 §6.9: opens a window further. @param row undefined for the connection's @returns what is wrong with it */
  takeWindowUpdate(row: number | undefined, increment: number): Fault | undefined {
    if (increment === 0) return { code: ErrorCode.PROTOCOL_ERROR, reason: "WINDOW_UPDATE of 0" };
    if (row !== undefined) return this.#widen(row, increment) ? undefined : tooWide("stream");
    this.#window += increment;
    return this.#window <= WINDOW_MAX ? undefined : tooWide("connection");
  }

  #widen(row: number, change: number): boolean {
    const window = (this.#streams.sendWindows[row] ?? 0) + change;
    this.#streams.sendWindows[row] = window;
    if (window > 0 && (this.#streams.queues[row]?.size ?? 0) > 0) this.#lines.add(row);
    return window <= WINDOW_MAX;
  }

  setPriority(row: number, priority: Priority): void {
    this.#lines.change(row, priority);
  }

  /** Header blocks are not subject to flow control. @param more behind the block */
  headers(row: number, block: Bytes, more: Bytes, endStream: boolean): void {
    this.#output.headers(this.#streams.ids[row] ?? 0, block, more, endStream);
    if (endStream) this.#ended(row);
  }

  /** Sends a copy of `bytes[start, end)`. */
  data(row: number, bytes: Bytes, start: number, end: number, endStream: boolean): void {
    this.#arrived(row);
    const at = this.#sendNow(row, bytes, start, end, endStream);
    if (at === end) return;
    const queue = this.#queueOf(row);
    queue.copy(bytes, at, end);
    this.#queued(row, queue, end - at, endStream);
  }

  /**
   * Sends `bytes[start, end)`, which stay as they are until `taken` is called, if it is given.
   * @returns true when they have all left within the call: then `taken` is not called
   */
  keep(
    row: number, bytes: Bytes, start: number, end: number, endStream: boolean, taken?: () => void,
  ): boolean {
    this.#arrived(row);
    const at = this.#sendNow(row, bytes, start, end, endStream);
    if (at === end) return true;
    const queue = this.#queueOf(row);
    queue.keep(bytes, at, end, taken);
    this.#queued(row, queue, end - at, endStream);
    return false;
  }

  /** Ends a stream behind what waits. @param trailers their block, undefined without any */
  end(row: number, trailers: Bytes | undefined): void {
    this.#arrived(row);
    const queue = this.#streams.queues[row];
    if (queue !== undefined && queue.size > 0) queue.end = { trailers };
    else this.#sendEnd(row, trailers);
  }

  /** Nothing more of it is sent. @returns what was still waiting, to be dropped */
  leave(row: number): SendQueue | undefined {
    const queue = this.#streams.queues[row];
    if (queue === undefined) return undefined;
    this.#arrived(row);
    if (queue.pull !== undefined) this.#unread.splice(this.#unread.indexOf(row), 1);
    this.#lines.remove(row);
    this.#total -= queue.size;
    this.#streams.queues[row] = undefined;
    return queue;
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.#pumpOnce() || this.#pull()) continue;
  }

  /** Asks for bodies, the most urgent first. @returns true when somebody was asked, and may have answered */
  #pull(): boolean {
    const before = this.#unread.length;
    while (this.#pulledCount < PULLED_MAX && !this.#isCrowded && this.room > 0 && this.#window > 0) {
      const index = this.#nextUnread();
      if (index < 0) break;
      const [row = -1] = this.#unread.splice(index, 1);
      const queue = this.#streams.queues[row];
      if (queue === undefined) break;
      const { pull } = queue;
      queue.pull = undefined;
      queue.isPulled = true;
      this.#pulledCount++;
      pull?.();
    }
    return this.#unread.length < before;
  }

  /** Where in the list the first of the most urgent is that has a window; -1 for none. */
  #nextUnread(): number {
    const { sendWindows, urgencies } = this.#streams;
    let best = -1;
    let bestUrgency = Number.POSITIVE_INFINITY;
    for (const [index, row] of this.#unread.entries()) {
      const urgency = urgencies[row] ?? 0;
      if ((sendWindows[row] ?? 0) <= 0 || urgency >= bestUrgency) continue;
      best = index;
      bestUrgency = urgency;
    }
    return best;
  }

  /** What was asked for is there, or will never be. */
  #arrived(row: number): void {
    const queue = this.#streams.queues[row];
    if (queue?.isPulled !== true) return;
    queue.isPulled = false;
    this.#pulledCount--;
  }

  /** @returns true when somebody was told to send more, and may have done so */
  #pumpOnce(): boolean {
    const drained: Owner[] = [];
    while (this.room > 0 && this.#window > 0) {
      const row = this.#lines.next();
      if (row === undefined) break;
      const queue = this.#streams.queues[row];
      if (queue === undefined) break;
      const window = this.#streams.sendWindows[row] ?? 0;
      if (window <= 0) {
        this.#lines.remove(row);
        continue;
      }
      this.#sendPart(row, queue, Math.min(this.#chunkSize, window, this.#window));
      if (queue.wasFull && queue.size <= STREAM_FULL / 2) {
        queue.wasFull = false;
        const owner = this.#streams.owners[row];
        if (owner !== undefined && this.#streams.queues[row] === queue) drained.push(owner);
      }
    }
    if (this.#isCrowded && this.#total <= CONNECTION_FULL / 2) {
      this.#isCrowded = false;
      for (const row of this.#streams.rows()) {
        const owner = this.#streams.owners[row];
        if (owner !== undefined && !drained.includes(owner)) drained.push(owner);
      }
    }
    for (const owner of drained) owner.onDrained();
    return drained.length > 0;
  }

  #sendPart(row: number, queue: SendQueue, sizeMax: number): void {
    const id = this.#streams.ids[row] ?? 0;
    const isLast = queue.end !== undefined && queue.end.trailers === undefined && queue.size <= sizeMax;
    const before = queue.size;
    let sent = 0;
    let isEnd = false;
    const taken = queue.take(sizeMax, (bytes, start, end) => {
      sent = end - start;
      isEnd = isLast && sent === before;
      this.#output.data(id, bytes, start, end, isEnd);
      this.#charge(row, sent);
      this.#total -= sent;
    });
    const { end } = queue;
    if (queue.size > 0) this.#lines.turn(row);
    else this.#lines.remove(row);
    if (queue.size === 0 && end !== undefined) {
      if (isEnd) this.#ended(row);
      else this.#sendEnd(row, end.trailers);
    }
    taken?.();
  }

  /** @returns how far of it has left: all of it only together with the end, if that is asked for */
  #sendNow(row: number, bytes: Bytes, start: number, end: number, endStream: boolean): number {
    const queued = this.#streams.queues[row];
    if (queued !== undefined && queued.size > 0) return start;
    if (start === end) {
      if (endStream) this.#sendEnd(row, undefined);
      return end;
    }
    const id = this.#streams.ids[row] ?? 0;
    let at = start;
    while (at < end && this.room > 0) {
      const window = Math.min(this.#streams.sendWindows[row] ?? 0, this.#window);
      if (window <= 0) break;
      const next = Math.min(end, at + Math.min(this.#chunkSize, window));
      this.#output.data(id, bytes, at, next, endStream && next === end);
      this.#charge(row, next - at);
      at = next;
    }
    if (at === end && endStream) this.#ended(row);
    return at;
  }

  #charge(row: number, size: number): void {
    this.#window -= size;
    this.#streams.sendWindows[row] = (this.#streams.sendWindows[row] ?? 0) - size;
    this.room -= size;
    this.#budgets.sentData();
  }

  #sendEnd(row: number, trailers: Bytes | undefined): void {
    const id = this.#streams.ids[row] ?? 0;
    if (trailers === undefined) this.#output.data(id, NO_BYTES, 0, 0, true);
    else this.#output.headers(id, trailers, NO_BYTES, true);
    this.#ended(row);
  }

  #queueOf(row: number): SendQueue {
    return (this.#streams.queues[row] ??= new SendQueue());
  }

  #queued(row: number, queue: SendQueue, size: number, endStream: boolean): void {
    this.#total += size;
    if (endStream) queue.end = { trailers: undefined };
    if (queue.size > STREAM_FULL) queue.wasFull = true;
    if (this.#total > CONNECTION_FULL) this.#isCrowded = true;
    if ((this.#streams.sendWindows[row] ?? 0) > 0) this.#lines.add(row);
  }
}

function tooWide(whose: "stream" | "connection"): Fault {
  return { code: ErrorCode.FLOW_CONTROL_ERROR, reason: `${whose} window above 2^31-1` };
}
