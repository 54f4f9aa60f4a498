/**
 * One request at a server that speaks HTTP/2: a stream of a connection that others share, used as a connection of its
 * own. It waits until its connection has room for it; then its head leaves, its content, and events come back.
 *
 * A user who has called `keep`, `close` or `reset`, or has heard `onClose`, is told nothing more.
 */
import type { FieldLine } from "../http/response-head.ts";
import { type ResponseEvent, type UpstreamReader, type Violation, violation } from "../protocol/h1/index.ts";
import { type ClientEvent, type ClientOwner, ErrorCode, type H2ClientEngine } from "../protocol/h2/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { CloseReason, DialSettings } from "./connection.ts";

export type StreamCloseReason =
  | CloseReason
  /** The server has reset it. `isUnprocessed`: it may be sent again, whatever it is (RFC 9113 §8.7). */
  | { readonly kind: "reset"; readonly text: string; readonly isUnprocessed: boolean }
  /** What came is no HTTP/2, or no response. */
  | { readonly kind: "malformed"; readonly text: string };

/** Who is told what happens on a stream. */
export interface StreamUser {
  /** Its connection has room for it: the request may leave. Not called for one that `isConnected` at once. */
  onConnected(): void;
  /** Events of the response have come, in so many bytes: `reader` has them, during the call. */
  onRead(size: number): void;
  /** There is room again for content. */
  onDrain(): void;
  /** It is gone, and not by the user's wish. */
  onClose(why: StreamCloseReason): void;
}

/** The connection, as a stream sees it. */
export interface StreamHost {
  readonly engine: H2ClientEngine<UpstreamStream>;
  /** There is something to write. */
  touch(): void;
  /** The stream has waited in vain. @param forMs for so long */
  waitedInVain(forMs: number): void;
  /** The stream has come to its end, whatever that was. */
  leave(stream: UpstreamStream): void;
}

type StreamEvent = Extract<ClientEvent<UpstreamStream>, { kind: "informational" | "response" | "data" | "end" }>;

