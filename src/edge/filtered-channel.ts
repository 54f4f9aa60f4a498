/**
 * A channel with the filters of a location in front of it: whatever a handler sends passes them on its way.
 *
 * Bodies of other requests (`add_before_body`, `add_after_body`) are fetched when they are due; what the handler sends
 * meanwhile waits here. It is bounded by whoever sends: by credit, by the sinks of files, or by being whole already.
 */
import type { HttpSettings } from "../config/model.ts";
import type { BodyFilter, ResponseFilters, Trailers } from "../filters/index.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import { mayHaveBody } from "../http/status.ts";
import type { BodySink } from "../net/index.ts";
import type { ReadyText } from "../protocol/h1/index.ts";
import type { Evaluation } from "../route/index.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { ChunkSink } from "./body-sinks.ts";
import type { Successor } from "./connection-owner.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

export interface FilteredRequest {
  readonly evaluation: Evaluation;
  /** Not a request within another one. */
  readonly isMain: boolean;
  /** The body of a request within this one; empty when it has failed. */
  subrequest(uri: string): Promise<Bytes>;
  /** The head is another one now: variables ask for the one that leaves. */
  changed(head: ResponseHead): void;
  /** These trailer fields are about to be added. */
  trailing(lines: readonly FieldLine[]): void;
}

export class FilteredChannel implements ResponseChannel {
  readonly #channel: ResponseChannel;
  readonly #filters: ResponseFilters;
  readonly #request: FilteredRequest;
  #body: BodyFilter | undefined = undefined;
  #trailers: Trailers | undefined = undefined;
  #after: string | undefined = undefined;
  /** What waits for the body of another request; undefined when nothing has to. */
  #held: (() => void)[] | undefined = undefined;
  #heldSize = 0;
  #dropped = false;

  constructor(channel: ResponseChannel, filters: ResponseFilters, request: FilteredRequest) {
    this.#channel = channel;
    this.#filters = filters;
    this.#request = request;
  }

  get queuedSize(): number {
    return this.#channel.queuedSize + this.#heldSize;
  }

