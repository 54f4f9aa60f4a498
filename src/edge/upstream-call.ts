/**
 * One request at an upstream: whom it goes to, and what becomes of what comes back.
 *
 *   body gathered → target → peer → try ─▶ response's head ─▶ body ─▶ end
 *                             ▲              │ failed, or a status of proxy_next_upstream
 *                             └──────────────┘ unless something of it has left already
 *
 * Nothing is sent twice that may not be: a request that is not idempotent goes to one peer, once (RFC 9110 §9.2.2),
 * unless the configuration says `non_idempotent`. A response that breaks off is cut at the client, too.
 */
import type { AppBody } from "../app/index.ts";
import { filterTrailers } from "../filters/index.ts";
import { GatheredBody } from "../handlers/index.ts";
import type { BodyReceiver, PassRequest, PassedHead, PassedRequest, ProxyTarget } from "../handlers/index.ts";
import { parseHttpDate } from "../http/date.ts";
import { type FieldLine, type ResponseHead, fieldValue } from "../http/response-head.ts";
import type { Evaluation } from "../route/index.ts";
import type { ReceivedHead } from "../protocol/h1/index.ts";
import { NO_BYTES, fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { NextUpstream, Peer, Upstream } from "../upstream/index.ts";
import type { AttemptLog, Call } from "./calls.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { conditionOf, mayBeSentAgain } from "./next-upstream.ts";
import type { Outgoing } from "./outgoing.ts";
import { type PacedResponse, ReadPace } from "./read-pace.ts";
import { StaticView } from "./static-view.ts";
import { StoredCopy } from "./stored-copy.ts";
import { Tunnel } from "./tunnel.ts";
import { UpstreamAttempt } from "./upstream-attempt.ts";
import { StreamedUpstreamBody } from "./upstream-body.ts";
import { type TriedRequest, type TryOwner, UpstreamTry } from "./upstream-try.ts";

const SWITCHING_PROTOCOLS = 101, EARLY_HINTS = 103;
/** nginx's own number for the log: the client has closed. */
const CLIENT_CLOSED_REQUEST = 499;
/** Bytes of a response that may be on their way before its upstream is slowed down. */
const WINDOW = 262_144;
const NO_PEERS: readonly Peer[] = [];
const NO_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

/** RFC 9110 §7.6.1: an intermediary removes these. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
]);

export class UpstreamCall implements Call, TriedRequest, TryOwner, PassRequest, PacedResponse {
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  readonly #way: CompiledUpstream;
  readonly #log: AttemptLog;
  readonly #isFirst: boolean;
  body: AppBody = NO_BODY;
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
  #attempt: UpstreamAttempt | undefined = undefined;
  #wasSent = false;
  #passed: PassedHead | undefined = undefined;
  /** As it leaves. */
  #head: ResponseHead | undefined = undefined;
  /** Has the response's head gone to the client, and does its body follow? */
  #passing = false;
  /** Bytes of the response that the client's side has not taken yet. */
  #owed = 0;
  #pace: ReadPace | undefined = undefined;
  #store: StoredCopy | undefined = undefined;

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
    // What takes the body's place may ask for it.
    const isWanted = head.hasBody && (passRequestBody || protocol.replacesBody);
    if (!isWanted || known !== undefined) {
      if (isWanted && known !== undefined) this.body = known;
      this.#begin();
      return undefined;
    }
    const hasLength = head.fields.semantics.contentLength >= 0;
    if (requestBuffering === false && !protocol.replacesBody && (hasLength || protocol.mayStream)) {
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
      clientBodyBufferSize: location.http.clientBodyBufferSize,
      spoolPath: this.#context.requestPath,
      keeps,
      onNotice: this.#context.onError,
    };
    return new GatheredBody(this, settings, () => this.#begin());
  }

  leave(): void {
    // nginx: proxy_ignore_client_abort; what was asked for is read to its end.
    if (this.abandoned || (this.#way.protocol.settings.ignoreClientAbort && this.#try !== undefined)) return;
    this.abandoned = true;
    this.#pace?.close();
    this.#store?.drop();
    this.#attempt?.ended(CLIENT_CLOSED_REQUEST);
    this.#try?.giveUp("untold");
    this.#try = undefined;
  }

  hintGone(): void {
    // Whoever is written to will be told by a reset, if it has left.
    if (this.#exchange.responding || this.#way.protocol.settings.ignoreClientAbort) return;
    this.leave();
    this.#exchange.respondStatus(CLIENT_CLOSED_REQUEST);
  }

  /** The server ends: what is under way is finished. */
  drain(): void {
    return;
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
    );
  }

  #found(upstream: Upstream, target: ProxyTarget): void {
    this.#upstream = upstream;
    const { head, evaluation, connection } = this.#exchange;
    const replaced = this.#way.protocol.replacedBody(evaluation);
    if (replaced !== undefined) this.body = { kind: "whole", bytes: fromLatin1(replaced) };
    const hasBody = this.body.kind === "stream";
    const { protocol } = this.#way;
    const request = protocol.request({ head, evaluation, connection, target, hasBody, bodySize: this.#bodySize });
    if ("refused" in request) return this.#fault(request.refused, 400);
    this.request = request;
    this.#ask(upstream, target);
  }

  /** −1 where it is not known, or where nothing is said of a body. */
  get #bodySize(): number {
    const { body } = this;
    const { contentLength } = this.#exchange.head.fields.semantics;
    if (body.kind === "file") return body.size;
    if (body.kind === "stream") return contentLength;
    const isSaid = body !== NO_BODY || (contentLength === 0 && this.#way.protocol.settings.passRequestBody);
    return isSaid ? body.bytes.length : -1;
  }

  #fault(text: string, status: number): void {
    if (this.abandoned) return;
    this.#exchange.notice("error", text);
    this.respondStatus(status);
  }

  #ask(upstream: Upstream, target: ProxyTarget): void {
    const peer = upstream.balancer.choose(this.#way.chooser(upstream).choice(this.#exchange), this.#tried);
    const attempt = new UpstreamAttempt(peer?.name ?? upstream.name, !this.#isFirst && this.#attempt === undefined);
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

  /** Asks another peer, if that is allowed. @returns false when it is not */
  #askAnother(condition: NextUpstream, isStale: boolean): boolean {
    const upstream = this.#upstream;
    const target = this.#target;
    const request = this.request;
    if (upstream === undefined || target === undefined || request === undefined) return false;
    if (this.streamed?.isUntouched === false) return false;
    const isAnother = isStale || this.#tried.length < countOfAsked(upstream);
    const elapsedMs = this.#context.clock.coarseMs - this.#startMs;
    const soFar = { method: request.method, wasSent: this.#wasSent, count: this.#tried.length - (isStale ? 1 : 0), elapsedMs };
    if (!isAnother || !mayBeSentAgain(condition, soFar, this.#way.protocol.settings)) return false;
    // Whoever had closed an idle connection is asked again.
    if (isStale) this.#tried = this.#tried.slice(0, -1);
    this.streamed?.wait();
    this.#ask(upstream, target);
    return true;
  }

  // What comes back.

  onInformational(status: number, lines: readonly FieldLine[]): void {
    // RFC 9110 §15.2: a proxy MUST forward 1xx, but a 100 that it has answered itself; HTTP/1.0 knows none.
    const { head, responding } = this.#exchange;
    if (status !== EARLY_HINTS || head.minorVersion === 0 || responding || this.abandoned) return;
    const passed = lines.filter(([name]) => !connectionFields.has(name.toLowerCase()));
    this.#out.channel.sendInformational(this.#exchange, status, passed);
  }

  onHead(received: ReceivedHead): boolean {
    const { status } = received;
    this.#wasSent = true;
    const condition = conditionOf(status);
    if (condition !== undefined && this.#isRefused(condition, status)) return false;
    const passed = this.#way.protocol.responses.pass(received, this);
    this.#passed = passed;
    this.#exchange.upstreamFields = received.lines;
    if (passed.limitRate !== undefined) this.#exchange.limitRate = passed.limitRate;
    if (status === SWITCHING_PROTOCOLS) return this.#switchProtocols(received, passed);
    if (this.#isElsewhere(status, passed)) return false;
    this.#head = this.#sticking(passed.head);
    if (status === 200 && this.request?.method === "GET") this.#store = this.#storedCopy(received);
    return true;
  }

  /** The head, and who the client is to be sent to from now on, where the upstream is `sticky`. */
  #sticking(head: ResponseHead): ResponseHead {
    const peer = this.#tried.at(-1);
    if (this.#upstream?.settings.sticky === undefined || peer === undefined) return head;
    return this.#way.chooser(this.#upstream).headCame(head, peer, this.evaluation);
  }

  #storedCopy({ lines }: ReceivedHead): StoredCopy | undefined {
    const path = this.#way.storePath(this.evaluation);
    if (path === undefined) return undefined;
    const modified = fieldValue(lines, "last-modified");
    const modifiedS = modified === undefined ? undefined : parseHttpDate(modified);
    return new StoredCopy({
      path,
      access: this.#way.protocol.settings.storeAccess,
      modifiedMs: modifiedS === undefined ? undefined : modifiedS * 1000,
      notice: (text) => this.#exchange.notice("error", text),
    });
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

  onData(bytes: Bytes, isAll: boolean): void {
    const head = this.#head;
    if (isAll) this.#ended();
    if (head === undefined || this.abandoned) return;
    if (this.#store !== undefined) this.#keep(this.#store, bytes, isAll);
    const pace = this.#passing ? this.#pace : this.#newPace();
    if (isAll && pace === undefined) return this.#out.whole(head, bytes, 0, bytes.length);
    this.#owed += bytes.length;
    if (!this.#passing) this.#startPassing(head, pace === undefined ? bytes : NO_BYTES);
    else if (pace === undefined) this.#out.chunk(bytes, 0, bytes.length);
    pace?.take(bytes);
    if (isAll) pace?.end([]);
    this.#settle();
  }

  #newPace(): ReadPace | undefined {
    const rate = this.#way.limitRate(this.#exchange);
    return rate > 0 ? (this.#pace = new ReadPace(rate, this)) : undefined;
  }

  onPaced(bytes: Bytes): void {
    this.#out.chunk(bytes, 0, bytes.length);
    this.#settle();
  }

  onPacedEnd(trailers: readonly FieldLine[]): void {
    this.#out.endFlow(trailers);
  }

  #keep(store: StoredCopy, bytes: Bytes, isAll: boolean): void {
    this.#owed += bytes.length;
    store.write(bytes, () => {
      this.#owed -= bytes.length;
      this.#settle();
    });
    if (isAll) void store.complete();
  }

  #startPassing(head: ResponseHead, bytes: Bytes): void {
    this.#passing = true;
    const { settings } = this.#way.protocol;
    this.#out.start(head, bytes, 0, bytes.length, {
      storedMax: this.#passed?.mayWait(settings) === true ? settings.maxTempFileSize : 0,
      grant: (size) => {
        this.#owed -= size;
        this.#settle();
      },
    });
  }

  /** Reads on, or not, as the client and proxy_limit_rate let it. */
  #settle(): void {
    this.#try?.flow(this.#owed <= WINDOW && this.#pace?.isDue !== false);
  }

  /** Nothing more has come so far: what will come late must not hold the head back. */
  onPause(): void {
    const head = this.#head;
    if (head === undefined || this.#passing || this.abandoned) return;
    // A body of known size is on its way; a stream of events may be silent for long.
    if (head.contentLength > 0 && this.#passed?.mayWait(this.#way.protocol.settings) === true) return;
    this.#startPassing(head, NO_BYTES);
  }

  onWhole(trailers: readonly FieldLine[]): void {
    const head = this.#head;
    this.#exchange.upstreamTrailers = trailers;
    this.#ended();
    void this.#store?.complete();
    if (head === undefined || this.abandoned) return;
    if (!this.#passing) return this.#out.whole(head, NO_BYTES, 0, 0);
    const te = trailers.length === 0 ? undefined : this.#exchange.head.fields.get("te");
    const passed = filterTrailers(trailers, te);
    if (this.#pace === undefined) this.#out.endFlow(passed);
    else this.#pace.end(passed);
  }

  /** The upstream has said all. */
  #ended(): void {
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
    this.#pace?.close();
    this.#store?.drop();
    if (this.abandoned || this.#answered) return;
    this.#wasSent ||= failed?.wasSent === true;
    if (this.#passed !== undefined) {
      this.#answered = true;
      this.#exchange.notice("error", text);
      // Nothing has left yet: the client can still be told.
      return this.#passing ? this.#out.cut() : this.#exchange.respondStatus(502);
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
      this.#passed = undefined;
      switched?.giveUp("failed");
      this.#fault("upstream switched to a protocol that nobody has asked for", 502);
      return false;
    }
    this.#passing = true;
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

/** nginx: whoever is `down` is not asked, so that the last answer stays when all others have been. */
function countOfAsked({ balancer }: Upstream): number {
  return balancer.peers.filter(({ server }) => !server.down).length;
}
