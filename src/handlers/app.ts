/**
 * Gives a request to the application: decides what happens to its body, then the pool chooses a worker.
 *
 * WSGI: the body is gathered first, in memory and then in a file, so that a slow upload occupies no worker.
 * ASGI: a body that arrived with its head rides along, a longer one streams against the worker's credit.
 */
import { NO_BYTES, allocate, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { AppBody, AppRequest, Pool } from "../app/index.ts";
import { Spool, secondName } from "../net/index.ts";
import { BODY_CREDIT } from "../protocol/wire/index.ts";

/** Bytes of one body that may lie in memory on their way to a file or a worker before the client is slowed down. */
const BODY_PENDING_MAX = 262_144;
const EMPTY_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

/** Takes the body's bytes as they come. Views are valid during the call. */
export interface BodyReceiver {
  onData(bytes: Bytes): void;
  /** All that has arrived so far was given. */
  onPause(): void;
  onEnd(): void;
  /** The body will never be complete. */
  onAborted(): void;
  onCredit(size: number): void;
  /** A worker has the request now. */
  onGiven(): void;
}

export interface AppExchange extends AppRequest {
  body: AppBody;
  /** Sends `100 Continue` if the client waits for it (RFC 9110 §10.1.1). */
  sendContinue(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** Answers with a page of the edge's own. */
  respondStatus(status: number): void;
}

export interface AppHandlerSettings {
  readonly clientBodyBufferSize: number;
  /** Is the body complete before the application hears of it? */
  readonly gathers: boolean;
  /** A fresh name in the run directory. */
  readonly spoolPath: () => string;
  /** May another application want the body afterwards? */
  readonly keeps: boolean;
  /** The body, where another application had it before. */
  readonly known: AppBody | undefined;
  readonly onNotice: (text: string) => void;
}

/** @returns who takes the body, undefined when the request has none and is on its way */
export function handleApp(exchange: AppExchange, pool: Pool, settings: AppHandlerSettings): BodyReceiver | undefined {
  if (!exchange.head.hasBody || settings.known !== undefined) {
    exchange.body = settings.known ?? EMPTY_BODY;
    submit(exchange, pool);
    return undefined;
  }
  return settings.gathers ? new GatheredBody(exchange, pool, settings) : new StreamedBody(exchange, pool);
}

/** Gives a request to the application whose body is there, or that has none. */
export function submit(exchange: AppExchange, pool: Pool): void {
  if (!pool.submit(exchange)) exchange.respondStatus(503);
}

/** A body that is complete before the application hears of it. */
class GatheredBody implements BodyReceiver {
  readonly #exchange: AppExchange;
  readonly #pool: Pool;
  readonly #settings: AppHandlerSettings;
  #parts: Bytes[] = [];
  #size = 0;
  #spool: Spool | undefined = undefined;
  #pending = 0;
  #failed = false;

  constructor(exchange: AppExchange, pool: Pool, settings: AppHandlerSettings) {
    this.#exchange = exchange;
    this.#pool = pool;
    this.#settings = settings;
  }

  onData(bytes: Bytes): void {
    if (this.#failed) return;
    const part = copyBytes(bytes);
    this.#size += part.length;
    if (this.#spool === undefined) {
      this.#parts.push(part);
      if (this.#size <= this.#settings.clientBodyBufferSize) return;
      this.#spool = new Spool(this.#settings.spoolPath(), true);
      const gathered = concatBytes(this.#parts);
      this.#parts = [];
      this.#store(this.#spool, gathered);
    } else {
      this.#store(this.#spool, part);
    }
  }

  onPause(): void {
    if (this.#size === 0) this.#exchange.sendContinue();
  }

  onEnd(): void {
    if (this.#failed) return;
    const spool = this.#spool;
    if (spool === undefined) {
      const [first] = this.#parts;
      const bytes = this.#parts.length === 1 && first !== undefined ? first : concatBytes(this.#parts);
      this.#exchange.body = { kind: "whole", bytes };
      submit(this.#exchange, this.#pool);
      return;
    }
    void spool.settled().then(async () => {
      await spool.close(this.#failed || this.#exchange.abandoned);
      if (this.#failed || this.#exchange.abandoned) return;
      const copy = this.#settings.keeps ? `${spool.path}-again` : undefined;
      const isCopied = copy !== undefined && secondName(spool.path, copy);
      this.#exchange.body = { kind: "file", path: spool.path, size: spool.size, copy: isCopied ? copy : undefined };
      submit(this.#exchange, this.#pool);
    });
  }

  onAborted(): void {
    this.#failed = true;
    void this.#spool?.close(true);
  }

  /** The application never sees a part of it, so it never asks. */
  onCredit(): void {
    return;
  }

  onGiven(): void {
    return;
  }

  #store(spool: Spool, bytes: Bytes): void {
    this.#pending += bytes.length;
    if (this.#pending > BODY_PENDING_MAX) this.#exchange.pauseBody();
    spool.append(bytes).then(
      () => {
        this.#pending -= bytes.length;
        if (this.#pending <= BODY_PENDING_MAX / 2) this.#exchange.resumeBody();
      },
      (error: unknown) => {
        if (this.#failed) return;
        this.onAborted();
        this.#settings.onNotice(
          `a request body could not be stored in ${spool.path}: ${String(error)}; ` +
            "free space there or lower --client-max-body-size",
        );
        this.#exchange.resumeBody();
        this.#exchange.respondStatus(507);
      },
    );
  }
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
