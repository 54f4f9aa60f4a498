/** A request within a request: its body is what somebody else's response has in it. */
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { parseInternalUri } from "../route/index.ts";
import { ChunkSink } from "./body-sinks.ts";
import type { EdgeContext } from "./edge-context.ts";
import { Exchange } from "./exchange.ts";
import { internalHead } from "./internal-redirect.ts";
import type { BodySink } from "../net/index.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** Bytes of one such body; it is gathered in memory. */
const BODY_SIZE_MAX = 8_388_608;
/** Requests in requests in requests (nginx: 50). */
const DEPTH_MAX = 50;

/**
 * Runs a request for `uri` with the client and the server of `outer`.
 * @returns its body; what fails is in the error log, and has none
 */
export function runSubrequest(context: EdgeContext, outer: Exchange, uri: string): Promise<Bytes> {
  const target = parseInternalUri(uri);
  if (target === undefined || outer.depth >= DEPTH_MAX) {
    outer.notice("error", target === undefined ? `unsafe URI "${uri}" in a subrequest` : "subrequests cycle");
    return Promise.resolve(NO_BYTES);
  }
  return new Promise((resolve) => {
    const { received, peer, at, connection } = outer;
    const channel = new GatheringChannel(resolve);
    const head = internalHead({ ...received, method: "GET" });
    const inner = new Exchange(context, channel, connection, head, peer, at, outer);
    inner.beginWithin(outer, target);
  });
}

/** Keeps what is sent, instead of sending it. */
class GatheringChannel implements ResponseChannel {
  readonly queuedSize = 0;
  readonly #resolve: (bytes: Bytes) => void;
  readonly #parts: Bytes[] = [];
  #size = 0;

  constructor(resolve: (bytes: Bytes) => void) {
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
    if (this.#size <= BODY_SIZE_MAX) this.#parts.push(copyBytes(bytes, start, end));
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
