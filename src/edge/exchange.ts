/**
 * One request and its response: the whole story, top to bottom.
 *
 *   checks (access) → body → handler (the application's pool) → onResponse | onStart… → filters → channel
 *
 * It implements what the pool wants to tell (`AppRequest`), and speaks to the client through its channel.
 */
import { forwardedScheme } from "../access/index.ts";
import type { AppBody, AppRequest, Peer } from "../app/index.ts";
import { filterTrailers } from "../filters/index.ts";
import { handleApp, statusResponse } from "../handlers/index.ts";
import type { AppExchange, BodyReceiver } from "../handlers/index.ts";
import { FieldSection } from "../http/field-section.ts";
import type { RequestHead } from "../http/request-head.ts";
import { ResponseHead, findFault } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";
import { FileSource } from "../net/index.ts";
import { asksForWebSocket, readHandshake } from "../protocol/ws/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { ResponseChannel } from "./response-channel.ts";
import { ResponseFlow } from "./response-flow.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

const NO_FIELDS = new FieldSection(NO_BYTES, [], {
  contentLength: -1, chunked: false, close: false, keepAlive: false, expectContinue: false, upgrade: undefined,
  hostIndex: -1, forwarded: false,
});
const SWITCHING_PROTOCOLS = 101;
const NO_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

export class Exchange implements AppExchange {
  head: RequestHead;
  readonly peer: Peer;
  readonly listener: number;
  body: AppBody = NO_BODY;
  webSocket: WebSocketConnection | undefined = undefined;
  link: AppRequest["link"] = undefined;
  id = 0;
  abandoned = false;
  queuedMs = 0;
  /** Of the final response; 0 before it starts. */
  status = 0;
  /** Bytes of the response's body that were given to the channel. */
  bytesSent = 0;
  /** Monotonic milliseconds; exact only when an access log wants it. */
  readonly startMs: number;
  /** Final head's fields, for the access log. */
  responseHead: ResponseHead | undefined = undefined;
  readonly #context: EdgeContext;
  readonly #channel: ResponseChannel;
  #receiver: BodyReceiver | undefined = undefined;
  #flow: ResponseFlow | undefined = undefined;
  #complete = false;

  constructor(context: EdgeContext, channel: ResponseChannel, head: RequestHead, peer: Peer, listener: number) {
    this.#context = context;
    this.#channel = channel;
    this.head = head;
    this.peer = head.fields.semantics.forwarded && peer.trusted ? forwardedPeer(context, head, peer) : peer;
    this.listener = listener;
    this.startMs = context.accessLog === undefined ? 0 : performance.now();
  }

  /** Has the final response begun? */
  get responding(): boolean {
    return this.status !== 0;
  }

