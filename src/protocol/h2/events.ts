/** What the engine is told once, and what it tells of what a peer sends. */
import type { RequestHead } from "../../http/request-head.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { HeadLimits } from "../h1/index.ts";
import type { ErrorCode } from "./frame.ts";

/** What the peer shall keep to. */
export interface EngineSettings {
  readonly maxConcurrentStreams: number;
  /** Bytes of a request's body that may come before somebody wants it. */
  readonly initialWindowSize: number;
  /** Bytes of one DATA frame of ours, at most. */
  readonly chunkSize: number;
  readonly limits: HeadLimits;
}

/** `stream` is a row, to be claimed in the course of the event; it is not claimed where nobody does. */
export interface RequestEvent {
  readonly kind: "request";
  readonly stream: number;
  readonly head: RequestHead;
  /** Bytes of its header block as it came. */
  readonly blockSize: number;
  /** Was it an extended CONNECT (RFC 8441), so that a 2xx makes a tunnel of the stream? */
  readonly isWebSocket: boolean;
}
/** A request that is to be answered with this status. */
export interface RefusedEvent {
  readonly kind: "refused";
  readonly stream: number;
  readonly head: RequestHead;
  readonly blockSize: number;
  readonly status: number;
  readonly reason: string;
  /** Is the stream reset with the next call of `next`? Until then the status may be sent (RFC 9113 §8.1.1). */
  readonly isMalformed: boolean;
}
/** What came behind its head makes a request malformed: as above. */
export interface MalformedEvent<Owner> {
  readonly kind: "malformed";
  readonly owner: Owner;
  readonly reason: string;
}
export interface BodyEvent<Owner> {
  readonly kind: "data";
  readonly owner: Owner;
  /** A view of what was received, valid until the next call; to be consumed by `consume`. */
  readonly bytes: Bytes;
}
export interface BodyEndEvent<Owner> {
  readonly kind: "end";
  readonly owner: Owner;
  readonly trailers: readonly FieldLine[];
}
/** The stream is over: the peer has reset it, or has made us do so; then there is a reason for the log. */
export interface ResetEvent<Owner> {
  readonly kind: "reset";
  readonly owner: Owner | undefined;
  readonly code: number;
  readonly reason: string | undefined;
}
/** What a peer did that it must not. */
export interface Fault {
  readonly code: ErrorCode;
  readonly reason: string;
}
/** The connection is over: write `output`, then close it. */
export interface FailedEvent extends Fault {
  readonly kind: "failed";
}
/** The peer opens no more streams. */
export interface GoAwayEvent {
  readonly kind: "goaway";
  readonly code: number;
}
export type EngineEvent<Owner> =
  | RequestEvent | RefusedEvent | MalformedEvent<Owner> | BodyEvent<Owner> | BodyEndEvent<Owner> | ResetEvent<Owner>
  | FailedEvent | GoAwayEvent | "need-data";
