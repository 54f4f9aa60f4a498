/**
 * Whom a request asks for its answer: an application, an upstream; one after the other, where an error's page or
 * X-Accel-Redirect leads from one to the next. Each call is an object of its own, so that what is late from one never
 * reaches the other.
 */
import { Pool } from "../app/index.ts";
import type { UpstreamFacts } from "../route/index.ts";
import { AppAttempt } from "./app-attempt.ts";
import { AppCall } from "./app-call.ts";
import type { AttemptLog, Call } from "./call.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { Outgoing } from "./outgoing.ts";
import { UpstreamCall } from "./upstream-call.ts";

/** Who is asked: an application, by its workers, or an upstream, as a location asks it. */
export type Asked = Pool | CompiledUpstream;

export class Calls implements AttemptLog {
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

  noteAttempt(attempt: UpstreamFacts): void {
    if (this.#attempts === undefined) this.#attempts = [attempt];
    else this.#attempts.push(attempt);
  }

  /** A fresh name for a file that this one reads. */
  bodyPath(whom: Asked): string {
    return whom instanceof Pool ? this.#context.bodyPath(whom) : this.#context.requestPath();
  }

  /** Begins with the next one. */
  make(whom: Asked): Call {
    const isFirst = this.#attempts === undefined;
    return (this.#current = whom instanceof Pool
      ? new AppCall(this.#context, this.#exchange, this.#out, whom, this.#appAttempt(isFirst), undefined)
      : new UpstreamCall(this.#context, this.#exchange, this.#out, whom, this, isFirst));
  }

  /** Undefined where no log asks for it. */
  #appAttempt(isFirst: boolean): AppAttempt | undefined {
    const { handler } = this.#exchange.location.settings;
    if (!this.#context.needsTime || handler.kind !== "app") return undefined;
    const attempt = new AppAttempt(`app:${handler.app}`, !isFirst);
    this.noteAttempt(attempt);
    return attempt;
  }
}

const noAttempts: readonly UpstreamFacts[] = [];
