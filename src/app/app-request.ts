/**
 * A request as the application's pool sees it: what it asks, and whom to tell the answer.
 *
 * `edge/exchange.ts` implements it. The pool keeps its own notes in the same object (`link`, `id`),
 * because a second object for each request is what the hot path can do without.
 */
import type { Bytes } from "../std/bytes.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { OutgoingMessage } from "../protocol/ws/index.ts";
import type { TlsFacts } from "../http/tls-facts.ts";

/** The request's body on its way to a worker. */
export type AppBody =
  | { readonly kind: "whole"; readonly bytes: Bytes }
  /**
   * All of it lies in a file of the run directory, which the worker unlinks; `copy` is a second name of the file, for
   * another application that may be asked afterwards. With `stays` the last of its names is not taken away.
   */
  | {
    readonly kind: "file"; readonly path: string; readonly size: number;
    readonly copy?: string | undefined; readonly stays?: boolean;
  }
  /** It follows against the worker's credit; `expectContinue` holds back the first byte. */
  | { readonly kind: "stream"; readonly expectContinue: boolean };

/** Who sent it, after trusted forwarding was taken into account. */
export interface Peer {
  readonly address: string;
  /** 0 when it is not known. */
  readonly port: number;
  readonly scheme: "http" | "https";
  /** May its forwarding fields reach the application? */
  readonly trusted: boolean;
}

/** The connection to the worker that has a request. */
export interface RequestLink {
  /** Sends a part of a streamed body, against credit that the caller keeps. */
  sendBody(request: AppRequest, bytes: Bytes, more: boolean): void;
  /** Tells the worker that nobody waits for this answer; its last frame still ends it. */
  sendGone(request: AppRequest): void;
  /** Lets the response send so many bytes more. */
  sendCredit(request: AppRequest, size: number): void;
  /** A whole message of the request's WebSocket: `bytes[start, end)`, which are not needed afterwards. */
  sendMessage(request: AppRequest, bytes: Bytes, start: number, end: number, isText: boolean): void;
  /** Asks for `onReceived` once the application has received all messages so far. */
  sendMark(request: AppRequest): void;
  /** Answers `onMark`. */
  sendPassed(request: AppRequest): void;
  /** The WebSocket is closed, after all its messages. @param reason at most 123 bytes of UTF-8 */
  sendClosed(request: AppRequest, code: number, reason: string): void;
}

/** A request that asks for a WebSocket, and what its worker says once there is one. */
export interface AppWebSocket {
  /** What the client offers, in its order. */
  readonly subprotocols: readonly string[];
  onAccept(subprotocol: string | undefined, fields: readonly FieldLine[]): void;
  /** A message of the application; valid during the call. */
  onMessage(message: OutgoingMessage): void;
  /** A fragment of a large message; a view. @param opcode 0 for all but the first */
  onPart(bytes: Bytes, opcode: 0 | 1 | 2, fin: boolean): void;
  /** The application waits until the client has taken what came before. */
  onMark(): void;
  /** The application has received everything before the oldest mark of ours. */
  onReceived(): void;
  onApplicationClose(code: number, reason: string): void;
  /** Its worker is to be replaced. @param index among the worker's WebSockets */
  onRetire(index: number): void;
}

export interface AppRequest {
  readonly head: RequestHead;
  /** The target as the client sent it, where rewriting has given the head another one. */
  readonly receivedTarget?: string | undefined;
  readonly peer: Peer;
  /** Which listener it came through: an index into the bases of the hello frame. */
  readonly listener: number;
  /** Of its connection, where that has TLS: an object that stands for it. */
  readonly tls: TlsFacts | undefined;
  readonly body: AppBody;
  /** Undefined for a request that does not ask for one. */
  readonly webSocket: AppWebSocket | undefined;
  /** The worker that has it, while it has it. */
  link: RequestLink | undefined;
  /** Its id on that worker's connection; 0: no worker can have started it. */
  id: number;
  /** Since when it waits for a worker, monotonic milliseconds; set by the pool, 0 while it has not had to. */
  queuedMs: number;
  /** The client is gone; nobody listens to the answer any more. */
  readonly abandoned: boolean;

  /** A worker has it now; called for streamed bodies only. */
  onGiven(): void;
  /** The whole response: its body is `bytes[start, end)`, valid during the call. */
  onResponse(head: ResponseHead, bytes: Bytes, start: number, end: number): void;
  /** The head and the first bytes; more follows. */
  onStart(head: ResponseHead, bytes: Bytes, start: number, end: number): void;
  onChunk(bytes: Bytes, start: number, end: number): void;
  onEnd(trailers: readonly FieldLine[]): void;
  /**
   * The body is part of a file. @param count bytes, −1 for all from `offset`
   * @param opened to be called once the file is open, or cannot be: the application may delete it then
   */
  onFile(head: ResponseHead, path: string, offset: number, count: number, opened: () => void): void;
  /** No answer, or no whole answer, will come; the status says whose fault it was. */
  onFailure(status: 500 | 502 | 503 | 504): void;
  /** The application wants so many bytes more of the body. */
  onBodyCredit(size: number): void;
  onInformational(status: number, fields: readonly FieldLine[]): void;
}
