/** What the client's engine is told once, and what it tells of what a server sends. */
import type { FieldLine } from "../../http/response-head.ts";
import type { HeadLimits, ReceivedHead } from "../h1/index.ts";
import type { BodyEvent, FailedEvent } from "./events.ts";
import type { StreamOwner } from "./sender.ts";

export interface ClientSettings {
  /** Bytes of a response's body that may come before somebody takes them. */
  readonly initialWindowSize: number;
  /** Bytes of one DATA frame of ours, at most. */
  readonly chunkSize: number;
  /** Streams at once, though the server allow more. */
  readonly streamsMax: number;
  readonly limits: HeadLimits;
}

/** Whose request a stream carries. */
export interface ClientOwner extends StreamOwner {
  /** Of the request: a response to HEAD has no content. */
  readonly method: string;
}

export interface ClientHeadEvent<Owner> {
  /** "informational": the response is yet to come (RFC 9110 §15.2). */
  readonly kind: "informational" | "response";
  readonly owner: Owner;
  readonly head: ReceivedHead;
}
/** The response is whole. */
export interface ClientEndEvent<Owner> {
  readonly kind: "end";
  readonly owner: Owner;
  readonly trailers: readonly FieldLine[];
}
/** The stream is over, and the response is not whole. */
export interface ClientResetEvent<Owner> {
  readonly kind: "reset";
  readonly owner: Owner;
  readonly code: number;
  /** What was malformed, so that we have reset it; undefined where the server has. */
  readonly reason: string | undefined;
  /** RFC 9113 §8.7: nothing was done with the request; it may be sent again, whatever it is. */
  readonly isUnprocessed: boolean;
}
/** No more streams may be opened. */
export interface ClientGoAwayEvent {
  readonly kind: "goaway";
  readonly code: number;
}
/** The server's first SETTINGS have come: it is known how many streams it takes. */
export interface ReadyEvent {
  readonly kind: "ready";
}
export type ClientEvent<Owner> =
  | ClientHeadEvent<Owner> | BodyEvent<Owner> | ClientEndEvent<Owner> | ClientResetEvent<Owner> | FailedEvent
  | ClientGoAwayEvent | ReadyEvent | "need-data";