  /** The walk of a request: checks, then the handler. The first response wins. */
  begin(): void {
    const { http, zone, limitConcurrency, pool, appHandler, webSocket } = this.#context;
    zone.enter();
    const { contentLength } = this.head.fields.semantics;
    if (limitConcurrency > 0 && zone.running > limitConcurrency) return this.respondStatus(503);
    if (contentLength > http.clientMaxBodySize) return this.respondStatus(413);
    // RFC 9110 §9.3.6: we are no tunnel.
    if (this.head.method === "CONNECT") return this.respondStatus(405);
    if (webSocket.enabled && pool.interface === "asgi" && asksForWebSocket(this.head)) {
      const handshake = readHandshake(this.head);
      if ("status" in handshake) return this.#refuseHandshake(handshake.status, handshake.reason);
      this.webSocket = new WebSocketConnection(this.#context, this, handshake);
    }
    this.#receiver = handleApp(this, pool, appHandler);
  }

  /** Gives body bytes to whoever takes them; a view, valid during the call. */
  bodyData(bytes: Bytes): void {
    this.#receiver?.onData(bytes);
  }

  bodyPause(): void {
    this.#receiver?.onPause();
  }

  bodyEnd(): void {
    const receiver = this.#receiver;
    receiver?.onEnd();
  }

  /** The body is longer than it may be, or broken: the application must not take it for whole. */
  refuseBody(status: number): void {
    this.#receiver?.onAborted();
    this.#receiver = undefined;
    if (!this.responding) this.respondStatus(status);
    else this.#channel.cut(this);
  }

  /** The client is gone: whoever works for it is told. */
  abandon(): void {
    if (this.abandoned) return;
    this.abandoned = true;
    this.#receiver?.onAborted();
    this.#receiver = undefined;
    this.#flow?.close();
    this.#context.pool.abandon(this);
    this.#finish();
  }

  /** The client will send nothing more and has not been answered for a while: it has probably left. */
  hintGone(): void {
    const { pool } = this.#context;
    // Who writes to it all the time will be told by a reset, if it has left.
    if (this.responding && pool.interface === "wsgi") return;
    if (pool.abandon(this)) this.respondStatus(503);
  }

  /** The server ends: a WebSocket that is not accepted yet would only be closed at once. */
  drain(): void {
    if (this.webSocket === undefined || this.responding) return;
    this.#context.pool.abandon(this);
    this.respondStatus(500);
  }

  /** What was queued for the client has left. */
  drained(): void {
    this.#flow?.drained();
  }

  sendContinue(): void {
    if (this.head.fields.semantics.expectContinue && !this.responding) this.#channel.sendContinue();
  }

  pauseBody(): void {
    this.#channel.pauseBody();
  }

  resumeBody(): void {
    this.#channel.resumeBody();
  }

  respondStatus(status: number): void {
    if (this.abandoned || this.responding) return;
    const { head, body } = statusResponse(status, status === 413 || status === 503);
    this.onResponse(head, body, 0, body.length);
  }

  /** Answers 101. @returns false when it may not leave: the client got 500 */
  switchProtocols(fields: readonly FieldLine[], own: readonly FieldLine[]): boolean {
    const successor = this.webSocket;
    if (successor === undefined || this.abandoned || this.responding) return false;
    if (!this.#mayLeave(101, fields)) {
      this.#context.pool.abandon(this);
      this.respondStatus(500);
      return false;
    }
    const head = new ResponseHead(101, reasonPhrase(101), fields);
    this.#started(head);
    this.#channel.switchProtocols(head, own, successor);
    // An idle WebSocket shall be small, and only the log would look at these again.
    if (this.#context.accessLog === undefined) {
      this.head = { ...this.head, fields: NO_FIELDS };
      this.responseHead = undefined;
    }
    return true;
  }

  /** The WebSocket has ended. */
  over(): void {
    this.abandoned = true;
    this.#finish();
  }

  onGiven(): void {
    this.#receiver?.onGiven();
  }

  onBodyCredit(size: number): void {
    this.#receiver?.onCredit(size);
  }

  onResponse(head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    if (this.abandoned || this.responding) return;
    this.#started(head);
    this.#channel.sendWhole(this, head, bytes, start, end);
    this.#finish();
  }

  onStart(head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    if (this.abandoned || this.responding) return;
    this.#started(head);
    this.#channel.sendStart(this, head, -1, bytes, start, end);
    const mayStore = this.#context.pool.interface === "wsgi" && !head.unbuffered;
    const spoolPath = mayStore ? () => this.#context.spoolPath("response") : undefined;
    this.#flow = new ResponseFlow(this, this.#channel, spoolPath, {
      grant: (size) => this.link?.sendCredit(this, size),
      end: (trailers) => this.#end(trailers),
      notice: (text) => this.#context.onNotice("error", text),
    });
    this.#flow.taken(end - start);
  }

  onChunk(bytes: Bytes, start: number, end: number): void {
    if (!this.abandoned) this.#flow?.write(bytes, start, end);
  }

  onEnd(trailers: readonly FieldLine[]): void {
    if (this.status === SWITCHING_PROTOCOLS) this.webSocket?.onWorkerDone();
    else if (!this.abandoned) this.#flow?.end(trailers.length === 0 ? trailers : this.#trailers(trailers));
  }

  onFile(head: ResponseHead, path: string, offset: number, count: number, opened: () => void): void {
    if (this.abandoned || this.responding) return opened();
    FileSource.open(path, offset, count).then(
      (source) => {
        opened();
        if (this.abandoned) return void source.close();
        this.#started(head);
        this.#channel.sendStart(this, head, source.size, NO_BYTES, 0, 0);
        this.#flow = new ResponseFlow(this, this.#channel, undefined, {
          grant: () => undefined,
          end: (trailers) => this.#end(trailers),
          notice: (text) => this.#context.onNotice("error", text),
        });
        this.#flow.pump(source);
      },
      (error: unknown) => {
        opened();
        this.#context.onNotice("error", `the application's file ${path} cannot be sent: ${String(error)}`);
        this.respondStatus(500);
      },
    );
  }

  onFailure(status: 500 | 502 | 503 | 504): void {
    // After an answer of the edge's own, such as 408, nobody waits for the application's.
    if (this.abandoned || this.#complete) return;
    if (!this.responding) return this.respondStatus(status);
    if (this.status === SWITCHING_PROTOCOLS) return this.webSocket?.onWorkerDone();
    this.#flow?.close();
    this.#channel.cut(this);
  }

  onInformational(status: number, fields: readonly FieldLine[]): void {
    // RFC 9110 §15.2: a server MUST NOT send 1xx to an HTTP/1.0 client.
    if (this.abandoned || this.responding || this.head.minorVersion === 0 || !this.#mayLeave(status, fields)) return;
    this.#channel.sendInformational(this, status, fields);
  }

  #trailers(trailers: readonly FieldLine[]): readonly FieldLine[] {
    return this.#mayLeave(200, trailers) ? filterTrailers(trailers, this.head.fields.get("te")) : [];
  }

  #refuseHandshake(status: 400 | 426, reason: string): void {
    this.#context.onNotice("info", `${this.peer.address || "unix:"}: WebSocket refused with ${status}: ${reason}`);
    this.respondStatus(status);
  }

  /** The last line against response splitting, for what is not a response's head. */
  #mayLeave(status: number, fields: readonly FieldLine[]): boolean {
    const fault = findFault(status, "", fields);
    if (fault === undefined) return true;
    this.#context.onNotice("error", `${this.head.method} ${this.head.path}: fields were not sent: ${fault}`);
    return false;
  }

  #started(head: ResponseHead): void {
    this.status = head.status;
    this.responseHead = head;
  }

  #end(trailers: readonly FieldLine[]): void {
    if (this.abandoned) return;
    this.#channel.sendEnd(this, trailers);
    this.#finish();
  }

  #finish(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#context.zone.leave();
    this.#context.accessLog?.record(this);
    this.#channel.finished(this);
  }
}

/** The peer as trusted proxies describe it. */
function forwardedPeer(context: EdgeContext, head: RequestHead, peer: Peer): Peer {
  const address = context.trusted?.clientAddress(head.fields);
  return {
    address: address ?? peer.address,
    port: address === undefined ? peer.port : 0,
    scheme: forwardedScheme(head.fields) ?? peer.scheme,
    trusted: peer.trusted,
  };
}