  sendWhole(exchange: SentExchange, head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    const filtered = this.#begin(exchange, head);
    if (this.#isPlain) return this.#channel.sendWhole(exchange, filtered, bytes, start, end);
    if (this.#held === undefined && this.#trailers === undefined && this.#after === undefined) {
      const body = concatBytes([copyBytes(this.#pushed(bytes.subarray(start, end))), this.#ended()]);
      return this.#channel.sendWhole(exchange, filtered, body, 0, body.length);
    }
    this.#channel.sendStart(exchange, filtered, -1, NO_BYTES, 0, 0);
    this.sendChunk(exchange, bytes, start, end);
    this.sendEnd(exchange, []);
  }

  sendReady(exchange: SentExchange, head: ResponseHead, body: Bytes, text: ReadyText | undefined): void {
    const filtered = this.#begin(exchange, head);
    if (this.#isPlain) return this.#channel.sendReady(exchange, filtered, body, filtered === head ? text : undefined);
    if (!hasBody(exchange, filtered)) return this.#channel.sendWhole(exchange, filtered, NO_BYTES, 0, 0);
    this.#channel.sendStart(exchange, filtered, -1, NO_BYTES, 0, 0);
    this.sendChunk(exchange, body, 0, body.length);
    this.sendEnd(exchange, []);
  }

  sendStart(
    exchange: SentExchange, head: ResponseHead, length: number, bytes: Bytes, start: number, end: number,
  ): void {
    const filtered = this.#begin(exchange, head);
    if (this.#isPlain) return this.#channel.sendStart(exchange, filtered, length, bytes, start, end);
    this.#channel.sendStart(exchange, filtered, -1, NO_BYTES, 0, 0);
    if (end > start) this.sendChunk(exchange, bytes, start, end);
  }

  bodySink(exchange: SentExchange): BodySink | undefined {
    return this.#isPlain ? this.#channel.bodySink(exchange) : new ChunkSink(this, exchange);
  }

  sendChunk(exchange: SentExchange, bytes: Bytes, start: number, end: number): void {
    if (this.#held !== undefined) {
      const kept = copyBytes(bytes, start, end);
      this.#heldSize += kept.length;
      this.#held.push(() => {
        this.#heldSize -= kept.length;
        this.sendChunk(exchange, kept, 0, kept.length);
      });
      return;
    }
    if (this.#body === undefined) return this.#channel.sendChunk(exchange, bytes, start, end);
    const pushed = this.#body.push(bytes.subarray(start, end));
    if (pushed.length > 0) this.#channel.sendChunk(exchange, pushed, 0, pushed.length);
  }

  sendEnd(exchange: SentExchange, trailers: readonly FieldLine[]): void {
    if (this.#held !== undefined) return void this.#held.push(() => this.sendEnd(exchange, trailers));
    const rest = this.#ended();
    if (rest.length > 0) this.#channel.sendChunk(exchange, rest, 0, rest.length);
    const end = (): void => {
      const own = this.#trailers?.((lines) => this.#request.trailing(lines)) ?? [];
      this.#channel.sendEnd(exchange, [...trailers, ...own]);
    };
    const after = this.#after;
    if (after === undefined) return end();
    this.#after = undefined;
    this.#fetch(exchange, after, end);
  }

  sendInformational(exchange: SentExchange, status: number, fields: readonly FieldLine[]): void {
    this.#channel.sendInformational(exchange, status, fields);
  }

  sendContinue(): void {
    this.#channel.sendContinue();
  }

  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], successor: Successor): void {
    const { evaluation, isMain } = this.#request;
    const outcome = this.#filters.begin({ head, evaluation, isMain, hasBody: false, mayTransform: false });
    if (outcome.head !== head) this.#request.changed(outcome.head);
    this.#channel.switchProtocols(outcome.head, fields, successor);
  }

  use(http: HttpSettings): void {
    this.#channel.use(http);
  }

  drop(): void {
    this.#channel.drop();
  }

  cut(exchange: SentExchange): void {
    this.#dropped = true;
    this.#channel.cut(exchange);
  }

  finished(exchange: SentExchange): void {
    this.#channel.finished(exchange);
  }

  /** Does it once what waits has left. */
  whenSent(then: () => void): void {
    if (this.#held === undefined) then();
    else this.#held.push(then);
  }

  pauseBody(): void {
    this.#channel.pauseBody();
  }

  resumeBody(): void {
    this.#channel.resumeBody();
  }

  /** The client is gone: nothing that waits is sent any more. */
  close(): void {
    this.#dropped = true;
  }

  get #isPlain(): boolean {
    return this.#body === undefined && this.#trailers === undefined && this.#held === undefined
      && this.#after === undefined;
  }

  #begin(exchange: SentExchange, head: ResponseHead): ResponseHead {
    const { evaluation, isMain } = this.#request;
    const hasOwnBody = hasBody(exchange, head);
    const outcome = this.#filters.begin({ head, evaluation, isMain, hasBody: hasOwnBody, mayTransform: true });
    if (hasOwnBody) {
      this.#body = outcome.body;
      this.#after = outcome.after;
      this.#trailers = outcome.trailers;
      if (outcome.before !== undefined) this.#fetch(exchange, outcome.before, () => undefined);
    }
    if (outcome.head !== head) this.#request.changed(outcome.head);
    return outcome.head;
  }

  #pushed(bytes: Bytes): Bytes {
    return this.#body === undefined ? bytes : this.#body.push(bytes);
  }

  #ended(): Bytes {
    const rest = this.#body?.end() ?? NO_BYTES;
    this.#body = undefined;
    return rest;
  }

  /** Puts the body of another request here, then `then`, then all that came meanwhile. */
  #fetch(exchange: SentExchange, uri: string, then: () => void): void {
    this.#held = [];
    void this.#request.subrequest(uri).then((bytes) => {
      if (this.#dropped) return;
      const held = this.#held ?? [];
      this.#held = undefined;
      if (bytes.length > 0) this.#channel.sendChunk(exchange, bytes, 0, bytes.length);
      then();
      // One of them may have to wait again; those behind it follow it.
      for (const [index, step] of held.entries()) {
        if (this.#hold(held.slice(index))) return;
        step();
      }
    });
  }

  /** Lets steps wait behind another request's body, if there is one. */
  #hold(steps: readonly (() => void)[]): boolean {
    this.#held?.push(...steps);
    return this.#held !== undefined;
  }
}

function hasBody({ head }: SentExchange, response: ResponseHead): boolean {
  return mayHaveBody(head.method, response.status);
}
