/**
 * How much of responses a server may send (RFC 9113 §5.2, §6.9). Streams of one connection belong to different clients,
 * and a slow one must not stop the others: the connection's window opens with whatever comes, a stream's with what its
 * client has taken. So the bound of memory is that of all streams together: a window each.
 */
import type { FrameWriter } from "./frame-writer.ts";
import { INITIAL_WINDOW } from "./frame.ts";
import type { StreamTable } from "./stream-table.ts";

/** Bytes that may be on their way on all streams of a connection. */
export const CLIENT_CONNECTION_WINDOW = 16_777_216;

export class ClientReceiver<Owner> {
  readonly #streams: StreamTable<Owner>;
  readonly #output: FrameWriter;
  #window = CLIENT_CONNECTION_WINDOW;

  constructor(streams: StreamTable<Owner>, output: FrameWriter) {
    this.#streams = streams;
    this.#output = output;
  }

  /** Opens the connection's window: behind the first SETTINGS. */
  start(): void {
    this.#output.windowUpdate(0, CLIENT_CONNECTION_WINDOW - INITIAL_WINDOW);
  }

  /** So many bytes came, for whatever stream. @returns false when the connection has no window for them */
  receive(size: number): boolean {
    this.#window -= size;
    if (this.#window < 0) return false;
    if (this.#window > CLIENT_CONNECTION_WINDOW / 2) return true;
    this.#output.windowUpdate(0, CLIENT_CONNECTION_WINDOW - this.#window);
    this.#window = CLIENT_CONNECTION_WINDOW;
    return true;
  }

  /** They are this stream's. @returns false when it has no window for them */
  receiveOn(row: number, size: number): boolean {
    const { receiveWindows, unconsumed } = this.#streams;
    const window = (receiveWindows[row] ?? 0) - size;
    receiveWindows[row] = window;
    unconsumed[row] = (unconsumed[row] ?? 0) + size;
    return window >= 0;
  }

  /** So many bytes of a body were taken: the server may send as many others. */
  consume(row: number, size: number): void {
    const { ids, receiveMax, receiveWindows, states, unconsumed } = this.#streams;
    const left = (unconsumed[row] ?? 0) - size;
    unconsumed[row] = left;
    if (states[row] !== "open" && states[row] !== "local-closed") return;
    const max = receiveMax[row] ?? 0;
    const increment = max - (receiveWindows[row] ?? 0) - left;
    if (increment < max / 2) return;
    receiveWindows[row] = max - left;
    this.#output.windowUpdate(ids[row] ?? 0, increment);
  }
}