/** No row: not open yet, or no longer. */
const GONE = -1;
const JUST_NOW = -1;
/** Informational responses before the response: as in HTTP/1.1. */
const INFORMATIONAL_COUNT_MAX = 8;
const names: ReadonlyMap<number, string> = new Map(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** The events of one response. Views among them are valid while they are given. */
class StreamReader implements UpstreamReader {
  readonly #events: StreamEvent[] = [];
  #informationalCount = 0;
  #ended = false;
  begun = false;
  readonly pendingSize = 0;

  get reusable(): boolean {
    return this.#ended;
  }

  push(event: StreamEvent): void {
    this.begun = true;
    this.#events.push(event);
  }

  next(): ResponseEvent {
    const event = this.#events.shift();
    switch (event?.kind) {
      case undefined: return this.#ended ? "paused" : "need-data";
      case "data": return { kind: "data", bytes: event.bytes };
      case "response": return event.head;
      case "informational": return this.#informational(event.head);
      case "end":
        this.#ended = true;
        return { kind: "end", trailers: event.trailers };
    }
  }

  #informational({ status, lines }: { readonly status: number; readonly lines: readonly FieldLine[] }):
    ResponseEvent | Violation {
    if (++this.#informationalCount > INFORMATIONAL_COUNT_MAX) return violation("informational_count", 502);
    return { kind: "informational", status, lines };
  }

  // What the bytes of a connection would need; frames are read before.

  expect(): void {
    return;
  }

  receive(): void {
    return;
  }

  keepRest(): void {
    return;
  }

  inputEnded(): void {
    return;
  }

  takeRest(): Bytes {
    return NO_BYTES;
  }
}

export class UpstreamStream implements ClientOwner {
  readonly reader: UpstreamReader;
  readonly #reader = new StreamReader();
  readonly dial: DialSettings;
  #user: StreamUser | undefined;
  #host: StreamHost | undefined = undefined;
  #row = GONE;
  method = "GET";
  isConnected = false;
  /** Was its connection there already? */
  isKept = false;
  /** Is it to be told at the end of this read? */
  isFed = false;
  /** Of this read: bytes of content, and of all; −1 without any event. Then content that its user has no room for. */
  #fedSize = 0;
  #readSize = -1;
  #withheld = 0;
  #isPaused = false;
  /** Was the user told of anything, and has the end come? */
  #hasBegun = false;
  #hasEnd = false;
  /** Does the read timeout run? */
  #awaiting = false;
  /** Since when the wait lasts: for room, or for events. */
  #sinceMs = JUST_NOW;
  #sentMs = JUST_NOW;
  #taken = 0;
  /** Set once nothing more comes, and not by the user's wish. */
  #why: StreamCloseReason | undefined = undefined;

  constructor(dial: DialSettings, user: StreamUser) {
    this.reader = this.#reader;
    this.dial = dial;
    this.#user = user;
  }

  // For the connection.

  /** It is the connection's now. @param isReady may the request leave at once? */
  placed(host: StreamHost, isReady: boolean): void {
    this.#host = host;
    this.isConnected = this.isKept = isReady;
  }

  /** There is room for it. */
  connect(): void {
    this.isConnected = true;
    this.#user?.onConnected();
  }

  push(event: StreamEvent): void {
    if (event.kind === "end") this.#hasEnd = true;
    const size = event.kind === "data" ? event.bytes.length : event.kind === "end" ? 0 : event.head.size;
    if (event.kind === "data") this.#fedSize += size;
    this.#readSize = Math.max(0, this.#readSize) + size;
    this.#reader.push(event);
  }

  /** The stream has ended so; told with the next `deliver`. */
  over(why: StreamCloseReason): void {
    this.#why ??= why;
  }

  /** Tells the user what has come. */
  deliver(): void {
    this.isFed = false;
    const size = this.#fedSize;
    const readSize = this.#readSize;
    this.#fedSize = 0;
    this.#readSize = -1;
    this.#sinceMs = JUST_NOW;
    // What breaks off at once is better not begun: nothing has reached the client, and another server may be asked.
    const isBroken = this.#why !== undefined && !this.#hasEnd && !this.#hasBegun;
    if (readSize >= 0 && !isBroken) {
      this.#hasBegun = true;
      this.#user?.onRead(readSize);
    }
    if (this.#isPaused) this.#withheld += size;
    else this.#consume(size);
    const user = this.#user;
    const why = this.#why;
    if (why === undefined || user === undefined) return;
    this.#leave();
    user.onClose(why);
  }

  /** Looks at its deadlines. */
  tick(nowMs: number): void {
    if (this.#sinceMs === JUST_NOW) this.#sinceMs = nowMs;
    const { connectTimeoutMs, sendTimeoutMs, readTimeoutMs } = this.dial;
    const waitedMs = nowMs - this.#sinceMs;
    if (!this.isConnected) {
      if (waitedMs > connectTimeoutMs) this.#timedOut("connect-timeout", waitedMs);
    } else if (this.#isStalled(nowMs, sendTimeoutMs)) {
      this.#timedOut("send-timeout", nowMs - this.#sentMs);
    } else if (this.#awaiting && !this.#isPaused && waitedMs > readTimeoutMs) {
      this.#timedOut("read-timeout", waitedMs);
    }
  }

  onDrained(): void {
    this.#user?.onDrain();
  }

  onFreed(): void {
    this.#row = GONE;
  }

  // For the user.

  /** Bytes written that wait for a window. */
  get queuedSize(): number {
    return this.#engine?.sender.queuedSize(this.#row) ?? 0;
  }

  /** The request's header block. @param isAll no content follows */
  writeHead(block: Bytes, method: string, isAll: boolean): void {
    this.method = method;
    const host = this.#host;
    if (host === undefined) return;
    // The row is known when a whole request has left, too: the stream is not over before its response.
    this.#row = host.engine.open(this, block, isAll);
    host.touch();
  }

  /** Content, which stays as it is until `taken` is called. @param isLast nothing follows */
  writeBytes(bytes: Bytes, isLast: boolean, taken?: () => void): void {
    const engine = this.#engine;
    if (engine === undefined) return taken?.();
    const isGone = engine.sender.keep(this.#row, bytes, 0, bytes.length, isLast, taken);
    this.#host?.touch();
    if (isGone) taken?.();
  }

  /** Nothing follows, or this trailer section and then nothing. */
  writeEnd(trailers: Bytes | undefined): void {
    this.#engine?.sender.end(this.#row, trailers);
    this.#host?.touch();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#sinceMs = JUST_NOW;
    const size = this.#withheld;
    this.#withheld = 0;
    this.#consume(size);
    this.#host?.touch();
  }

  /** The response is due: the read timeout runs from now. */
  awaitBytes(): void {
    this.#awaiting = true;
    this.#sinceMs = JUST_NOW;
  }

  /** The response is whole. */
  keep(): void {
    this.#leave();
  }

  /** Drops it. RFC 9113 §8.1: also where the response came before all of the request had left. */
  close(): void {
    this.#leave();
  }

  /** Drops it before its request was sent whole. */
  reset(): void {
    this.#leave();
  }

  /** Undefined when it is not open. */
  get #engine(): StreamHost["engine"] | undefined {
    return this.#row === GONE ? undefined : this.#host?.engine;
  }

  #consume(size: number): void {
    if (size > 0) this.#engine?.consume(this.#row, size);
  }

  /** Does content wait, of which nothing has left for so long? */
  #isStalled(nowMs: number, timeoutMs: number): boolean {
    const { waits, taken } = this.#engine?.sender.progress(this.#row) ?? { waits: false, taken: 0 };
    if (waits && taken === this.#taken && this.#sentMs !== JUST_NOW) return nowMs - this.#sentMs > timeoutMs;
    this.#taken = taken;
    this.#sentMs = nowMs;
    return false;
  }

  #timedOut(kind: "connect-timeout" | "send-timeout" | "read-timeout", waitedMs: number): void {
    this.#host?.waitedInVain(waitedMs);
    const user = this.#user;
    this.#leave();
    user?.onClose({ kind });
  }

  #leave(): void {
    this.#user = undefined;
    const host = this.#host;
    if (host === undefined) return;
    this.#engine?.reset(this.#row, ErrorCode.CANCEL);
    this.#host = undefined;
    host.leave(this);
    host.touch();
  }
}

/** For the log: how a server names the end of a stream. */
export function resetText(code: number): string {
  return `${names.get(code) ?? "code"} (${code})`;
}
