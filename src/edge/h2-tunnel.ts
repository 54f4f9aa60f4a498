/**
 * A stream of HTTP/2 as bytes both ways (RFC 8441), once another protocol has begun on it: what a connection is to a
 * WebSocket or a tunnel. END_STREAM is the end of a direction, RST_STREAM that of everything.
 */
import type { StreamReceiver } from "../net/index.ts";
import { ErrorCode } from "../protocol/h2/index.ts";
import type { H2Engine, StreamOwner } from "../protocol/h2/index.ts";
import { fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { ClientStream } from "./connection-owner.ts";

/** With more than this in the queue a writer shall wait for `onDrain`. */
const QUEUED_MAX = 65_536;
/** No row: the stream is closed. */
const GONE = -1;

/** What it needs of its connection. */
interface TunnelConnection {
  readonly engine: Pick<H2Engine<StreamOwner>, "sender" | "receiver">;
  touch(): void;
}

export class H2Tunnel implements ClientStream {
  readonly #connection: TunnelConnection;
  readonly #abort: (code: ErrorCode) => void;
  #row: number;
  #receiver: StreamReceiver | undefined = undefined;
  #isPaused = false;
  #isEnded = false;
  /** Bytes that came while nobody wanted more: their window stays closed. */
  #withheld = 0;
  #written = 0;

  /** @param abort resets the stream */
  constructor(connection: TunnelConnection, row: number, abort: (code: ErrorCode) => void) {
    this.#connection = connection;
    this.#row = row;
    this.#abort = abort;
  }

  get queuedSize(): number {
    return this.#row === GONE ? 0 : this.#connection.engine.sender.queuedSize(this.#row);
  }

  get finishedSize(): number {
    return this.#written - this.queuedSize;
  }

  readonly unfinishedSize = 0;

  start(receiver: StreamReceiver): void {
    this.#receiver = receiver;
  }

  writeLatin1(text: string): boolean {
    return this.#write(fromLatin1(text), undefined);
  }

  writeBytes(bytes: Bytes, taken?: () => void): boolean {
    return this.#write(bytes, taken);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const withheld = this.#withheld;
    this.#withheld = 0;
    if (this.#row === GONE || withheld === 0) return;
    this.#connection.engine.receiver.consume(this.#row, withheld);
    this.#connection.touch();
  }

  /** Ends our direction behind what is queued. */
  end(): void {
    if (this.#row === GONE || this.#isEnded) return;
    this.#isEnded = true;
    this.#connection.engine.sender.end(this.#row, undefined);
    this.#connection.touch();
  }

  close(): void {
    this.end();
  }

  destroy(): void {
    this.#abort(ErrorCode.CANCEL);
  }

  // What the stream tells.

  /** A view, valid during the call. */
  onData(bytes: Bytes): void {
    const row = this.#row;
    this.#receiver?.onBytes(bytes);
    if (this.#row === GONE) return;
    if (this.#isPaused) this.#withheld += bytes.length;
    else this.#connection.engine.receiver.consume(row, bytes.length);
  }

  onEnd(): void {
    this.#receiver?.onEnd();
  }

  onDrained(): void {
    this.#receiver?.onDrain();
  }

  onFreed(): void {
    this.#row = GONE;
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.onClose();
  }

  #write(bytes: Bytes, taken: (() => void) | undefined): boolean {
    if (this.#row === GONE || this.#isEnded || bytes.length === 0) {
      taken?.();
      return true;
    }
    this.#written += bytes.length;
    const { sender } = this.#connection.engine;
    if (sender.keep(this.#row, bytes, 0, bytes.length, false, taken)) taken?.();
    this.#connection.touch();
    return this.queuedSize <= QUEUED_MAX;
  }
}
