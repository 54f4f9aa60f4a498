/** What a proxy sees of a response, whatever protocol brought it. */
import type { FieldLine } from "../../http/response-head.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { ReceivedHead } from "./received-head.ts";
import type { DataEvent } from "./request-reader.ts";
import type { Violation } from "./violation.ts";

/** 100, 102, 103 and others (RFC 9110 §15.2): the response is yet to come. */
export interface InformationalEvent {
  readonly kind: "informational";
  readonly status: number;
  readonly lines: readonly FieldLine[];
}
/** The response is whole; also behind one that has no body. */
export interface ResponseEndEvent {
  readonly kind: "end";
  /** RFC 9112 §7.1.2; none of them speaks of framing. */
  readonly trailers: readonly FieldLine[];
}
/** "paused": nothing more comes of this response, and none is expected. */
export type ResponseEvent =
  | ReceivedHead | InformationalEvent | DataEvent | ResponseEndEvent | Violation | "need-data" | "paused";

export interface UpstreamReader {
  /**
   * A request with this method was sent: its response comes next. Bytes that came before are a violation.
   * Call it before the request is written, because a server may answer early.
   */
  expect(method: string): void;
  /** Gives the machine more bytes; read them with `next` until it asks for more. They are looked at until then only. */
  receive(bytes: Bytes): void;
  /** Copies what is not read yet, because the memory given to `receive` is about to be used again. */
  keepRest(): void;
  /** The next event. After "need-data" give more or say that no more comes. After a violation: "paused". */
  next(): ResponseEvent;
  /** The peer sends no more; `next` then gives the end of a body that ends so, else a violation (RFC 9112 §8). */
  inputEnded(): void;
  /** After "end": may the connection carry another request? Not with surplus bytes, nor when an end was its end. */
  readonly reusable: boolean;
  /** Has any byte of the expected response come? */
  readonly begun: boolean;
  /** Bytes that are kept: of an unfinished head, or surplus. */
  readonly pendingSize: number;
  /** What a script wrote to its error stream for this request; absent where the protocol has none. */
  readonly stderr?: string;
  /** After a head with status 101 and "paused": what came behind it, which is not HTTP. */
  takeRest(): Bytes;
}
