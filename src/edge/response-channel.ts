/** How an exchange's response leaves, whatever the protocol: HTTP/1.1 now. */
import type { HttpSettings } from "../config/model.ts";
import type { BodySink } from "../net/index.ts";
import type { ReadyText } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { Successor } from "./connection-owner.ts";

/** What a channel knows of an exchange. */
export interface SentExchange {
  readonly head: RequestHead;
  /** Settings that are in force for it. */
  readonly http: HttpSettings;
  /** Bytes of the response's body that were given to the channel. */
  bytesSent: number;
  /** Bytes of the head that was sent. */
  headSize: number;
  /** Does the connection end with it? Known when its head is sent. */
  isLast: boolean;
  /** Bytes between those of the body: sizes of chunks, trailers. */
  framingSize: number;
}

export interface ResponseChannel {
  /** Bytes that the client has not taken yet. */
  readonly queuedSize: number;
  /** Sends a whole response whose body is `bytes[start, end)`; the bytes are not needed afterwards. */
  sendWhole(exchange: SentExchange, head: ResponseHead, bytes: Bytes, start: number, end: number): void;
  /** Sends a whole response whose body never changes. @param text room for head and body as one */
  sendReady(exchange: SentExchange, head: ResponseHead, body: Bytes, text: ReadyText | undefined): void;
  /** Sends the head and the first bytes. @param length size of the whole body, −1 when it is not known */
  sendStart(exchange: SentExchange, head: ResponseHead, length: number, bytes: Bytes, start: number, end: number): void;
  /** Where a body from a file goes, after `sendStart`; undefined when the response has none. */
  bodySink(exchange: SentExchange): BodySink | undefined;
  sendChunk(exchange: SentExchange, bytes: Bytes, start: number, end: number): void;
  sendEnd(exchange: SentExchange, trailers: readonly FieldLine[]): void;
  sendInformational(exchange: SentExchange, status: number, fields: readonly FieldLine[]): void;
  sendContinue(): void;
  /** Answers 101 and gives the connection to `successor`. @param fields those of the new protocol */
  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], successor: Successor): void;
  /** The settings of the location that the request is in are in force for its connection. */
  use(http: HttpSettings): void;
  /** Closes without a response (nginx: return 444). */
  drop(): void;
  /** The response cannot be completed: makes that visible to the client. */
  cut(exchange: SentExchange): void;
  /** The response is complete as far as the exchange is concerned. */
  finished(exchange: SentExchange): void;
  pauseBody(): void;
  resumeBody(): void;
}
