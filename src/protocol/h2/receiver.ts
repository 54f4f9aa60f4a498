/**
 * How much of bodies a peer may send (RFC 9113 §5.2, §6.9): each stream its window, all together the connection's. What
 * was received counts until somebody has consumed it; so memory is bounded, whoever is slow.
 */
import type { FrameWriter } from "./frame-writer.ts";
import type { StreamTable } from "./stream-table.ts";

/** Bytes that all streams of a connection may have sent and nobody has consumed (Envoy at the edge: 1 MiB). */
export const CONNECTION_WINDOW = 1_048_576;
/** What one stream may have of it, once somebody consumes its body. */
const UPLOAD_WINDOW = 1_048_576;

export class Receiver<Owner> {
  readonly #streams: StreamTable<Owner>;
  readonly #output: FrameWriter;
  #window = CONNECTION_WINDOW;
  /** Bytes that it may have again, and of which the peer has not been told. */
  #owed = 0;

  constructor(streams: StreamTable<Owner>, output: FrameWriter) {
    this.#streams = streams;
    this.#output = output;
  }

  /** So many bytes came, for whatever stream. @returns false when the connection has no window for them */
  receive(size: number): boolean {
    this.#window -= size;
    return this.#window >= 0;
  }

  /** They are this stream's. @returns false when it has no window for them */
  receiveOn(row: number, size: number): boolean {
    const streams = this.#streams;
    const window = (streams.receiveWindows[row] ?? 0) - size;
    streams.receiveWindows[row] = window;
    streams.unconsumed[row] = (streams.unconsumed[row] ?? 0) + size;
    return window >= 0;
  }

  /** So many bytes of a body are not needed any more: the peer may send as many others. */
  consume(row: number, size: number): void {
    const streams = this.#streams;
    this.discard(row, size);
    if (streams.states[row] === "remote-closed") return;
    const window = streams.receiveWindows[row] ?? 0;
    if (window > (streams.receiveMax[row] ?? 0) / 2) return;
    // Somebody wants it: from now on it may come faster.
    const increment = UPLOAD_WINDOW - window - (streams.unconsumed[row] ?? 0);
    if (increment <= 0) return;
    streams.receiveMax[row] = UPLOAD_WINDOW;
    streams.receiveWindows[row] = window + increment;
    this.#output.windowUpdate(streams.ids[row] ?? 0, increment);
  }

  /** So many bytes of a body are dropped: others may send more, this stream may not. */
  discard(row: number, size: number): void {
    this.#streams.unconsumed[row] = (this.#streams.unconsumed[row] ?? 0) - size;
    this.credit(size);
  }

  /**
   * The response is complete before its request. A little more may come, and is dropped; beyond that the peer is to be
   * told that the rest is not wanted (RFC 9113 §8.1).
   */
  mayFinish(row: number): boolean {
    const { receiveWindows, receiveMax, bodyLeft } = this.#streams;
    const window = receiveWindows[row] ?? 0;
    return window > (receiveMax[row] ?? 0) / 2 && (bodyLeft[row] ?? -1) <= window;
  }

  /** The stream is over: what nobody has consumed of it is the connection's again. */
  leave(row: number): void {
    const unconsumed = this.#streams.unconsumed[row] ?? 0;
    if (unconsumed > 0) this.credit(unconsumed);
  }

  /** The connection's window opens again for so many bytes. */
  credit(size: number): void {
    this.#owed += size;
    if (this.#owed < CONNECTION_WINDOW / 2) return;
    this.#output.windowUpdate(0, this.#owed);
    this.#window += this.#owed;
    this.#owed = 0;
  }
}
