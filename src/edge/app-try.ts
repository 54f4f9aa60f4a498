/**
 * One try at a member of an upstream that is an application: a call of its own (`AppCall`), of whose failures the
 * upstream hears before the client does. What it answers leaves as where app_pass asks it.
 *
 * The peer is released once: with the last word of the response, or when the application is given up.
 */
import type { AppBody, Pool } from "../app/index.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { removeFile, secondName } from "../net/index.ts";
import type { NextUpstream, Peer, Upstream } from "../upstream/index.ts";
import type { AppAttempt } from "./app-attempt.ts";
import { AppCall, type AppCallOwner } from "./app-call.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { bodilessHead } from "./internal-redirect.ts";
import { conditionOf, isFailure } from "./next-upstream.ts";
import type { Outgoing } from "./outgoing.ts";

/** nginx's own number for the log: the client has closed. */
const CLIENT_CLOSED_REQUEST = 499;

/** For the log of errors: why an application has not answered, by the status that says it. */
const reasons: ReadonlyMap<number, string> = new Map([
  [500, "application failed to answer"],
  [502, "the worker of the application ended while reading response from it"],
  [503, "application has no worker, or too many requests wait for one"],
  [504, "application timed out"],
]);

/** Whom a try tells what comes of it. */
export interface AppTryOwner {
  /** May another peer be asked? @param wasSent may this one have begun to work? */
  mayAskAnother(condition: NextUpstream, wasSent: boolean): boolean;
  /** Another one is to be asked, if anybody still waits. */
  goOn(): void;
  /** @returns the head with what the upstream adds to it */
  sticking(head: ResponseHead): ResponseHead;
  /** The response has ended. */
  onAppEnded(): void;
}

/** What is asked, and of whom. */
export interface AppTrial {
  readonly pool: Pool;
  readonly upstream: Upstream;
  readonly peer: Peer;
  readonly attempt: AppAttempt;
  /** Gathered before: nothing of it follows. */
  readonly body: Exclude<AppBody, { kind: "stream" }>;
  /** The request-target, where proxy_pass changes it. */
  readonly target: string | undefined;
}

export class AppTry implements AppCallOwner {
  readonly head: RequestHead;
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #way: CompiledUpstream;
  readonly #trial: AppTrial;
  readonly #owner: AppTryOwner;
  readonly #call: AppCall;
  /** The body's file under a name of the worker's own, which it takes away. */
  #link: string | undefined = undefined;
  #hasHead = false;
  #isOver = false;

  constructor(
    context: EdgeContext, exchange: CurrentRequest, out: Outgoing, way: CompiledUpstream, trial: AppTrial,
    owner: AppTryOwner,
  ) {
    this.#context = context;
    this.#exchange = exchange;
    this.#way = way;
    this.#trial = trial;
    this.#owner = owner;
    this.head = headOf(exchange.head, trial.target, way.protocol.settings.passRequestBody);
    this.#call = new AppCall(context, exchange, out, trial.pool, trial.attempt, this);
  }

  start(): void {
    this.#call.start(this.head.hasBody ? this.#ownBody() : undefined, false);
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    this.#call.leave();
    this.#end("untold", CLIENT_CLOSED_REQUEST);
  }

  hintGone(): void {
    this.#call.hintGone();
  }

  drain(): void {
    this.#call.drain();
  }

  // What the call tells.

  takes(status: number): boolean {
    const { attempt, upstream, peer } = this.#trial;
    attempt.answered(status);
    this.#hasHead = true;
    upstream.balancer.headerCame(peer, attempt.headerMs ?? 0);
    const condition = conditionOf(status);
    if (condition === undefined || !this.#owner.mayAskAnother(condition, true)) return true;
    this.#end(this.#outcome, undefined);
    this.#removeLink();
    this.#goOn();
    return false;
  }

  leaving(head: ResponseHead): ResponseHead {
    return this.#owner.sticking(head);
  }

  failed(status: number, wasStarted: boolean): boolean {
    if (this.#isOver) return false;
    this.#exchange.notice("error", reasons.get(status));
    // An exception is the application's answer: 500, which proxy_next_upstream has a word for.
    const condition = status === 504 ? "timeout" : status === 500 ? "http_500" : "error";
    this.#trial.attempt.answered(status);
    this.#end(status === 500 ? this.#outcome : "failed", undefined);
    this.#removeLink();
    if (!this.#owner.mayAskAnother(condition, wasStarted)) return false;
    this.#goOn();
    return true;
  }

  ended(): void {
    if (!this.#end(this.#outcome, undefined)) return;
    this.#removeLink();
    this.#owner.onAppEnded();
  }

  broken(outcome: "failed" | "untold"): void {
    if (this.#end(outcome, undefined)) this.#removeLink();
  }

  /** Of what was answered. */
  get #outcome(): "ok" | "failed" {
    const { status = 0 } = this.#trial.attempt;
    return isFailure(status, this.#way.protocol.settings) ? "failed" : "ok";
  }

  /** Not within the worker's own call: the next one may go to the same worker. */
  #goOn(): void {
    setImmediate(() => this.#owner.goOn());
  }

  /** @returns false when it had ended before */
  #end(outcome: "ok" | "failed" | "untold", status: number | undefined): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    const { attempt, upstream, peer } = this.#trial;
    attempt.ended(status);
    const { headerMs, responseMs } = attempt;
    const result = this.#hasHead && headerMs !== undefined ? { outcome, headerMs, totalMs: responseMs } : { outcome };
    if (upstream.balancer.release(peer, result)) {
      this.#context.onNotice("warning", `upstream server temporarily disabled: ${peer.name}`);
    }
    return true;
  }

  /** A file gets a second name: the worker takes its own away, and another peer may want the body. */
  #ownBody(): AppBody {
    const { body, pool } = this.#trial;
    if (body.kind !== "file") return body;
    const path = this.#context.bodyPath(pool);
    if (!secondName(body.path, path)) return body;
    this.#link = path;
    return { kind: "file", path, size: body.size };
  }

  /** A worker that never looked at the body has left it there. */
  #removeLink(): void {
    if (this.#link !== undefined) removeFile(this.#link);
    this.#link = undefined;
  }
}

/** The request as where app_pass asks, but for a URI in proxy_pass, and proxy_pass_request_body. */
function headOf(head: RequestHead, target: string | undefined, passesBody: boolean): RequestHead {
  const shown = passesBody ? head : bodilessHead(head);
  if (target === undefined) return shown;
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  return { ...shown, target, path, query: at < 0 ? "" : target.slice(at + 1) };
}
