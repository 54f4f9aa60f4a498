/**
 * A request's body on its way to an upstream: from memory, from a file, or as the client sends it, at the upstream's
 * pace. A part that left is never sent again, unless all of the body is here.
 */
import type { AppBody } from "../app/index.ts";
import type { BodyReceiver } from "../handlers/index.ts";
import { FileBody, OpenFile, closeDescriptor, identityOf, openDescriptor } from "../net/index.ts";
import type { BodySink, ReadBuffers } from "../net/index.ts";
import { LAST_CHUNK, formatChunkSize } from "../protocol/h1/index.ts";
import { END_OF_STDIN, encodeStdinHeader, RECORD_SIZE_MAX } from "../protocol/fastcgi/index.ts";
import { NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { UpstreamConnection } from "../upstream/index.ts";

export type BodyFraming = "plain" | "chunked" | "records";

/** Up to this size a body is written as text together with its head. */
const INLINE_SIZE_MAX = 16_384;
/** Bytes that may wait for the upstream before the client, or the file, is slowed down. */
const QUEUED_MAX = 131_072;

/** Where a request goes, with its body. */
export interface RequestWriter extends BodySink {
  /** Bytes of the body that were written. */
  readonly sentSize: number;
  /** Has all of the body been written? */
  readonly isComplete: boolean;
  readonly isFull: boolean;
  /** Called once, when all has been written. */
  onComplete: (() => void) | undefined;
  /** Head and a body that is in memory, in as few writes as may be. */
  whole(head: string | Bytes, body: Bytes): void;
  head(head: string | Bytes): void;
  /** A part of the body, which stays as it is. @param isLast nothing follows */
  part(bytes: Bytes, isLast: boolean): void;
  end(): void;
}

/** Writes a body in the framing of HTTP/1.x, or of FastCGI. */
export class UpstreamBodyWriter implements RequestWriter {
  /** sendfile(2) would pass by what frames, and what encrypts. */
  readonly descriptor = -1;
  readonly #connection: UpstreamConnection;
  readonly #framing: BodyFraming;
  sentSize = 0;
  #ended = false;
  onComplete: (() => void) | undefined = undefined;

  constructor(connection: UpstreamConnection, framing: BodyFraming) {
    this.#connection = connection;
    this.#framing = framing;
  }

  get isComplete(): boolean {
    return this.#ended;
  }

  get isFull(): boolean {
    return this.#connection.queuedSize > QUEUED_MAX;
  }

  whole(head: string | Bytes, body: Bytes): void {
    const connection = this.#connection;
    this.#ended = true;
    this.sentSize = body.length;
    if (this.#framing === "plain" && typeof head === "string" && body.length <= INLINE_SIZE_MAX) {
      connection.writeLatin1(body.length === 0 ? head : head + body.latin1Slice());
      return;
    }
    connection.cork();
    this.head(head);
    if (body.length > 0) this.#frame(body, undefined);
    this.#writeEnd();
    connection.uncork();
  }

  head(head: string | Bytes): void {
    if (typeof head === "string") this.#connection.writeLatin1(head);
    else this.#connection.writeBytes(head);
  }

  /** A part of the body, which stays as it is until `taken` is called. */
  write(bytes: Bytes, taken: () => void): void {
    this.sentSize += bytes.length;
    // Its buffer is used again once it is taken, so not before the socket is done with it.
    this.#frame(bytes, taken);
  }

  part(bytes: Bytes, isLast: boolean): void {
    this.#connection.cork();
    this.sentSize += bytes.length;
    if (bytes.length > 0) this.#frame(bytes, undefined);
    if (isLast) this.end();
    this.#connection.uncork();
  }

  passed(): void {
    return;
  }

  end(): void {
    this.#ended = true;
    this.#writeEnd();
    this.onComplete?.();
  }

  /** What the framing says behind the last part. */
  #writeEnd(): void {
    if (this.#framing === "chunked") this.#connection.writeLatin1(LAST_CHUNK);
    else if (this.#framing === "records") this.#connection.writeBytes(END_OF_STDIN);
  }

  #frame(bytes: Bytes, taken: (() => void) | undefined): void {
    const connection = this.#connection;
    switch (this.#framing) {
      case "plain":
        connection.writeBytes(bytes, taken);
        return;
      case "chunked":
        connection.cork();
        connection.writeLatin1(formatChunkSize(bytes.length));
        connection.writeBytes(bytes, taken);
        connection.writeLatin1("\r\n");
        return connection.uncork();
      case "records":
        connection.cork();
        for (let at = 0; at < bytes.length; at += RECORD_SIZE_MAX) {
          const part = bytes.subarray(at, at + RECORD_SIZE_MAX);
          connection.writeLatin1(encodeStdinHeader(part.length));
          connection.writeBytes(part, at + part.length === bytes.length ? taken : undefined);
        }
        return connection.uncork();
    }
  }
}

/** Sends a body that lies in a file. @param done with a sentence when the file could not be read */
export function sendFile(
  writer: RequestWriter, body: Extract<AppBody, { kind: "file" }>, buffers: ReadBuffers,
  done: (fault: string | undefined) => void,
): { close(): void } {
  let closed = false;
  let sending: FileBody | undefined;
  openDescriptor(body.path).then(
    ({ fd, stats }) => {
      if (closed) return closeDescriptor(fd);
      sending = new FileBody(writer, {
        file: new OpenFile(fd, identityOf(stats)),
        parts: [{ kind: "file", start: 0, end: body.size }],
        buffers, sendfile: undefined, limit: undefined,
        onDone: (outcome) => {
          if (outcome.kind === "complete") writer.end();
          done(outcome.kind === "complete" ? undefined : `the request's body could not be read from ${body.path}`);
        },
      });
      sending.start();
    },
    (error: unknown) => {
      if (!closed) done(`the request's body could not be read: ${String(error)}`);
    },
  );
  return {
    close: () => {
      closed = true;
      sending?.close();
    },
  };
}

interface StreamingClient {
  sendContinue(): void;
  pauseBody(): void;
  resumeBody(): void;
}

/** The call whose body flows. */
export interface StreamingCall {
  /** What the client has sent so far is here: goes on. @param whole the body, if that is all of it */
  begin(whole: Bytes | undefined): void;
  /** The client did not send all of it. */
  leave(): void;
}

/**
 * A body that flows to the upstream as the client sends it. What comes in one go leaves in one; a body that is all here
 * before anybody is asked is as good as a gathered one.
 */
export class StreamedUpstreamBody implements BodyReceiver {
  readonly #client: StreamingClient;
  readonly #call: StreamingCall;
  /** What came since the last write, or before there was a connection. */
  #kept: Bytes[] = [];
  #keptSize = 0;
  #writer: RequestWriter | undefined = undefined;
  #begun = false;
  #paused = false;
  #ended = false;
  #aborted = false;

  constructor(client: StreamingClient, call: StreamingCall) {
    this.#client = client;
    this.#call = call;
  }

  /** Has nothing been lost for a second try? */
  get isUntouched(): boolean {
    return this.#writer === undefined || this.#writer.sentSize === 0;
  }

  /** The head leaves on this connection, and what is here of the body with it. */
  flowTo(writer: RequestWriter): void {
    this.#writer = writer;
    this.#flush(writer);
    if (!this.#ended) this.#client.sendContinue();
  }

  /** The connection is gone, and nothing of the body has left on it: it waits for another one. */
  wait(): void {
    this.#writer = undefined;
  }

  onData(bytes: Bytes): void {
    if (this.#aborted) return;
    this.#kept.push(copyBytes(bytes));
    this.#keptSize += bytes.length;
    this.#settle();
  }

  onPause(): void {
    if (this.#aborted) return;
    if (!this.#begun) this.#begin(undefined);
    else if (this.#writer !== undefined && this.#keptSize > 0) this.#flush(this.#writer);
  }

  onEnd(): void {
    if (this.#aborted) return;
    this.#ended = true;
    if (!this.#begun) this.#begin(this.#takeKept());
    else if (this.#writer !== undefined) this.#flush(this.#writer);
  }

  onAborted(): void {
    if (this.#aborted || this.#ended) return;
    this.#aborted = true;
    this.#kept = [];
    this.#call.leave();
  }

  onCredit(): void {
    return;
  }

  onGiven(): void {
    return;
  }

  /** The upstream takes more. */
  drained(): void {
    this.#settle();
  }

  #begin(whole: Bytes | undefined): void {
    this.#begun = true;
    this.#call.begin(whole);
  }

  #flush(writer: RequestWriter): void {
    writer.part(this.#takeKept(), this.#ended);
    this.#settle();
  }

  #takeKept(): Bytes {
    const [first = NO_BYTES] = this.#kept;
    const bytes = this.#kept.length > 1 ? concatBytes(this.#kept) : first;
    this.#kept = [];
    this.#keptSize = 0;
    return bytes;
  }

  #settle(): void {
    const isFull = this.#keptSize > QUEUED_MAX || this.#writer?.isFull === true;
    if (isFull === this.#paused) return;
    this.#paused = isFull;
    if (isFull) this.#client.pauseBody();
    else this.#client.resumeBody();
  }
}
