/**
 * One request at an upstream: whom it goes to, and what becomes of what comes back.
 *
 *   body gathered → target → peer → try ─▶ response's head ─▶ body ─▶ end
 *                             ▲              │ failed, or a status of proxy_next_upstream
 *                             └──────────────┘ unless something of it has left already
 *
 * Nothing is sent twice that may not be: a request that is not idempotent goes to one peer, once (RFC 9110 §9.2.2),
 * unless the configuration says `non_idempotent`. A response that breaks off is cut at the client, too.
 *
 * A try is a connection (upstream-try.ts) or, where the peer is an application, a call of that one (app-try.ts).
 */
import type { AppBody } from "../app/index.ts";
import { GatheredBody } from "../handlers/index.ts";
import type { BodyReceiver, PassRequest, PassedHead, PassedRequest, ProxyTarget } from "../handlers/index.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { Evaluation } from "../route/index.ts";
import type { ReceivedHead } from "../protocol/h1/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { type NextUpstream, type Peer, type Upstream, isNetworkPeer } from "../upstream/index.ts";
import { AppAttempt } from "./app-attempt.ts";
import { AppTry, type AppTryOwner } from "./app-try.ts";
import type { AttemptLog, Call } from "./call.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { REFUSALS_MAX, conditionOf, countOfAsked, mayBeSentAgain } from "./next-upstream.ts";
import type { Outgoing } from "./outgoing.ts";
import { SentBody } from "./sent-body.ts";
import { StaticView } from "./static-view.ts";
import { Tunnel } from "./tunnel.ts";
import { UpstreamAttempt } from "./upstream-attempt.ts";
import { type ResponseSource, UpstreamResponse, passedFields } from "./upstream-response.ts";
import { StreamedUpstreamBody } from "./upstream-body.ts";
import { type TriedRequest, type TryOwner, UpstreamTry } from "./upstream-try.ts";

const SWITCHING_PROTOCOLS = 101, EARLY_HINTS = 103;
/** nginx's own, for the log: the client has closed. */
const CLIENT_CLOSED_REQUEST = 499;
const NO_PEERS: readonly Peer[] = [];

export class UpstreamCall implements Call, TriedRequest, TryOwner, AppTryOwner, PassRequest, ResponseSource {
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  readonly #way: CompiledUpstream;
  readonly #log: AttemptLog;
  readonly #isFirst: boolean;
  readonly sent: SentBody;
  /** Nobody waits for an answer. */
  abandoned = false;
  /** Its last word was said. */
  #answered = false;
  streamed: StreamedUpstreamBody | undefined = undefined;
  #target: ProxyTarget | undefined = undefined;
  #upstream: Upstream | undefined = undefined;
  request: PassedRequest | undefined = undefined;
  #startMs = 0;
  #tried: readonly Peer[] = NO_PEERS;
  /** The try that is under way. */
  #try: UpstreamTry | undefined = undefined;
  /** And of an application, where it is one. */
  #application: AppTry | undefined = undefined;
  #attempt: UpstreamAttempt | AppAttempt | undefined = undefined;
  #wasSent = false;
  #refusals = 0;
  #passed: PassedHead | undefined = undefined;
  /** The response's head as it leaves. */
  #head: ResponseHead | undefined = undefined;
  #response: UpstreamResponse | undefined = undefined;
  /** Bytes that had been sent when it was last said that the client has probably left. */
  #hintedSize = -1;

  /** @param isFirst was nobody else asked before? */
  constructor(
    context: EdgeContext, exchange: CurrentRequest, out: Outgoing, way: CompiledUpstream, log: AttemptLog,
    isFirst: boolean,
  ) {
    this.#context = context;
    this.#exchange = exchange;
    this.#out = out;
    this.#way = way;
    this.#log = log;
    this.#isFirst = isFirst;
    this.sent = new SentBody(exchange, way.protocol);
  }

  get body(): AppBody {
    return this.sent.given;
  }

  set body(body: AppBody) {
    this.sent.given = body;
  }

