/**
 * Gives a request to the application: decides what happens to its body, then the pool chooses a worker.
 *
 * WSGI: the body is gathered first, in memory and then in a file, so that a slow upload occupies no worker.
 * ASGI: a body that arrived with its head rides along, a longer one streams against the worker's credit.
 */
import { NO_BYTES, allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { AppBody, AppRequest, Pool } from "../app/index.ts";
import { BODY_CREDIT } from "../protocol/wire/index.ts";
import { type BodyReceiver, type GatheringSettings, GatheredBody } from "./gathered-body.ts";

const EMPTY_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

export interface AppExchange extends AppRequest {
  body: AppBody;
  /** Sends `100 Continue` if the client waits for it (RFC 9110 §10.1.1). */
  sendContinue(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** Answers with a page of the edge's own. */
  respondStatus(status: number): void;
}

export interface AppHandlerSettings extends GatheringSettings {
  /** Is the body complete before the application hears of it? */
  readonly gathers: boolean;
  /** The body, where another application had it before. */
  readonly known: AppBody | undefined;
}

/** @returns who takes the body, undefined when the request has none and is on its way */
export function handleApp(exchange: AppExchange, pool: Pool, settings: AppHandlerSettings): BodyReceiver | undefined {
  if (!exchange.head.hasBody || settings.known !== undefined) {
    exchange.body = settings.known ?? EMPTY_BODY;
    submit(exchange, pool);
    return undefined;
  }
  if (!settings.gathers) return new StreamedBody(exchange, pool);
  return new GatheredBody(exchange, settings, () => submit(exchange, pool));
}

/** Gives a request to the application whose body is there, or that has none. */
export function submit(exchange: AppExchange, pool: Pool): void {
  if (!pool.submit(exchange)) exchange.respondStatus(503);
}

/** A body that flows to the application as it is asked for. */
class StreamedBody implements BodyReceiver {
  readonly #exchange: AppExchange;
  readonly #pool: Pool;
  /** What has arrived and not left is `#bytes[#from, #to)`; the memory is used again and again. */
  #bytes: Bytes = NO_BYTES;
  #from = 0;
  #to = 0;
  #credit: number;
  #submitted = false;
  #ended = false;
  /** The last part has left. */
  #done = false;

  constructor(exchange: AppExchange, pool: Pool) {
    this.#exchange = exchange;
    this.#pool = pool;
    this.#credit = exchange.head.fields.semantics.expectContinue ? 0 : BODY_CREDIT;
  }

  onData(bytes: Bytes): void {
    const passed = this.#submitted && this.#from === this.#to ? this.#pass(bytes) : 0;
    if (passed === bytes.length) return;
    this.#keep(bytes, passed);
    if (this.#to - this.#from > BODY_CREDIT) this.#exchange.pauseBody();
    if (this.#submitted) this.#flow();
  }

  onPause(): void {
    if (!this.#submitted) this.#submit();
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#submitted) return this.#flow();
    this.#submitted = true;
    this.#exchange.body = { kind: "whole", bytes: this.#bytes.subarray(this.#from, this.#to) };
    this.#bytes = NO_BYTES;
    submit(this.#exchange, this.#pool);
  }

  onAborted(): void {
    this.#bytes = NO_BYTES;
    this.#from = this.#to = 0;
    this.#pool.abandon(this.#exchange);
  }

  onCredit(size: number): void {
    this.#credit += size;
    if (!this.#ended && this.#from === this.#to) this.#exchange.sendContinue();
    this.#flow();
  }

  onGiven(): void {
    this.#flow();
  }

  #submit(): void {
    this.#submitted = true;
    const { expectContinue } = this.#exchange.head.fields.semantics;
    this.#exchange.body = { kind: "stream", expectContinue };
    submit(this.#exchange, this.#pool);
  }

  /** Sends what credit allows, without a copy of our own. @returns the bytes sent */
  #pass(bytes: Bytes): number {
    const { link } = this.#exchange;
    const size = Math.min(bytes.length, this.#credit);
    if (link === undefined || size <= 0) return 0;
    this.#credit -= size;
    link.sendBody(this.#exchange, bytes.subarray(0, size), true);
    return size;
  }

  /** Copies `bytes` from `start` on behind what is there. */
  #keep(bytes: Bytes, start: number): void {
    const size = bytes.length - start;
    if (this.#to + size > this.#bytes.length) {
      const kept = this.#bytes.subarray(this.#from, this.#to);
      const needed = kept.length + size;
      // Most bodies come in one piece; one that does not may fill its credit and one read more.
      const room = kept.length === 0 ? size : Math.max(needed, 2 * BODY_CREDIT);
      if (needed > this.#bytes.length) this.#bytes = allocate(room);
      this.#bytes.set(kept);
      this.#from = 0;
      this.#to = kept.length;
    }
    bytes.copy(this.#bytes, this.#to, start);
    this.#to += size;
  }

  /** Sends what is there as far as credit goes; while no worker has the request, it waits with it. */
  #flow(): void {
    const { link } = this.#exchange;
    if (link === undefined || this.#done) return;
    while (this.#from < this.#to && this.#credit > 0) {
      const part = this.#bytes.subarray(this.#from, Math.min(this.#to, this.#from + this.#credit));
      this.#credit -= part.length;
      this.#from += part.length;
      const more = !this.#ended || this.#from < this.#to;
      // Copied to the wire at once.
      link.sendBody(this.#exchange, part, more);
      this.#done = !more;
    }
    if (this.#done) return;
    if (this.#ended && this.#from === this.#to) {
      this.#done = true;
      link.sendBody(this.#exchange, NO_BYTES, false);
    } else if (this.#to - this.#from <= BODY_CREDIT / 2) {
      this.#exchange.resumeBody();
    }
  }
}
