/** What a WebSocket tells who reads it, as values: the reader never throws on input. */
import type { Bytes } from "../../std/bytes.ts";
import type { WsDeflate } from "./deflate.ts";

/** Bounds and role of one WebSocket. */
export interface WsSettings {
  /** Whose end this is. A server's reader wants masked frames, a client's refuses them (RFC 6455 §5.1). */
  readonly role: "server" | "client";
  /** Largest message, as it is after decompression, bytes. */
  readonly messageSizeMax: number;
  readonly deflate: WsDeflate | undefined;
}

/** A whole message, whatever its fragments were. The object is the reader's own and is used again for the next. */
export interface MessageEvent {
  readonly kind: "message";
  /** Text (valid UTF-8 as a whole) or binary. */
  text: boolean;
  /** The payload is `bytes[start, end)`, valid until the next call of the reader. */
  bytes: Bytes;
  start: number;
  end: number;
}

export interface PingEvent {
  readonly kind: "ping";
  /** To be sent back in a Pong; a view, valid until the next call. */
  readonly bytes: Bytes;
}

export interface PongEvent {
  readonly kind: "pong";
  readonly bytes: Bytes;
}

/** The peer's Close frame; nothing follows it. */
export interface CloseEvent {
  readonly kind: "close";
  /** 1005 when the frame had none (RFC 6455 §7.1.5). */
  readonly code: number;
  readonly reason: string;
}

/** The peer broke a rule or a bound; nothing follows. `code` and `reason` are for the Close frame that tells it. */
export interface WsViolation {
  readonly kind: "violation";
  readonly code: 1002 | 1007 | 1008 | 1009;
  readonly reason: string;
}

export type WsEvent = MessageEvent | PingEvent | PongEvent | CloseEvent | WsViolation;
