/**
 * One request at an application: what the pool is told (`AppRequest`), and what becomes of what the worker says.
 *
 * An exchange may call several, one after the other: an application's X-Accel-Redirect may lead to another one, and so
 * may an error's page. Each call is an object of its own, so that late frames of one never reach the other.
 */
import type { AppBody, AppRequest, Peer, Pool } from "../app/index.ts";
import { filterTrailers } from "../filters/index.ts";
import { handleApp, overloadFields, passHead, submit } from "../handlers/index.ts";
import type { AppExchange, BodyReceiver } from "../handlers/index.ts";
import type { RequestHead } from "../http/request-head.ts";
import { NO_LINES, ResponseHead, findFault } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";
import { removeFile } from "../net/index.ts";
import { asksForWebSocket, readHandshake } from "../protocol/ws/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { AppAttempt } from "./app-attempt.ts";
import type { Call } from "./call.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { Outgoing } from "./outgoing.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

const SWITCHING_PROTOCOLS = 101;
const NO_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

/** RFC 6455 §4.4, RFC 9110 §7.8: what 426 asks for. */
const upgradeFields: readonly FieldLine[] = [
  ["Sec-WebSocket-Version", "13"], ["Upgrade", "websocket"], ["Connection", "Upgrade"],
];

/** Whom it tells, where the application is one of several that may be asked: a member of an upstream. */
export interface AppCallOwner {
  /** The request as the application shall see it. */
  readonly head: RequestHead;
  /** A response has come. @returns false when it is not wanted: somebody else will be asked */
  takes(status: number): boolean;
  /** @returns the head as it leaves, with what the upstream adds */
  leaving(head: ResponseHead): ResponseHead;
  /**
   * No response will come.
   * @param wasStarted may it have begun to work?
   * @returns true when somebody else will be asked
   */
  failed(status: number, wasStarted: boolean): boolean;
  /** Its last word was said. */
  ended(): void;
  /** It is over before that: it has failed in the middle, or was asked for nothing. */
  broken(outcome: "failed" | "untold"): void;
}

export class AppCall implements AppExchange, Call {
  readonly head: RequestHead;
  readonly receivedTarget: string;
  readonly peer: Peer;
  readonly listener: number;
  readonly tls: AppRequest["tls"];
  body: AppBody = NO_BODY;
  webSocket: WebSocketConnection | undefined = undefined;
  link: AppRequest["link"] = undefined;
  id = 0;
  queuedMs = 0;
  /** Nobody waits for its answer. */
  abandoned = false;
  /** Its last word was said. */
  #answered = false;
  /** Was the worker told that its client has probably left? */
  #isHinted = false;
  /** X-Accel-Buffering, where it was said. */
  #buffering: boolean | undefined = undefined;
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  readonly #pool: Pool;
  readonly asked: undefined = undefined;
  readonly target: undefined = undefined;
  #receiver: BodyReceiver | undefined = undefined;
  readonly #owner: AppCallOwner | undefined;
  readonly attempt: AppAttempt | undefined;

  /**
   * @param attempt undefined where no log asks for it
   * @param owner undefined where nobody but this application may answer
   */
  constructor(
    context: EdgeContext, exchange: CurrentRequest, out: Outgoing, pool: Pool, attempt: AppAttempt | undefined,
    owner: AppCallOwner | undefined,
  ) {
    this.#context = context;
    this.#exchange = exchange;
    this.#out = out;
    this.#pool = pool;
    this.head = owner === undefined ? exchange.head : owner.head;
    this.receivedTarget = exchange.received.target;
    this.peer = exchange.peer;
    this.listener = exchange.connection.listener;
    this.tls = exchange.connection.tls?.facts;
    this.attempt = attempt;
    this.#owner = owner;
  }