  get target(): ProxyTarget | undefined {
    return this.#target;
  }

  // What the response's head is rewritten with.

  get evaluation(): Evaluation {
    return this.#exchange.evaluation;
  }

  get redirectDefault(): PassRequest["redirectDefault"] {
    return this.#way.protocol.redirectDefault;
  }

  ownLocation(path: string): string {
    return new StaticView(this.#exchange).absolute(path);
  }

  get asked(): string | undefined {
    const target = this.#target;
    if (target === undefined) return undefined;
    const name = this.#attempt?.address ?? this.#upstream?.name ?? target.host;
    return `${target.scheme}${name}${this.request?.target ?? ""}`;
  }

  start(known: AppBody | undefined, keeps: boolean): BodyReceiver | undefined {
    const { head, location } = this.#exchange;
    const { protocol } = this.#way;
    const { requestBuffering, passRequestBody } = protocol.settings;
    // nginx: client_body_in_file_only wants it in any case.
    const isWanted = head.hasBody && (this.sent.isPassed || location.http.clientBodyInFileOnly !== "off");
    if (!isWanted || known !== undefined) {
      if (isWanted && known !== undefined) this.body = known;
      this.#begin();
      return undefined;
    }
    const hasLength = head.fields.semantics.contentLength >= 0;
    const { application } = this.#way;
    const isWhole = requestBuffering !== false || !passRequestBody || protocol.replacesBody;
    const mayStream = !isWhole && application === undefined;
    if (mayStream && (hasLength || protocol.mayStream)) {
      const streamed = new StreamedUpstreamBody(this, {
        begin: (whole) => {
          if (whole === undefined) this.streamed = streamed;
          this.body = whole === undefined ? { kind: "stream", expectContinue: false } : { kind: "whole", bytes: whole };
          this.#begin();
        },
        leave: () => this.leave(),
      });
      return streamed;
    }
    const settings = {
      http: location.http, keeps, onNotice: this.#context.onError,
      spoolPath: application === undefined ? this.#context.requestPath : () => this.#pathFor(application),
    };
    return new GatheredBody(this, settings, () => this.#begin());
  }

  /** Of a file that the workers of this application can read. */
  #pathFor(application: string): string {
    const pool = this.#context.site.pool(application);
    return pool === undefined ? this.#context.requestPath() : this.#context.bodyPath(pool);
  }

  leave(): void {
    // nginx: proxy_ignore_client_abort; what was asked for is read to its end.
    if (this.abandoned || (this.#way.protocol.settings.ignoreClientAbort && this.#try !== undefined)) return;
    this.abandoned = true;
    this.#application?.leave();
    this.#response?.drop();
    this.#attempt?.ended(CLIENT_CLOSED_REQUEST);
    this.#try?.giveUp("untold");
    this.#try = undefined;
  }

  hintGone(): void {
    if (this.#application !== undefined) return this.#application.hintGone();
    if (this.#way.protocol.settings.ignoreClientAbort) return;
    if (!this.#exchange.responding) {
      this.leave();
      return this.#exchange.respondStatus(CLIENT_CLOSED_REQUEST);
    }
    // Whoever is written to will tell by a reset that it has left; where the upstream is silent, nobody would notice.
    const { bytesSent } = this.#exchange;
    const isSilent = bytesSent === this.#hintedSize && this.#out.channel.queuedSize === 0;
    this.#hintedSize = bytesSent;
    if (!isSilent) return;
    this.leave();
    this.#out.cut();
  }

  /** The server ends: what is under way is finished. */
  drain(): void {
    this.#application?.drain();
  }

  // What the body's way wants of the client.

  sendContinue(): void {
    const { head, responding } = this.#exchange;
    if (head.fields.semantics.expectContinue && !responding) this.#out.channel.sendContinue();
  }

  pauseBody(): void {
    this.#out.channel.pauseBody();
  }

  resumeBody(): void {
    this.#out.channel.resumeBody();
  }

  respondStatus(status: number): void {
    this.#answered = true;
    if (!this.abandoned) this.#exchange.respondStatus(status);
  }

  // From the target to a try.

  #begin(): void {
    if (this.abandoned || this.#exchange.responding) return;
    this.#startMs = this.#context.clock.coarseMs;
    const target = this.#way.protocol.target(this.#exchange.evaluation);
    if ("fault" in target) return this.#fault(target.fault, 500);
    this.#target = target;
    const found = this.#way.upstream(target);
    if (!(found instanceof Promise)) return this.#found(found, target);
    found.then(
      (upstream) => {
        if (!this.abandoned && !this.#exchange.responding) this.#found(upstream, target);
      },
      (error: unknown) => this.#fault(error instanceof Error ? error.message : String(error), 502),
    ).catch((error: unknown) => this.#fault(`the request failed: ${String(error)}`, 500));
  }

  #found(upstream: Upstream, target: ProxyTarget): void {
    this.#upstream = upstream;
    const { head, evaluation, connection } = this.#exchange;
    this.sent.replace();
    const hasBody = this.body.kind === "stream";
    const wanted = { head, evaluation, connection, target, hasBody, bodySize: this.sent.size };
    const request = this.#way.protocol.request(wanted);
    if ("refused" in request) return this.#fault(request.refused, 400);
    this.request = request;
    this.#ask(upstream, target);
  }

  #fault(text: string, status: number): void {
    if (this.abandoned) return;
    this.#exchange.notice("error", text);
    this.respondStatus(status);
  }

  #ask(upstream: Upstream, target: ProxyTarget): void {
    const peer = upstream.balancer.choose(this.#way.chooser(upstream).choice(this.#exchange), this.#tried);
    const isRedirected = !this.#isFirst && this.#attempt === undefined;
    this.#application = undefined;
    if (peer !== undefined && !isNetworkPeer(peer)) return this.#askApplication(upstream, peer, isRedirected);
    const attempt = new UpstreamAttempt(peer?.name ?? upstream.name, isRedirected);
    this.#attempt = attempt;
    this.#log.noteAttempt(attempt);
    if (peer === undefined) {
      attempt.ended(502);
      return this.#fault("no live upstreams while connecting to upstream", 502);
    }
    this.#tried = [...this.#tried, peer];
    const next = new UpstreamTry(this.#context, this.#way, this, upstream, peer, attempt, this);
    this.#try = next;
    next.start(this.#way.dial(this.#exchange.evaluation, target));
  }

  /** Gives the request to workers of ours. */
  #askApplication(upstream: Upstream, peer: Peer, redirected: boolean): void {
    const { body } = this;
    const { address } = peer;
    const attempt = (this.#attempt = new AppAttempt(peer.name, redirected));
    this.#log.noteAttempt(attempt);
    this.#tried = [...this.#tried, peer];
    const pool = address.kind === "app" ? this.#context.site.pool(address.name) : undefined;
    if (pool === undefined || body.kind === "stream") {
      // Of servers that an upstream was given since the start.
      attempt.ended(502);
      upstream.balancer.release(peer, { outcome: "failed" });
      return this.#fault(`${peer.name} cannot be asked while connecting to upstream`, 502);
    }
    const target = this.#target?.uri === undefined ? undefined : this.request?.target;
    const trial = { pool, upstream, peer, attempt, body, target };
    const next = new AppTry(this.#context, this.#exchange, this.#out, this.#way, trial, this);
    this.#application = next;
    next.start();
  }

  // What an application that was asked tells.

  mayAskAnother(condition: NextUpstream, wasSent: boolean): boolean {
    this.#wasSent ||= wasSent;
    return !this.abandoned && this.#isAllowed(condition, false);
  }

  goOn(): void {
    const upstream = this.#upstream;
    const target = this.#target;
    if (this.abandoned || this.#exchange.responding || upstream === undefined || target === undefined) return;
    this.#ask(upstream, target);
  }

  /** May another peer be asked? */
  #isAllowed(condition: NextUpstream, isStale: boolean): boolean {
    const upstream = this.#upstream;
    const request = this.request;
    if (upstream === undefined || request === undefined) return false;
    if (this.streamed?.isUntouched === false) return false;
    const isAnother = isStale || this.#tried.length < countOfAsked(upstream);
    const elapsedMs = this.#context.clock.coarseMs - this.#startMs;
    const count = this.#tried.length - (isStale ? 1 : 0);
    const soFar = { method: request.method, wasSent: this.#wasSent, count, elapsedMs };
    return isAnother && mayBeSentAgain(condition, soFar, this.#way.protocol.settings);
  }

  /** Asks another peer, if that is allowed. @returns false when it is not */
  #askAnother(condition: NextUpstream, isStale: boolean): boolean {
    if (!this.#isAllowed(condition, isStale)) return false;
    // Whoever had closed an idle connection is asked again.
    if (isStale) this.#tried = this.#tried.slice(0, -1);
    this.streamed?.wait();
    this.goOn();
    return true;
  }

  // What comes back.

  onInformational(status: number, lines: readonly FieldLine[]): void {
    // RFC 9110 §15.2: a proxy MUST forward 1xx, but a 100 that it has answered itself; HTTP/1.0 knows none.
    const { head, responding } = this.#exchange;
    if (status !== EARLY_HINTS || head.minorVersion === 0 || responding || this.abandoned) return;
    this.#out.channel.sendInformational(this.#exchange, status, passedFields(lines));
  }

  onHead(received: ReceivedHead): boolean {
    const { status } = received;
    this.#wasSent = true;
    const condition = conditionOf(status);
    if (condition !== undefined && this.#isRefused(condition, status)) return false;
    const passed = this.#way.protocol.responses.pass(received, this);
    this.#exchange.upstreamFields = received.lines;
    if (passed.limitRate !== undefined) this.#exchange.limitRate = passed.limitRate;
    if (status === SWITCHING_PROTOCOLS) return this.#switchProtocols(received, passed);
    if (this.#isElsewhere(status, passed)) return false;
    this.#head = this.sticking(passed.head);
    this.#passed = passed;
    if (!this.#way.isPlain) this.#pass(received);
    return true;
  }

  /** The head, and who the client is to be sent to from now on, where the upstream is `sticky`. */
  sticking(head: ResponseHead): ResponseHead {
    const peer = this.#tried.at(-1);
    if (this.#upstream?.settings.sticky === undefined || peer === undefined) return head;
    return this.#way.chooser(this.#upstream).headCame(head, peer, this.evaluation);
  }

  /** Is another peer asked, because of the status? */
  #isRefused(condition: NextUpstream, status: number): boolean {
    const refused = this.#try;
    const attempt = this.#attempt;
    if (!this.#askAnother(condition, false)) return false;
    attempt?.ended();
    refused?.giveUp(status === 403 || status === 404 ? "ok" : "failed");
    return true;
  }

  /** X-Accel-Redirect, errors that are intercepted, and what filters refuse: does somebody else answer? */
  #isElsewhere(status: number, passed: PassedHead): boolean {
    const exchange = this.#exchange;
    const { redirect } = passed;
    const isReplaced = this.#way.protocol.settings.interceptErrors && status >= 300
      && exchange.location.errorPages?.find(status, exchange.evaluation) !== undefined;
    // nginx: an error that is intercepted leads nowhere else.
    const other = isReplaced ? { status, fields: passed.keptByError } : this.#out.refusal(passed.head);
    if (redirect === undefined && other === undefined) return false;
    this.#answered = true;
    this.#attempt?.ended();
    this.#try?.giveUp("ok");
    this.#try = undefined;
    if (redirect !== undefined && !isReplaced) exchange.goElsewhere(redirect, passed.kept);
    else if (other !== undefined) exchange.respondStatus(other.status, other.fields);
    return true;
  }

  onPause(): void {
    if (!this.abandoned) this.#pass()?.pause();
  }

  onData(bytes: Bytes, isAll: boolean): void {
    const head = this.#head;
    if (isAll) this.onAppEnded();
    if (this.abandoned || head === undefined) return;
    // Most responses come at once, and leave so.
    if (isAll && this.#response === undefined) this.#out.whole(head, bytes, 0, bytes.length);
    else this.#pass()?.data(bytes, isAll);
  }

  onWhole(trailers: readonly FieldLine[]): void {
    const head = this.#head;
    this.#exchange.upstreamTrailers = trailers;
    this.onAppEnded();
    if (this.abandoned || head === undefined) return;
    if (this.#response === undefined && trailers.length === 0) this.#out.whole(head, NO_BYTES, 0, 0);
    else this.#pass()?.end(trailers);
  }

  /** The response as it comes, in parts. @param received where something is to be done with it besides */
  #pass(received?: ReceivedHead): UpstreamResponse | undefined {
    if (this.#response !== undefined || this.#head === undefined || this.#passed === undefined) return this.#response;
    const [exchange, out, way] = [this.#exchange, this.#out, this.#way];
    return (this.#response = new UpstreamResponse(exchange, out, way, received, this.#passed, this.#head, this));
  }

  flow(reads: boolean): void {
    this.#try?.flow(reads);
  }

  /** The upstream has said all. */
  onAppEnded(): void {
    const upstream = this.#upstream;
    const peer = this.#tried.at(-1);
    this.#try = undefined;
    if (upstream?.settings.sticky !== undefined && peer !== undefined) {
      this.#way.chooser(upstream).responseEnded(peer, this.evaluation);
    }
  }

  onFailed(condition: NextUpstream, text: string, isStale: boolean): void {
    const failed = this.#try;
    this.#try = undefined;
    this.#response?.drop();
    if (this.abandoned || this.#answered) return;
    this.#wasSent ||= failed?.wasSent === true;
    if (failed?.wasRefused === true && ++this.#refusals > REFUSALS_MAX) isStale = false;
    if (this.#head !== undefined) {
      this.#answered = true;
      this.#exchange.notice("error", text);
      // Nothing has left yet: the client can still be told.
      return this.#response?.hasBegun === true ? this.#out.cut() : this.#exchange.respondStatus(502);
    }
    if (!isStale) this.#exchange.notice("error", text);
    if (this.#askAnother(condition, isStale)) return;
    if (isStale) this.#exchange.notice("error", text);
    this.respondStatus(condition === "timeout" ? 504 : 502);
  }

  onErrors(text: string): void {
    this.#exchange.notice("error", text);
  }

  onBodyLost(text: string): void {
    this.#try?.giveUp("untold");
    this.#try = undefined;
    this.#fault(text, 500);
  }

  /** @returns false: the call is over */
  #switchProtocols(received: ReceivedHead, passed: PassedHead): boolean {
    const asked = this.request?.upgrade?.split(/\s*,\s*/) ?? [];
    const { upgrade } = received;
    const switched = this.#try;
    // RFC 9110 §15.2.2: only to what was asked for.
    const detached = upgrade !== undefined && asked.includes(upgrade) ? switched?.detach() : undefined;
    this.#try = undefined;
    if (detached === undefined || upgrade === undefined || switched === undefined) {
      switched?.giveUp("failed");
      this.#fault("upstream switched to a protocol that nobody has asked for", 502);
      return false;
    }
    const { sendTimeoutMs, readTimeoutMs } = this.#way.protocol.settings;
    const tunnel = new Tunnel(this.#context, detached.connection, detached.rest, { sendTimeoutMs, readTimeoutMs }, {
      sent: (size) => (this.#exchange.bytesSent += size),
      over: () => this.#tunnelOver(switched),
    });
    this.#out.switchProtocols(passed.head, [["Upgrade", upgrade], ["Connection", "Upgrade"]], tunnel);
    this.#exchange.forget();
    return true;
  }

  #tunnelOver(switched: UpstreamTry): void {
    this.#attempt?.ended();
    switched.giveUp("ok");
    this.abandoned = true;
    this.#exchange.over();
  }
}
