/**
 * One request at an upstream: whom it goes to, what leaves, and what becomes of what comes back.
 *
 *   body gathered → target → peer ─▶ connection ─▶ head, body ─▶ response's head ─▶ body ─▶ end
 *                             ▲                         │ failed, or a status of proxy_next_upstream
 *                             └─────── another peer ◀───┘ unless something of it has left already
 *
 * Nothing is sent twice that may not be: a request that is not idempotent goes to one peer, once (RFC 9110 §9.2.2),
 * unless the configuration says `non_idempotent`. A response that breaks off is cut at the client, too; its connection is
 * never used again.
 */
import type { AppBody } from "../app/index.ts";
import { filterTrailers } from "../filters/index.ts";
import { GatheredBody } from "../handlers/index.ts";
import type { BodyReceiver, PassedHead, PassedRequest, ProxyTarget } from "../handlers/index.ts";
import type { FieldLine } from "../http/response-head.ts";
import type { ReceivedHead, UpstreamReader, Violation } from "../protocol/h1/index.ts";
import { NO_BYTES, fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type {
  CloseReason, ConnectionUser, NextUpstream, Peer, Upstream, UpstreamConnection,
} from "../upstream/index.ts";
import type { AttemptLog, Call } from "./calls.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { Outgoing } from "./outgoing.ts";
import { ReadPace } from "./read-pace.ts";
import { Tunnel } from "./tunnel.ts";
import { UpstreamAttempt } from "./upstream-attempt.ts";
import { StreamedUpstreamBody, UpstreamBodyWriter, sendFile } from "./upstream-body.ts";

const SWITCHING_PROTOCOLS = 101, EARLY_HINTS = 103;
/** Bytes of a response that may be on their way before its upstream is slowed down. */
const WINDOW = 262_144;
/** nginx: methods that are not sent again by themselves. */
const notIdempotent: readonly string[] = ["POST", "LOCK", "PATCH"];
const NO_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

export class UpstreamCall implements Call, ConnectionUser {
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  readonly #way: CompiledUpstream;
  readonly #log: AttemptLog;
  readonly #redirected: boolean;
  body: AppBody = NO_BODY;
  /** Nobody waits for an answer. */
  abandoned = false;
  /** Its last word was said. */
  #answered = false;
  #streamed: StreamedUpstreamBody | undefined = undefined;
  #target: ProxyTarget | undefined = undefined;
  #upstream: Upstream | undefined = undefined;
  #request: PassedRequest | undefined = undefined;
  readonly #tried: Peer[] = [];
  #startMs = 0;
  #peer: Peer | undefined = undefined;
  #attempt: UpstreamAttempt | undefined = undefined;
  #connection: UpstreamConnection | undefined = undefined;
  /** Had the connection carried a request before? */
  #wasKept = false;
  #reader: UpstreamReader | undefined = undefined;
  #writer: UpstreamBodyWriter | undefined = undefined;
  #file: { close(): void } | undefined = undefined;
  /** Has anything of the request left? */
  #wasSent = false;
  #received: ReceivedHead | undefined = undefined;
  #passed: PassedHead | undefined = undefined;
  /** Has the response's head gone to the client? */
  #passing = false;
  /** Bytes of the response that the client's side has not taken yet. */
  #owed = 0;
  #pace: ReadPace | undefined = undefined;

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
    this.#redirected = !isFirst;
  }

  get target(): ProxyTarget | undefined {
    return this.#target;
  }

  get asked(): string | undefined {
    const target = this.#target;
    if (target === undefined) return undefined;
    const name = this.#attempt?.address ?? this.#upstream?.name ?? target.host;
    return `${target.scheme}${name}${this.#request?.target ?? ""}`;
  }

  /**
   * Sends the request, or lets its body be gathered first.
   * @param known the body, where somebody else had it before @param keeps may somebody else want it afterwards?
   * @returns who takes the body
   */
  start(known: AppBody | undefined, keeps: boolean): BodyReceiver | undefined {
    const { head, location, evaluation } = this.#exchange;
    const { protocol } = this.#way;
    const { requestBuffering, passRequestBody } = protocol.settings;
    const replaced = protocol.replacedBody(evaluation);
    const isWanted = head.hasBody && passRequestBody && replaced === undefined;
    if (replaced !== undefined) this.body = { kind: "whole", bytes: fromLatin1(replaced) };
    if (!isWanted || known !== undefined) {
      if (isWanted && known !== undefined) this.body = known;
      this.#begin();
      return undefined;
    }
    const hasLength = head.fields.semantics.contentLength >= 0;
    if (requestBuffering === false && (hasLength || protocol.mayStream)) {
      this.body = { kind: "stream", expectContinue: false };
      this.#streamed = new StreamedUpstreamBody(this, () => this.leave());
      this.#begin();
      return this.#streamed;
    }
    const settings = {
      clientBodyBufferSize: location.http.clientBodyBufferSize,
      spoolPath: this.#context.requestPath,
      keeps,
      onNotice: this.#context.onError,
    };
    return new GatheredBody(this, settings, () => this.#begin());
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    if (this.abandoned) return;
    if (this.#way.protocol.settings.ignoreClientAbort && this.#exchange.abandoned && this.#connection !== undefined) return;
    this.abandoned = true;
    this.#file?.close();
    this.#pace?.close();
    if (this.#connection === undefined) return;
    this.#attempt?.ended(499);
    this.#giveUp("untold");
  }

  hintGone(): void {
    // Whoever is written to will be told by a reset, if it has left.
    if (this.#passing || this.#way.protocol.settings.ignoreClientAbort) return;
    this.leave();
    this.#exchange.respondStatus(CLIENT_CLOSED_REQUEST);
  }

  /** The server ends: what is under way is finished. */
  drain(): void {
    return;
  }

  // What the body's way wants of the client.

  sendContinue(): void {
    if (this.#exchange.head.fields.semantics.expectContinue && !this.#exchange.responding) this.#out.channel.sendContinue();
  }

  pauseBody(): void {
    this.#out.channel.pauseBody();
  }

  resumeBody(): void {
    this.#out.channel.resumeBody();
  }

  respondStatus(status: number): void {
    this.#answered = true;
    this.#attempt?.ended(status);
    if (!this.abandoned) this.#exchange.respondStatus(status);
  }

  // From the target to a connection.

  #begin(): void {
    if (this.abandoned || this.#exchange.responding) return;
    this.#startMs = this.#context.clock.coarseMs;
    const target = this.#way.protocol.target(this.#exchange.evaluation);
    if ("fault" in target) return this.#fault(target.fault, 500);
    this.#target = target;
    const found = this.#way.upstream(target);
    if (!(found instanceof Promise)) return this.#begun(found);
    found.then(
      (upstream) => {
        if (!this.abandoned && !this.#exchange.responding) this.#begun(upstream);
      },
      (error: unknown) => this.#fault(error instanceof Error ? error.message : String(error), 502),
    );
  }

  #begun(upstream: Upstream): void {
    this.#upstream = upstream;
    const { head, evaluation } = this.#exchange;
    const target = this.#target;
    if (target === undefined) return;
    const hasBody = this.body.kind === "stream";
    const request = this.#way.protocol.request({ head, evaluation, target, hasBody, bodySize: this.#bodySize });
    if ("refused" in request) return this.#fault(request.refused, 400);
    this.#request = request;
    this.#ask();
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

  /** Asks the next peer. */
  #ask(): void {
    const upstream = this.#upstream;
    const target = this.#target;
    if (upstream === undefined || target === undefined) return;
    const peer = upstream.balancer.choose(this.#way.choice(upstream, this.#exchange), this.#tried);
    if (peer === undefined) {
      const attempt = new UpstreamAttempt(upstream.name, this.#isRedirected);
      this.#log.noteAttempt(attempt);
      attempt.ended(502);
      return this.#fault("no live upstreams while connecting to upstream", 502);
    }
    this.#peer = peer;
    this.#tried.push(peer);
    const attempt = (this.#attempt = new UpstreamAttempt(peer.name, this.#isRedirected));
    this.#log.noteAttempt(attempt);
    const dial = this.#way.dial(this.#exchange.evaluation, target);
    const connection = this.#context.connections.connect(upstream, peer, upstream.settings.keepalive, dial, this);
    this.#connection = connection;
    this.#wasKept = connection.isKept;
    if (connection.isConnected) this.#send(connection);
  }

  get #isRedirected(): boolean {
    return this.#redirected && this.#tried.length <= 1;
  }

  onConnected(): void {
    const connection = this.#connection;
    if (connection !== undefined) this.#send(connection);
  }

  #send(connection: UpstreamConnection): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#attempt?.connected();
    const reader = (this.#reader = connection.reader ??= this.#way.protocol.reader(this.#context.responses));
    reader.expect(request.method);
    const writer = (this.#writer = new UpstreamBodyWriter(connection, request.framing));
    this.#wasSent = true;
    const { body } = this;
    if (body.kind === "whole") {
      writer.whole(request.head, body.bytes);
    } else {
      writer.head(request.head);
      if (body.kind === "stream") this.#streamed?.flowTo(writer);
      else this.#file = sendFile(writer, body, this.#context.buffers, (fault) => this.#onFileSent(fault));
    }
    if (this.#attempt !== undefined) this.#attempt.bytesSent = request.head.length + writer.sentSize;
    // A body that is still on its way may take as long as its client does.
    if (writer.isComplete || body.kind !== "stream") connection.awaitBytes();
  }

  #onFileSent(fault: string | undefined): void {
    if (fault === undefined) return this.#connection?.awaitBytes();
    this.#giveUp("untold");
    this.#fault(fault, 500);
  }

  onDrain(): void {
    this.#writer?.drained();
    this.#streamed?.drained();
  }

  // What comes back.

  onBytes(bytes: Bytes): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    if (this.#attempt !== undefined) this.#attempt.bytesReceived += bytes.length;
    reader.receive(bytes);
    this.#read(reader);
    reader.keepRest();
  }

  onEnd(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    reader.inputEnded();
    this.#read(reader);
  }

  onClose(why: CloseReason): void {
    this.#connection = undefined;
    switch (why.kind) {
      case "connect-timeout": return this.#failed("timeout", "upstream timed out (110: Connection timed out) while connecting to upstream");
      case "send-timeout": return this.#failed("timeout", "upstream timed out (110: Connection timed out) while sending request to upstream");
      case "read-timeout":
        return this.#failed("timeout", `upstream timed out (110: Connection timed out) while ${this.#reading} upstream`);
      case "error": {
        const doing = this.#wasSent ? this.#reading : "connecting to";
        return this.#failed("error", `${why.call} failed (${why.text}) while ${doing} upstream`);
      }
      case "closed": return this.#closedEarly();
    }
  }

  get #reading(): string {
    return this.#received === undefined ? "reading response header from" : "reading";
  }

  /** The peer closed in the middle. */
  #closedEarly(): void {
    this.#failed("error", `upstream prematurely closed connection while ${this.#reading} upstream`);
  }

  #read(reader: UpstreamReader): void {
    for (;;) {
      const event = reader.next();
      if (event === "need-data" || event === "paused") return;
      switch (event.kind) {
        case "informational":
          this.#onInformational(event.status, event.lines);
          break;
        case "response":
          if (!this.#onHead(event, reader)) return;
          break;
        case "data":
          this.#onData(event.bytes);
          break;
        case "end": return this.#onWhole(event.trailers);
        default: return this.#onViolation(event);
      }
    }
  }

  #onInformational(status: number, lines: readonly FieldLine[]): void {
    // RFC 9110 §15.2: a proxy MUST forward 1xx, but the 100 that it asked for itself; HTTP/1.0 knows none.
    const { head, responding } = this.#exchange;
    if (status !== EARLY_HINTS || head.minorVersion === 0 || responding || this.abandoned) return;
    this.#out.channel.sendInformational(this.#exchange, status, lines.filter(([name]) => !connectionFields.has(name.toLowerCase())));
  }

  /** @returns false when the response is over for this call */
  #onHead(received: ReceivedHead, reader: UpstreamReader): boolean {
    const { status } = received;
    this.#attempt?.answered(status);
    if (this.#peer !== undefined && this.#attempt?.headerMs !== undefined) {
      this.#upstream?.balancer.headerCame(this.#peer, this.#attempt.headerMs);
    }
    const wanted = nextOf(status);
    if (wanted !== undefined && this.#mayAskAnother(wanted)) {
      this.#giveUp(status === 403 || status === 404 ? "ok" : "failed");
      this.#ask();
      return false;
    }
    this.#received = received;
    const { evaluation } = this.#exchange;
    const { protocol } = this.#way;
    const passed = protocol.responses.pass(received, { evaluation, redirectDefault: protocol.redirectDefault });
    this.#passed = passed;
    this.#exchange.upstreamFields = received.lines;
    if (passed.limitRate !== undefined) this.#exchange.limitRate = passed.limitRate;
    if (status === SWITCHING_PROTOCOLS) return this.#switchProtocols(received, passed, reader);
    return this.#isElsewhere(received, passed);
  }

  /** X-Accel-Redirect, and errors that are intercepted: somebody else answers. @returns true when nobody does */
  #isElsewhere(received: ReceivedHead, passed: PassedHead): boolean {
    const exchange = this.#exchange;
    const { errorPages } = exchange.location;
    const { redirect } = passed;
    const isReplaced = this.#way.protocol.settings.interceptErrors && received.status >= 300
      && errorPages?.find(received.status, exchange.evaluation) !== undefined;
    if (redirect === undefined && !isReplaced) return true;
    this.#answered = true;
    const { kept } = passed;
    this.#attempt?.ended();
    this.#giveUp("ok");
    // nginx: an error that is intercepted leads nowhere else.
    if (redirect === undefined || isReplaced) exchange.respondStatus(received.status, kept);
    else exchange.goElsewhere(redirect, kept);
    return false;
  }

  #onData(bytes: Bytes): void {
    const passed = this.#passed;
    if (passed === undefined || this.abandoned) return;
    if (this.#attempt !== undefined) this.#attempt.responseSize += bytes.length;
    if (!this.#passing) {
      if (this.#received?.contentLength === bytes.length && this.#isEndNext()) {
        return this.#out.whole(passed.head, bytes, 0, bytes.length);
      }
      return this.#startPassing(passed, bytes);
    }
    this.#took(bytes.length);
    this.#out.chunk(bytes, 0, bytes.length);
  }

  /** Is the response over? Then its connection is free before the client hears of it. */
  #isEndNext(): boolean {
    const event = this.#reader?.next();
    if (typeof event !== "object" || event.kind !== "end") return false;
    this.#done();
    return true;
  }

  #startPassing(passed: PassedHead, bytes: Bytes): void {
    this.#passing = true;
    const { settings } = this.#way.protocol;
    this.#pace = ReadPace.of(this.#way.limitRate(this.#exchange.evaluation), () => this.#settle());
    this.#owed = bytes.length;
    this.#out.start(passed.head, bytes, 0, bytes.length, {
      storedMax: passed.mayWait(settings) ? settings.maxTempFileSize : 0,
      grant: (size) => {
        this.#owed -= size;
        this.#settle();
      },
    });
    this.#pace?.took(bytes.length);
    this.#settle();
  }

  #took(size: number): void {
    this.#owed += size;
    this.#pace?.took(size);
    this.#settle();
  }

  /** Reads on, or not, as the client and proxy_limit_rate let it. */
  #settle(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#owed > WINDOW || this.#pace?.isDue === false) connection.pause();
    else connection.resume();
  }

  /** The response is whole. */
  #onWhole(trailers: readonly FieldLine[]): void {
    const passed = this.#passed;
    this.#done();
    if (passed === undefined || this.abandoned) return;
    if (!this.#passing) return this.#out.whole(passed.head, NO_BYTES, 0, 0);
    this.#exchange.upstreamTrailers = trailers;
    this.#out.endFlow(trailers.length === 0 ? trailers : filterTrailers(trailers, this.#exchange.head.fields.get("te")));
  }

  /** Lets go of the connection, which may carry another request if nothing is in doubt. */
  #done(): void {
    const connection = this.#connection;
    const attempt = this.#attempt;
    attempt?.ended();
    this.#pace?.close();
    this.#file?.close();
    const isFree = this.#reader?.reusable === true && this.#writer?.isComplete === true;
    this.#connection = undefined;
    if (this.#peer !== undefined) {
      this.#upstream?.balancer.release(this.#peer, {
        outcome: this.#received !== undefined && isFailure(this.#received.status, this.#way.protocol.settings.nextUpstream) ? "failed" : "ok",
        ...(attempt?.headerMs !== undefined && { headerMs: attempt.headerMs }), totalMs: attempt?.responseMs ?? 0,
      });
    }
    this.#peer = undefined;
    if (isFree) connection?.keep();
    else connection?.close();
  }

  #onViolation({ reason }: Violation): void {
    if (reason === "response_incomplete") return this.#closedEarly();
    if (this.#received !== undefined) return this.#failed("error", `upstream sent ${reason} while reading upstream`);
    this.#failed("invalid_header", `upstream sent invalid header: ${reason} while reading response header from upstream`);
  }

  /** This peer has not answered, or not whole. */
  #failed(condition: NextUpstream, text: string): void {
    if (this.abandoned || this.#answered) return this.#giveUp("untold");
    const isStale = this.#isStale(condition);
    const mayAskAnother = this.#received === undefined && this.#mayAskAnother(condition);
    if (!isStale || !mayAskAnother) this.#exchange.notice("error", text);
    const status = condition === "timeout" ? 504 : 502;
    this.#attempt?.ended(status);
    this.#giveUp(isStale ? "untold" : "failed");
    if (this.#passing) {
      this.#answered = true;
      return this.#out.cut();
    }
    if (!mayAskAnother) return this.respondStatus(status);
    if (isStale) this.#tried.pop();
    this.#ask();
  }

  /** Drops the connection. */
  #giveUp(outcome: "ok" | "failed" | "untold"): void {
    this.#file?.close();
    this.#pace?.close();
    const connection = this.#connection;
    const peer = this.#peer;
    this.#connection = this.#peer = this.#reader = undefined;
    if (this.#writer !== undefined && !this.#writer.isComplete) connection?.reset();
    else connection?.close();
    if (peer !== undefined) this.#upstream?.balancer.release(peer, { outcome });
  }

  /** nginx's proxy_next_upstream: may another peer be asked? */
  #mayAskAnother(condition: NextUpstream): boolean {
    const { nextUpstream, nextUpstreamTries, nextUpstreamTimeoutMs } = this.#way.protocol.settings;
    const upstream = this.#upstream;
    if (upstream === undefined || !nextUpstream.includes(condition)) return false;
    const method = this.#request?.method ?? "";
    if (this.#wasSent && notIdempotent.includes(method) && !nextUpstream.includes("non_idempotent")) return false;
    if (this.#streamed?.isUntouched === false) return false;
    if (nextUpstreamTries > 0 && this.#tried.length >= nextUpstreamTries) return false;
    if (nextUpstreamTimeoutMs > 0 && this.#context.clock.coarseMs - this.#startMs >= nextUpstreamTimeoutMs) return false;
    return this.#isStale(condition) || this.#tried.length < upstream.balancer.peers.length;
  }

  /** A connection that was kept may have been closed meanwhile: that says nothing of its peer, which is asked again. */
  #isStale(condition: NextUpstream): boolean {
    return condition === "error" && this.#wasKept && this.#reader?.begun !== true;
  }

  /** @returns false: the call is over */
  #switchProtocols(received: ReceivedHead, passed: PassedHead, reader: UpstreamReader): boolean {
    const connection = this.#connection;
    const asked = this.#request?.upgrade;
    const given = received.upgrade;
    // RFC 9110 §15.2.2: only to what was asked for.
    if (connection === undefined || asked === undefined || given === undefined || !asked.split(/\s*,\s*/).includes(given)) {
      this.#received = undefined;
      this.#failed("invalid_header", "upstream switched to a protocol that nobody asked for");
      return false;
    }
    this.#passing = true;
    const { sendTimeoutMs, readTimeoutMs } = this.#way.protocol.settings;
    const tunnel = new Tunnel(this.#context, connection, reader.takeRest(), { sendTimeoutMs, readTimeoutMs }, {
      sent: (size) => (this.#exchange.bytesSent += size),
      over: () => this.#tunnelOver(),
    });
    this.#connection = undefined;
    const own: FieldLine[] = [["Upgrade", given], ["Connection", "Upgrade"]];
    this.#out.switchProtocols(passed.head, own, tunnel);
    this.#exchange.forget();
    return false;
  }

  #tunnelOver(): void {
    this.#attempt?.ended();
    const peer = this.#peer;
    this.#peer = undefined;
    if (peer !== undefined) this.#upstream?.balancer.release(peer, { outcome: "ok" });
    this.abandoned = true;
    this.#exchange.over();
  }
}

/** RFC 9110 §7.6.1: an intermediary removes these. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
]);

/** nginx's own number for the log: the client has closed. */
const CLIENT_CLOSED_REQUEST = 499;

/** What proxy_next_upstream calls a status. */
function nextOf(status: number): NextUpstream | undefined {
  switch (status) {
    case 500: return "http_500";
    case 502: return "http_502";
    case 503: return "http_503";
    case 504: return "http_504";
    case 403: return "http_403";
    case 404: return "http_404";
    case 429: return "http_429";
    default: return undefined;
  }
}

/** nginx: statuses for which another is asked count as failures, but for those that say something of the resource. */
function isFailure(status: number, nextUpstream: readonly NextUpstream[]): boolean {
  const condition = nextOf(status);
  return condition !== undefined && status !== 403 && status !== 404 && nextUpstream.includes(condition);
}
