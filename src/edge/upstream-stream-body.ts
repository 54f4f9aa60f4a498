/** A request on its way to an upstream as a stream of HTTP/2: frames instead of a framing. */
import { fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { UpstreamStream } from "../upstream/index.ts";
import type { RequestWriter } from "./upstream-body.ts";

/** Bytes that may wait for the stream's window before the client, or the file, is slowed down. */
const QUEUED_MAX = 65_536;

export class StreamBodyWriter implements RequestWriter {
  readonly descriptor = -1;
  readonly #stream: UpstreamStream;
  readonly #method: string;
  readonly #trailers: () => Bytes | undefined;
  sentSize = 0;
  #ended = false;
  onComplete: (() => void) | undefined = undefined;

  /**
   * @param method of the request
   * @param trailers asked for when its body has ended: the header block that is to follow
   */
  constructor(stream: UpstreamStream, method: string, trailers: () => Bytes | undefined) {
    this.#stream = stream;
    this.#method = method;
    this.#trailers = trailers;
  }

  get isComplete(): boolean {
    return this.#ended;
  }

  get isFull(): boolean {
    return this.#stream.queuedSize > QUEUED_MAX;
  }

  whole(head: string | Bytes, body: Bytes): void {
    this.#ended = true;
    this.sentSize = body.length;
    const trailers = this.#trailers();
    this.#writeHead(head, body.length === 0 && trailers === undefined);
    if (body.length > 0) this.#stream.writeBytes(body, trailers === undefined);
    if (trailers !== undefined) this.#stream.writeEnd(trailers);
  }

  head(head: string | Bytes): void {
    this.#writeHead(head, false);
  }

  write(bytes: Bytes, taken: () => void): void {
    this.sentSize += bytes.length;
    // Never within the call: whoever writes in a loop would go deeper with each part.
    this.#stream.writeBytes(bytes, false, () => void setImmediate(taken));
  }

  part(bytes: Bytes, isLast: boolean): void {
    this.sentSize += bytes.length;
    const trailers = isLast ? this.#trailers() : undefined;
    const isEnd = isLast && trailers === undefined;
    if (bytes.length > 0) this.#stream.writeBytes(bytes, isEnd);
    if (isLast && (!isEnd || bytes.length === 0)) this.#stream.writeEnd(trailers);
    if (isLast) this.#complete();
  }

  passed(): void {
    return;
  }

  end(): void {
    this.#stream.writeEnd(this.#trailers());
    this.#complete();
  }

  #writeHead(head: string | Bytes, isAll: boolean): void {
    this.#stream.writeHead(typeof head === "string" ? fromLatin1(head) : head, this.#method, isAll);
  }

  #complete(): void {
    this.#ended = true;
    this.onComplete?.();
  }
}
