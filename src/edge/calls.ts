/**
 * Whom a request asks for its answer: an application, an upstream; one after the other, where an error's page or
 * X-Accel-Redirect leads from one to the next. Each call is an object of its own, so that what is late from one never
 * reaches the other.
 */
import type { AppBody, Pool } from "../app/index.ts";
import type { BodyReceiver } from "../handlers/index.ts";
import type { UpstreamFacts } from "../route/index.ts";
import { AppCall } from "./app-call.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { Outgoing } from "./outgoing.ts";
import { UpstreamCall } from "./upstream-call.ts";

export interface Call {
  /** As it was gathered for it. */
  readonly body: AppBody;
  /**
   * @param known the body, where another call had it before @param keeps may another one want it afterwards?
   * @returns who takes the body
   */
  start(known: AppBody | undefined, keeps: boolean): BodyReceiver | undefined;
  /** Nobody waits for the answer any more. */
  leave(): void;
  /** The client has probably left. */
  hintGone(): void;
  /** The server ends. */
  drain(): void;
}

export class Calls {
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  #current: Call | undefined = undefined;
  /** The tries so far; few requests have more than one. */
  #attempts: UpstreamFacts[] | undefined = undefined;

  constructor(context: EdgeContext, exchange: CurrentRequest, out: Outgoing) {
    this.#context = context;
    this.#exchange = exchange;
    this.#out = out;
  }

  get attempts(): readonly UpstreamFacts[] {
    return this.#attempts ?? noAttempts;
  }

  get current(): Call | undefined {
    return this.#current;
  }

  /** Is nothing asked so far? */
  get isFirst(): boolean {
    return this.#attempts === undefined;
  }

  noteAttempt(attempt: UpstreamFacts): void {
    if (this.#attempts === undefined) this.#attempts = [attempt];
    else this.#attempts.push(attempt);
  }

  app(pool: Pool): Call {
    return (this.#current = new AppCall(this.#context, this.#exchange, this.#out, pool, this));
  }

  upstream(way: CompiledUpstream): Call {
    return (this.#current = new UpstreamCall(this.#context, this.#exchange, this.#out, way, this));
  }
}

const noAttempts: readonly UpstreamFacts[] = [];
