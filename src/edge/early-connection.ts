/**
 * A connection before its first request, of which the first bytes are looked at: what is the same whatever is looked
 * for. It ends where they do not come in time, and hands its stream on where they have.
 */
import type { ByteStream, StreamReceiver, Ticked } from "../net/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { EdgeContext } from "./edge-context.ts";

export abstract class EarlyConnection implements StreamReceiver, Ticked {
  protected readonly context: EdgeContext;
  protected readonly stream: ByteStream;
  /** Its stream is another's, or closed: nothing that comes is for it. */
  protected isOver = false;
  #deadlineMs: number;

  /** @param untilMs when the first bytes must be here */
  constructor(context: EdgeContext, stream: ByteStream, untilMs: number) {
    this.context = context;
    this.stream = stream;
    this.#deadlineMs = untilMs;
  }

  /** Until when the first request must begin. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Starts reading. @param first what has come already, valid during the call */
  start(first?: Bytes): void {
    this.context.clock.add(this);
    this.stream.start(this);
    if (first !== undefined && first.length > 0) this.onBytes(first);
  }

  /** The server ends. @param idleMs how long the first bytes, and a request behind them, may still come */
  drain(idleMs: number): void {
    if (idleMs === 0) this.end();
    else this.#deadlineMs = Math.min(this.#deadlineMs, this.context.clock.coarseMs + idleMs);
  }

  /** Closes without an answer. */
  end(): void {
    this.isOver = true;
    this.stream.destroy();
  }

  abstract onBytes(bytes: Bytes): void;

  onEnd(): void {
    this.end();
  }

  onDrain(): void {
    // Nothing is written that could be waited for.
  }

  onClose(): void {
    this.context.clock.remove(this);
    this.onClosed();
  }

  tick(nowMs: number): void {
    if (nowMs > this.#deadlineMs) this.end();
  }

  /** The stream is closed. */
  protected abstract onClosed(): void;

  /** The stream has another receiver from now on. */
  protected leave(): void {
    this.isOver = true;
    this.context.clock.remove(this);
  }
}
