/** A request within a request: its body is what somebody else's response has in it. */
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { ChunkSink } from "./body-sinks.ts";
import type { BodySink } from "../net/index.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** Bytes of one such body; it is gathered in memory. */
const BODY_SIZE_MAX = 8_388_608;

/**
 * @param start begins the request whose response goes to the channel
 * @returns its body; what fails is in the error log, and has none
 */
export function gatherBody(start: (channel: ResponseChannel) => void): Promise<Bytes> {
  return new Promise((resolve) => start(new GatheringChannel(BODY_SIZE_MAX, resolve)));
}

/** Begins a request whose response nobody wants. */
export function dropResponse(start: (channel: ResponseChannel) => void): void {
  start(new GatheringChannel(0, () => undefined));
}

/** Keeps what is sent, instead of sending it. */
class GatheringChannel implements ResponseChannel {
  readonly queuedSize = 0;
  readonly #sizeMax: number;
  readonly #resolve: (bytes: Bytes) => void;
  readonly #parts: Bytes[] = [];
  #size = 0;

  /** @param sizeMax bytes that are kept */
  constructor(sizeMax: number, resolve: (bytes: Bytes) => void) {
    this.#sizeMax = sizeMax;
    this.#resolve = resolve;
  }

  sendWhole(exchange: SentExchange, _head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    this.sendChunk(exchange, bytes, start, end);
  }

  sendReady(exchange: SentExchange, _head: ResponseHead, body: Bytes): void {
    this.sendChunk(exchange, body, 0, body.length);
  }

  sendStart(
    exchange: SentExchange, _head: ResponseHead, _length: number, bytes: Bytes, start: number, end: number,
  ): void {
    this.sendChunk(exchange, bytes, start, end);
  }

  bodySink(exchange: SentExchange): BodySink {
    return new ChunkSink(this, exchange);
  }

  sendChunk(exchange: SentExchange, bytes: Bytes, start: number, end: number): void {
    exchange.bytesSent += end - start;
    this.#size += end - start;
    // What is larger is no part of a page: the rest is left out.
    if (this.#size <= this.#sizeMax) this.#parts.push(copyBytes(bytes, start, end));
  }

  finished(): void {
    this.#resolve(concatBytes(this.#parts));
  }

  cut(): void {
    this.#resolve(concatBytes(this.#parts));
  }

  drop(): void {
    this.#resolve(NO_BYTES);
  }

  sendEnd(_exchange: SentExchange, _trailers: readonly FieldLine[]): void {
    return;
  }

  sendInformational(): void {
    return;
  }

  sendContinue(): void {
    return;
  }

  switchProtocols(): void {
    return;
  }

  use(): void {
    return;
  }

  pauseBody(): void {
    return;
  }

  resumeBody(): void {
    return;
  }
}
