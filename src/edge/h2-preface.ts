/**
 * A connection in cleartext of which its first bytes tell what it speaks: HTTP/2 with prior knowledge begins with a
 * preface that is no request (RFC 9113 §3.3, §3.4); whatever differs from it is HTTP/1.1. What is neither, a first line
 * that names no version of HTTP, is closed without an answer: in which language should it be?
 */
import type { ByteStream } from "../net/index.ts";
import { PREFACE } from "../protocol/h2/index.ts";
import { NO_BYTES, concatBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { EarlyConnection } from "./early-connection.ts";
import type { EdgeContext } from "./edge-context.ts";

export interface PrefaceOwner {
  onConnectionClosed(connection: PrefaceConnection): void;
  /** It is known: the stream has another receiver from now on. @param first what came, valid during the call */
  onPreface(connection: PrefaceConnection, isHttp2: boolean, first: Bytes): void;
}

export class PrefaceConnection extends EarlyConnection {
  readonly #owner: PrefaceOwner;
  #first: Bytes = NO_BYTES;

  /** @param untilMs when the first request must be here */
  constructor(context: EdgeContext, stream: ByteStream, owner: PrefaceOwner, untilMs: number) {
    super(context, stream, untilMs);
    this.#owner = owner;
  }

  onBytes(bytes: Bytes): void {
    if (this.isOver) return;
    const first = this.#first.length === 0 ? bytes : concatBytes([this.#first, bytes]);
    const size = Math.min(first.length, PREFACE.length);
    const isSoFar = first.latin1Slice(0, size) === PREFACE.slice(0, size);
    if (isSoFar && size < PREFACE.length) {
      this.#first = concatBytes([first]);
      return;
    }
    if (!isSoFar && isNeither(first)) return this.end();
    this.leave();
    this.#owner.onPreface(this, isSoFar, first);
  }

  protected onClosed(): void {
    this.#owner.onConnectionClosed(this);
  }
}

/** Is there a whole first line, and no version of HTTP in it? */
function isNeither(first: Bytes): boolean {
  const end = first.indexOf(0x0a);
  return end >= 0 && !first.latin1Slice(0, end).includes(" HTTP/");
}
