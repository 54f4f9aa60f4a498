/**
 * One request and its response: the whole story, top to bottom.
 *
 *   server → location → access → try_files → handler → (error_page, internal redirects: again) → filters → channel
 *
 * What an application says arrives in app-call.ts; how a response leaves is in outgoing.ts.
 */
import type { AppBody, Peer } from "../app/index.ts";
import type { HttpSettings } from "../config/model.ts";
import { emptyGif, overloadFields, statusResponse, stubStatusResponse } from "../handlers/index.ts";
import { NO_FIELDS } from "../http/field-section.ts";
import type { RequestHead } from "../http/request-head.ts";
import { type FieldLine, NO_LINES, type ResponseHead } from "../http/response-head.ts";
import type { RateSettings } from "../net/index.ts";
import {
  Evaluation, type PeerFacts, type RequestUri, type Route, type RouteStart, type UpstreamFacts, findRoute,
  parseInternalUri,
} from "../route/index.ts";
import { type Bytes, NO_BYTES } from "../std/bytes.ts";
import { type Asked, Calls } from "./calls.ts";
import { identify, peerFacts } from "./client-identity.ts";
import type { CompiledListener, CompiledLocation, CompiledServer } from "./compiled-site.ts";
import type { ConnectionFacts, CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { type InternalTarget, bodilessHead, internalHead, rewrittenHead, uriOf } from "./internal-redirect.ts";
import { settingsFor } from "./old-browsers.ts";
import { type MirroredRequest, mirror } from "./mirrors.ts";
import { Outgoing } from "./outgoing.ts";
import { answerChallenge, answerFixed, answerRedirect, answerStatic, answerText } from "./own-answers.ts";
import { RequestBody } from "./request-body.ts";
import { RequestView, describe } from "./request-view.ts";
import type { ResponseChannel } from "./response-channel.ts";
import { ShownStatus } from "./shown-status.ts";
import { StaticView } from "./static-view.ts";
import { dropResponse, gatherBody } from "./subrequest.ts";

/** nginx's own numbers: the connection closes without a response; the client has closed it before there was one. */
const NO_RESPONSE = 444, CLIENT_CLOSED_REQUEST = 499;
/** Behind these the rest of the connection is in doubt, or not wanted. */
const closingStatuses: readonly number[] = [400, 413, 414, 494, 495, 496, 497, 501, 503];
/** Requests in requests in requests (nginx: 50). */
const SUBREQUEST_DEPTH_MAX = 50;

export class Exchange implements CurrentRequest {
  head: RequestHead;
  received: RequestHead;
  peer: Peer;
  readonly connection: ConnectionFacts;
  abandoned = false;
  status = 0;
  bytesSent = 0;
  headSize = 0;
  isLast = false;
  blockSize = -1;
  framingSize = 0;
  wasSent = false;
  readonly startMs: number;
  responseHead: ResponseHead | undefined = undefined;
  upstreamFields: readonly FieldLine[] | undefined = undefined;
  upstreamTrailers: readonly FieldLine[] | undefined = undefined;
  sentTrailers: readonly FieldLine[] = NO_LINES;
  location: CompiledLocation;
  limitRate: number | undefined = undefined;
  /** Its stream is reset behind the head of its answer, which no page can be part of. */
  isMalformed = false;
  readonly isMain: boolean;
  /** Before anybody has told who is behind it. */
  readonly #sender: Peer;
  readonly #depth: number;
  readonly #context: EdgeContext;
  readonly out: Outgoing;
  readonly #sockets: CompiledListener;
  #server: CompiledServer;
  #evaluation: Evaluation | undefined = undefined;
  #client: PeerFacts | undefined = undefined;
  /** Where the body goes, undefined without one. */
  readonly upload: RequestBody | undefined;
  #inner: Exchange | undefined = undefined;
  #calls: Calls | undefined = undefined;
  #shown: ShownStatus | undefined = undefined;
  #isTooLarge = false;
  #isMirrored = false;
  #complete = false;

  constructor(
    context: EdgeContext, channel: ResponseChannel, connection: ConnectionFacts, head: RequestHead, peer: Peer,
    within?: Exchange,
  ) {
    this.#context = context;
    this.out = new Outgoing(context, channel, this);
    this.connection = connection;
    this.head = head;
    this.received = within === undefined ? head : within.received;
    this.peer = this.#sender = peer;
    this.#sockets = context.site.listener(connection.site);
    this.#server = within === undefined ? this.#sockets.fallback : within.#server;
    this.location = this.#server.own;
    this.isMain = within === undefined;
    this.upload = head.hasBody ? new RequestBody(channel) : undefined;
    this.#depth = within === undefined ? 0 : within.#depth + 1;
    this.startMs = context.needsTime ? performance.timeOrigin + performance.now() : 0;
  }

  get responding(): boolean {
    return this.status !== 0;
  }

  get http(): HttpSettings {
    return this.location.http;
  }

  /** The request's variables; made when something asks for them. */
  get evaluation(): Evaluation {
    return (this.#evaluation ??= this.#makeEvaluation(uriOf(this.received, this.#sockets.http.mergeSlashes)));
  }

  #makeEvaluation(uri: RequestUri | undefined): Evaluation {
    const evaluation = new Evaluation(new RequestView(this, this.#context.counts));
    if (uri !== undefined) evaluation.setUri(uri);
    return evaluation;
  }

  get hostField(): string {
    const { authority, fields } = this.received;
    if (authority !== undefined) return authority;
    const { hostIndex } = fields.semantics;
    return hostIndex < 0 ? "" : fields.value(hostIndex);
  }

  get serverName(): string {
    return this.#server.name;
  }

  get client(): PeerFacts {
    return (this.#client ??= peerFacts(this.peer));
  }

  get body(): AppBody | undefined {
    return this.upload?.given;
  }

  /** Bytes that the body may have: as many as it likes while it waits, or nobody wants it. */
  get bodySizeMax(): number {
    const isFree = this.upload?.isWaiting === true || this.#isInternal;
    return isFree ? Number.POSITIVE_INFINITY : this.http.clientMaxBodySize;
  }

  get #isInternal(): boolean {
    return this.#evaluation?.internal === true;
  }

  get errorStatus(): number | undefined {
    return this.#shown?.status;
  }

  get upstreams(): readonly UpstreamFacts[] {
    return this.#calls?.attempts ?? [];
  }

  get asked(): string | undefined {
    return this.#calls?.current?.asked;
  }

  get target(): CurrentRequest["target"] {
    return this.#calls?.current?.target;
  }

  get bodySize(): number {
    return this.upload?.size ?? 0;
  }

  get trailers(): readonly FieldLine[] {
    return this.upload?.trailers ?? NO_LINES;
  }

  /** Answers a request that is none, or that never came whole. */
  refuse(status: number): void {
    this.#context.zone.enter();
    this.respondStatus(status);
  }

  /** The walk of a request. The first response wins. */
  begin(): void {
    const { zone, limitConcurrency, challenges } = this.#context;
    zone.enter();
    if (!challenges.isEmpty && answerChallenge(this, this.#context)) return;
    if (limitConcurrency > 0 && zone.running > limitConcurrency) return this.respondStatus(503, overloadFields);
    // RFC 9110 §9.3.6 and §9.3.8: we are no tunnel, and tell nobody what proxies in front have added.
    const { method } = this.head;
    if (method === "CONNECT" || method === "TRACE") return this.respondStatus(405);
    const { only } = this.#sockets;
    // Plain HTTP on a port for TLS is for the walk to refuse.
    if (only !== undefined && (!this.#sockets.isTls || this.connection.tls?.scheme === "https")) {
      this.#moveTo(only);
      this.#identify(only);
      if (this.head.fields.semantics.contentLength > only.http.clientMaxBodySize) return this.#refuseSize();
      return this.#enter();
    }
    const uri = uriOf(this.received, this.#sockets.http.mergeSlashes);
    if (uri === undefined) return this.respondStatus(400);
    const evaluation = (this.#evaluation = this.#makeEvaluation(uri));
    const server = this.#sockets.server(this.hostField, evaluation);
    if (server === undefined) return this.respondStatus(400);
    this.#server = server;
    this.#moveTo(server.own);
    this.#identify(server.own);
    // nginx: HTTP/2 is off here, and another server has chosen it for the connection (RFC 9110 §15.5.20).
    if (this.head.majorVersion === 2 && !this.#sockets.speaksHttp2(server)) return this.respondStatus(421);
    this.#route({ kind: "server" });
  }

  /** Begins as a request within another one: its server and its client are known. */
  #beginWithin(outer: Exchange, target: InternalTarget): void {
    this.#context.zone.enter();
    this.peer = outer.peer;
    this.#client = outer.client;
    this.#evaluation = outer.evaluation.subrequest(new RequestView(this, this.#context.counts), target);
    this.#route({ kind: "server" });
  }

  #identify(location: CompiledLocation): void {
    ({ peer: this.peer, client: this.#client } = identify(location, this.#sender, this));
  }

  #route(start: RouteStart): void {
    const { site } = this.#context;
    const route = findRoute(this.#server.routes, this.evaluation, site.files, start);
    this.#whenReady(route, (found) => this.#routed(found));
  }

  /** Goes on now, or when the file system has answered; the request's body waits meanwhile. */
  #whenReady<T>(value: T | Promise<T>, then: (value: T) => void): void {
    if (!(value instanceof Promise)) return then(value);
    this.upload?.wait();
    value.then(
      (ready) => {
        if (!this.abandoned && !this.responding) then(ready);
      },
      (error: unknown) => {
        this.notice("error", `the request failed: ${String(error)}`);
        this.respondStatus(500);
      },
    );
  }

  enterLocation(location: number): void {
    this.#moveTo(this.#context.site.location(location));
    const { contentLength } = this.received.fields.semantics;
    this.#isTooLarge = !this.#isInternal && contentLength > this.http.clientMaxBodySize;
  }

  #routed(route: Route): void {
    // nginx looks at the size when the location is found, before the location rewrites anything.
    if (this.#isTooLarge) return this.#refuseSize();
    this.#moveTo(this.#context.site.location(route.location));
    switch (route.kind) {
      case "handle": return this.#enter();
      case "redirect": return answerRedirect(this, route.status, route.target);
      case "return":
        return route.status === NO_RESPONSE ? this.#drop(NO_RESPONSE) : answerText(this, route.status, route.text);
      case "error":
        this.notice("error", route.message);
        return this.respondStatus(500);
    }
  }

  #moveTo(location: CompiledLocation): void {
    this.location = location;
    if (this.isMain) this.out.channel.use(settingsFor(location.http, this.head));
  }

  #enter(): void {
    const { location } = this;
    const { realIp, trusted } = location;
    const { own } = this.#server;
    const hasOthers = this.isMain && trusted !== own.trusted;
    const mayBeAnother = realIp !== undefined && realIp !== own.realIp;
    // nginx: realip tells only once.
    if (hasOthers || (mayBeAnother && this.client.address === this.connection.peer.address)) this.#identify(location);
    if (location.access?.decide(this.client.address) === "denied") {
      this.notice("error", "access forbidden by rule");
      return this.respondStatus(403);
    }
    const { tryFiles } = location;
    if (tryFiles === undefined) return this.#handle();
    const { outcome, pathOf } = location.tryNames(tryFiles, this.evaluation);
    this.#whenReady(outcome, (tried) => {
      switch (tried.kind) {
        case "found":
          this.evaluation.path = pathOf(tried.path);
          return this.#handle();
        case "status": return this.respondStatus(tried.status);
        case "named": return this.#enterNamed(tried.name);
        case "internal": return this.enterUri(tried);
      }
    });
  }

  #handle(): void {
    const { location } = this;
    if (this.isMain && location.settings.mirror.uris.length > 0 && !this.#isMirrored) return this.#mirror();
    switch (location.settings.handler.kind) {
      case "app": return this.#ask(location.pool);
      case "proxy": case "grpc": case "uwsgi": case "fastcgi": return this.#ask(location.upstream);
      case "static":
        return this.#whenReady(location.static.answer(new StaticView(this)), (answer) => answerStatic(this, answer));
      case "empty_gif":
        return answerFixed(this, emptyGif(new StaticView(this).fields, location.settings.files.ifModifiedSince));
      case "stub_status": return answerFixed(this, stubStatusResponse(this.#context.counts));
    }
  }

  #mirror(): void {
    this.#isMirrored = true;
    const begin = ({ target, head, body }: MirroredRequest): void => dropResponse((channel) => {
      const mirrored = new Exchange(this.#context, channel, this.connection, head, this.peer, this);
      if (body !== undefined) mirrored.upload?.preset(body);
      mirrored.#beginWithin(this, target);
    });
    mirror(this.#context, this, begin, () => this.#handle());
  }

  /** Asks an application, or an upstream; the body goes there, and comes along where somebody else had it before. */
  #ask(whom: Asked | undefined): void {
    if (whom === undefined) return this.respondStatus(502);
    if (this.#evaluation !== undefined) this.head = rewrittenHead(this.head, this.#evaluation, this.#sockets.http);
    const calls = (this.#calls ??= new Calls(this.#context, this, this.out));
    const body = this.head.hasBody ? this.upload : undefined;
    const known = body?.isGiven === true ? body.again(calls.bodyPath(whom)) : undefined;
    const isFresh = body !== undefined && !body.isGiven;
    if (isFresh && body.size > this.http.clientMaxBodySize && !this.#isInternal) return this.refuseBody(413);
    if (body !== undefined && !isFresh && known === undefined) this.head = bodilessHead(this.head);
    const call = calls.make(whom);
    if (isFresh) body.give(call, () => call.start(undefined, this.#server.hasNamed));
    else call.start(known, false);
  }

  #enterNamed(name: string): void {
    const location = this.#server.routes.locations.named(name);
    if (location === undefined) {
      this.notice("error", `could not find named location "${name}"`);
      return this.respondStatus(500);
    }
    if (!this.#countChange()) return;
    this.evaluation.internal = true;
    this.#route({ kind: "location", location });
  }

  /** An internal redirect: the walk begins again at the server, with this URI. */
  enterUri({ path, args }: InternalTarget): void {
    if (!this.#countChange()) return;
    this.evaluation.redirectInternally({ path, args });
    this.#route({ kind: "server" });
  }

  #countChange(): boolean {
    if (this.evaluation.countUriChange()) return true;
    this.notice("error", "rewrite or internal redirection cycle while internally redirecting");
    this.respondStatus(500);
    return false;
  }

  /** Answers with what error_page says for the status, else with the edge's own page. */
  respondStatus(status: number, fields: readonly FieldLine[] = NO_LINES): void {
    if (this.abandoned || this.responding) return;
    if (status === NO_RESPONSE || status === CLIENT_CLOSED_REQUEST) return this.#drop(status);
    this.#shown ??= new ShownStatus();
    const page = this.isMalformed ? undefined : this.#shown.page(status, fields, this.location, () => this.evaluation);
    if (page === undefined) return this.#sendStatus(status, fields);
    if (page.kind === "redirect") return this.#sendStatus(page.status, [["Location", page.target]]);
    this.#isTooLarge = false;
    if (page.kind === "named") return this.#enterNamed(page.name);
    this.head = internalHead(this.head);
    this.enterUri(page);
  }

  #sendStatus(status: number, fields: readonly FieldLine[]): void {
    if (this.#shown !== undefined) this.#shown.status = undefined;
    const { head, body } = statusResponse(status, closingStatuses.includes(status), fields);
    this.out.whole(head, body, 0, body.length);
  }

  #refuseSize(): void {
    const { contentLength } = this.received.fields.semantics;
    this.notice("error", `client intended to send too large body: ${contentLength} bytes`);
    this.respondStatus(413);
  }

  #drop(status: number): void {
    this.status = status;
    this.out.channel.drop();
    this.finish();
  }

  started(head: ResponseHead): ResponseHead {
    const leaving = this.#shown?.headOf(head) ?? head;
    this.status = leaving.status;
    this.responseHead = leaving;
    return leaving;
  }

  finish(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.wasSent = !this.abandoned;
    this.#context.zone.leave();
    this.upload?.forget(this.wasSent);
    const { accessLog, settings } = this.location;
    if (accessLog !== undefined && this.status !== 0 && (this.isMain || settings.accessLogs.logSubrequests)) {
      accessLog.record(this.evaluation);
    }
    this.out.finished();
  }

  // What the connection tells.

  /** The body is longer than it may be, or broken: nobody must take it for whole. */
  refuseBody(status: number): void {
    if (status === 413) {
      this.notice("error", `client intended to send too large chunked body: ${this.upload?.size ?? 0} bytes and more`);
    }
    this.upload?.abort();
    this.#calls?.current?.leave();
    if (!this.responding) this.respondStatus(status);
    else this.out.cut();
  }

  /** The client is gone: whoever works for it is told. */
  abandon(): void {
    if (this.abandoned) return;
    this.abandoned = true;
    if (!this.responding) this.status = CLIENT_CLOSED_REQUEST;
    this.upload?.abort();
    this.out.close();
    this.#calls?.current?.leave();
    this.#inner?.abandon();
    this.finish();
  }

  /** The client will send nothing more and has not been answered for a while: it has probably left. */
  hintGone(): void {
    this.#calls?.current?.hintGone();
    this.#inner?.hintGone();
  }

  /** The server ends. */
  drain(): void {
    this.#calls?.current?.drain();
  }

  /** The application's call is over, and what it says is not the answer. @param fields to stay with the one that is */
  goElsewhere(redirect: string, fields: readonly FieldLine[]): void {
    (this.#shown ??= new ShownStatus()).keep(fields);
    if (redirect.startsWith("@")) return this.#enterNamed(redirect);
    const target = parseInternalUri(redirect);
    this.head = internalHead(this.head);
    if (target === undefined) return this.respondStatus(404);
    this.enterUri(target);
  }

  over(): void {
    this.abandoned = true;
    this.finish();
  }

  /** Room of the connection: an idle WebSocket shall be small, and only the log would look at these again. */
  forget(): void {
    if (this.location.accessLog !== undefined) return;
    this.head = this.received = { ...this.head, fields: NO_FIELDS };
    this.responseHead = this.#evaluation = undefined;
  }

  // What variables and the log ask.

  get rate(): RateSettings | undefined {
    return this.location.rateOf(this.limitRate, this);
  }

  /** The body of a request within this one, with its client and its server; empty when it has failed. */
  subrequest(uri: string): Promise<Bytes> {
    const target = parseInternalUri(uri);
    if (target === undefined || this.#depth >= SUBREQUEST_DEPTH_MAX) {
      this.notice("error", target === undefined ? `unsafe URI "${uri}" in a subrequest` : "subrequests cycle");
      return Promise.resolve(NO_BYTES);
    }
    const head = internalHead({ ...this.received, method: "GET" });
    return gatherBody((channel) => {
      this.#inner = new Exchange(this.#context, channel, this.connection, head, this.peer, this);
      this.#inner.#beginWithin(this, target);
    });
  }

  /** A line of the error log about this request, with what nginx says of it. */
  notice(level: "error" | "warning" | "info", text: string | undefined): void {
    if (text === undefined) return;
    this.#context.onNotice(level, `${text}, ${describe(this)}`, this.location.settings.errorLogs);
  }
}