  /**
   * Gives the request to a worker, or to whoever gathers its body first.
   * @param known the body, where another application had it before
   * @param keeps may another one want it afterwards?
   * @returns who takes the body
   */
  start(known: AppBody | undefined, keeps: boolean): BodyReceiver | undefined {
    const { http, settings } = this.#exchange.location;
    if (settings.webSocket.enabled && this.#pool.interface === "asgi" && asksForWebSocket(this.head)) {
      const handshake = readHandshake(this.head);
      if ("status" in handshake) {
        this.#exchange.notice("info", `WebSocket refused with ${handshake.status}: ${handshake.reason}`);
        this.#answer(handshake.status, handshake.status === 426 ? upgradeFields : []);
        return undefined;
      }
      this.webSocket = new WebSocketConnection(this.#context, settings, this, handshake);
    }
    if (!this.head.hasBody && known === undefined) {
      submit(this, this.#pool);
      return undefined;
    }
    const isFiled = http.clientBodyInFileOnly !== "off";
    this.#receiver = handleApp(this, this.#pool, {
      http,
      gathers: settings.appPass.requestBuffering ?? (this.#pool.interface === "wsgi" || isFiled),
      spoolPath: () => this.#context.bodyPath(this.#pool),
      known,
      keeps: keeps || isFiled,
      onNotice: this.#context.onError,
    });
    return this.#receiver;
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    if (this.abandoned) return;
    this.abandoned = true;
    // No worker has it, so none will remove the file.
    if (this.#pool.abandon(this) && this.body.kind === "file") removeFile(this.body.path);
  }

  /** The client has probably left. */
  hintGone(): void {
    // Who writes to it all the time will be told by a reset, if it has left.
    if (this.#exchange.responding && this.#exchange.isMain && this.#pool.interface === "wsgi") return;
    if (this.#isHinted) return;
    this.#isHinted = true;
    if (this.#pool.abandon(this)) this.#answer(503, overloadFields);
  }

  /** The server ends: a WebSocket that is not accepted yet would only be closed at once. */
  drain(): void {
    if (this.webSocket === undefined || this.#exchange.responding) return;
    this.#pool.abandon(this);
    this.#answer(500, NO_LINES);
  }

  get bytesSent(): number {
    return this.#exchange.bytesSent;
  }

  set bytesSent(size: number) {
    this.#exchange.bytesSent = size;
  }

  // What the handler wants of the client.

  sendContinue(): void {
    if (!this.head.fields.semantics.expectContinue || this.#exchange.responding) return;
    this.#out.channel.sendContinue();
  }

  pauseBody(): void {
    this.#out.channel.pauseBody();
  }

  resumeBody(): void {
    this.#out.channel.resumeBody();
  }

  respondStatus(status: number): void {
    if (!this.abandoned && this.#owner?.failed(status, this.id !== 0) === true) this.#answered = true;
    else this.#answer(status, status === 503 ? overloadFields : NO_LINES);
  }

  #answer(status: number, fields: readonly FieldLine[]): void {
    this.#answered = true;
    this.#owner?.broken("untold");
    if (!this.abandoned) this.#exchange.respondStatus(status, fields);
  }

  // What the worker says.

  onGiven(): void {
    this.#receiver?.onGiven();
  }

  onBodyCredit(size: number): void {
    this.#receiver?.onCredit(size);
  }

  onResponse(head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    if (!this.#mayAnswer) return this.#owner?.ended();
    if (this.#owner?.takes(head.status) === false) return;
    const passed = this.#passed(head);
    this.#count(end - start);
    this.attempt?.ended();
    this.#owner?.ended();
    if (passed !== undefined) this.#out.whole(passed, bytes, start, end);
  }

  onStart(head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    if (!this.#mayAnswer) return;
    if (this.#owner?.takes(head.status) === false) return this.leave();
    const passed = this.#passed(head);
    this.#count(end - start);
    if (passed === undefined) {
      this.#owner?.ended();
      return this.leave();
    }
    const { buffering, maxTempFileSize } = this.#exchange.location.settings.appPass;
    const mayStore = this.#pool.interface === "wsgi" && (this.#buffering ?? (buffering && !passed.unbuffered));
    this.#out.start(passed, bytes, start, end, {
      storedMax: mayStore ? maxTempFileSize : 0,
      grant: (size) => this.link?.sendCredit(this, size),
    });
  }

  onChunk(bytes: Bytes, start: number, end: number): void {
    if (this.abandoned) return;
    this.#count(end - start);
    this.#out.chunk(bytes, start, end);
  }

  onEnd(trailers: readonly FieldLine[]): void {
    this.attempt?.ended();
    this.#owner?.ended();
    if (this.#exchange.status === SWITCHING_PROTOCOLS) this.webSocket?.onWorkerDone();
    else if (!this.abandoned) this.#out.endFlow(trailers.length === 0 ? trailers : this.#trailers(trailers));
  }

  onFile(head: ResponseHead, path: string, offset: number, count: number, opened: () => void): void {
    const isTaken = this.#mayAnswer && this.#owner?.takes(head.status) !== false;
    const passed = isTaken ? this.#passed(head) : undefined;
    this.#owner?.ended();
    if (passed === undefined) return opened();
    this.#out.appFile(passed, { path, offset, count, opened });
  }

  onFailure(status: 500 | 502 | 503 | 504): void {
    this.attempt?.answered(status);
    this.attempt?.ended();
    const { responding, wasSent } = this.#exchange;
    // After an answer of the edge's own, such as 408, nobody waits for the application's.
    if (this.abandoned || wasSent) return this.#owner?.broken("failed");
    if (!responding) return this.respondStatus(status);
    this.#owner?.broken("failed");
    if (this.#exchange.status === SWITCHING_PROTOCOLS) return this.webSocket?.onWorkerDone();
    this.#out.cut();
  }

  onInformational(status: number, fields: readonly FieldLine[]): void {
    // RFC 9110 §15.2: a server MUST NOT send 1xx to an HTTP/1.0 client.
    if (!this.#mayAnswer || this.head.minorVersion === 0 || !this.#mayLeave(status, fields)) return;
    this.#out.channel.sendInformational(this.#exchange, status, fields);
  }

  /** Answers 101. @returns false when it may not leave: the client got 500 */
  switchProtocols(fields: readonly FieldLine[], own: readonly FieldLine[]): boolean {
    const successor = this.webSocket;
    if (successor === undefined || !this.#mayAnswer) return false;
    if (!this.#mayLeave(SWITCHING_PROTOCOLS, fields)) {
      this.#pool.abandon(this);
      this.#answer(500, NO_LINES);
      return false;
    }
    this.#owner?.takes(SWITCHING_PROTOCOLS);
    const head = new ResponseHead(SWITCHING_PROTOCOLS, reasonPhrase(SWITCHING_PROTOCOLS), fields);
    this.#out.switchProtocols(head, own, successor);
    this.#exchange.forget();
    return true;
  }

  /** The WebSocket has ended. */
  over(): void {
    this.abandoned = true;
    this.#owner?.ended();
    this.#exchange.over();
  }

  #count(size: number): void {
    if (this.attempt !== undefined) this.attempt.responseSize += size;
  }

  get #mayAnswer(): boolean {
    return !this.abandoned && !this.#answered && !this.#exchange.responding;
  }

  /** What of the head reaches the client; undefined when something else answers. */
  #passed(head: ResponseHead): ResponseHead | undefined {
    const exchange = this.#exchange;
    const { settings, errorPages } = exchange.location;
    exchange.upstreamFields = head.fields;
    this.attempt?.answered(head.status);
    const passed = passHead(head, settings.appPass);
    if (passed === undefined) return this.#owner === undefined ? head : this.#owner.leaving(head);
    if (passed.limitRate !== undefined) exchange.limitRate = passed.limitRate;
    const { redirect } = passed;
    this.#buffering = passed.buffering;
    const isReplaced = settings.appPass.interceptErrors
      && errorPages?.find(head.status, exchange.evaluation) !== undefined;
    if (redirect === undefined && !isReplaced) {
      return this.#owner === undefined ? passed.head : this.#owner.leaving(passed.head);
    }
    this.#answered = true;
    // Not within the worker's own call: the next one may go to the same worker.
    setImmediate(() => {
      if (exchange.abandoned) return;
      // nginx: an error that is intercepted leads nowhere else.
      if (redirect === undefined || isReplaced) exchange.respondStatus(head.status, passed.keptByError);
      else exchange.goElsewhere(redirect, passed.kept);
    });
    return undefined;
  }

  #trailers(trailers: readonly FieldLine[]): readonly FieldLine[] {
    return this.#mayLeave(200, trailers) ? filterTrailers(trailers, this.head.fields.get("te")) : [];
  }

  /** The last line against response splitting, for what is not a response's head. */
  #mayLeave(status: number, fields: readonly FieldLine[]): boolean {
    const fault = findFault(status, "", fields);
    if (fault === undefined) return true;
    this.#exchange.notice("error", `fields were not sent: ${fault}`);
    return false;
  }
}
