/** Where the bytes of a file go: straight into the socket, or through whoever frames or changes them. */
import type { BodySink, ByteStream } from "../net/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { H1Writer } from "./h1-writer.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** A body that goes as it is: sendfile(2) may pass by the stream. */
export class PlainSink implements BodySink {
  readonly #stream: ByteStream;
  readonly #writer: H1Writer;
  readonly #exchange: SentExchange;

  constructor(stream: ByteStream, writer: H1Writer, exchange: SentExchange) {
    this.#stream = stream;
    this.#writer = writer;
    this.#exchange = exchange;
  }

  get descriptor(): number {
    return this.#stream.idleDescriptor;
  }

  write(bytes: Bytes, taken: () => void): void {
    this.#exchange.bytesSent += bytes.length;
    this.#writer.raw(bytes, taken);
  }

  passed(size: number): void {
    this.#exchange.bytesSent += size;
    this.#writer.passed(size);
  }
}

/** Bytes that may wait for the client before the file is read on. */
const QUEUED_MAX = 131_072;

/** A body that is chunked or filtered: each portion is a copy on its way, and the next one waits for room. */
export class ChunkSink implements BodySink {
  readonly descriptor = -1;
  readonly #channel: ResponseChannel;
  readonly #exchange: SentExchange;
  #waiting: (() => void) | undefined = undefined;

  constructor(channel: ResponseChannel, exchange: SentExchange) {
    this.#channel = channel;
    this.#exchange = exchange;
  }

  write(bytes: Bytes, taken: () => void): void {
    this.#channel.sendChunk(this.#exchange, bytes, 0, bytes.length);
    if (this.#channel.queuedSize > QUEUED_MAX) this.#waiting = taken;
    // Never within the call: whoever writes in a loop would go deeper with each portion.
    else setImmediate(taken);
  }

  passed(): void {
    return;
  }

  /** The client has taken what was queued. */
  drained(): void {
    const taken = this.#waiting;
    this.#waiting = undefined;
    taken?.();
  }
}
