/**
 * One try at one peer: the request goes out on a connection, the response's events come back. Each try is an object of
 * its own, so that what is late from one never reaches the next.
 */
import type { PassedRequest } from "../handlers/index.ts";
import type { FieldLine } from "../http/response-head.ts";
import type { ReceivedHead, UpstreamReader } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import {
  type CloseReason, type ConnectionUser, type DialSettings, type NetworkPeer, type NextUpstream, type StreamCloseReason,
  type StreamUser, type Upstream, type UpstreamConnection, UpstreamStream,
} from "../upstream/index.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { EdgeContext } from "./edge-context.ts";
import { isFailure } from "./next-upstream.ts";
import type { SentBody } from "./sent-body.ts";
import type { UpstreamAttempt } from "./upstream-attempt.ts";
import { type RequestWriter, type StreamedUpstreamBody, UpstreamBodyWriter, sendFile } from "./upstream-body.ts";
import { StreamBodyWriter } from "./upstream-stream-body.ts";

const TIMED_OUT = "upstream timed out (110: Connection timed out)";

/** Whom a try tells what comes of it. */
export interface TryOwner {
  onInformational(status: number, lines: readonly FieldLine[]): void;
  /** @returns false when the rest of the response is not wanted: the try was given up */
  onHead(received: ReceivedHead): boolean;
  /** A part of the body: a view. @param isAll it is the whole response's, which has ended */
  onData(bytes: Bytes, isAll: boolean): void;
  /** All that has come of the response was given. */
  onPause(): void;
  onWhole(trailers: readonly FieldLine[]): void;
  /** It has failed, and is given up. @param isStale its connection had been kept, and was closed meanwhile */
  onFailed(condition: NextUpstream, text: string, isStale: boolean): void;
  /** The request's own body could not be read. */
  onBodyLost(text: string): void;
  /** A line for the log, about what the script wrote to its error stream. */
  onErrors(text: string): void;
}

/** What is sent. */
export interface TriedRequest {
  readonly request: PassedRequest | undefined;
  readonly sent: SentBody;
  /** Of a body that comes as the client sends it. */
  readonly streamed: StreamedUpstreamBody | undefined;
}

export class UpstreamTry implements ConnectionUser, StreamUser {
  readonly #context: EdgeContext;
  readonly #way: CompiledUpstream;
  readonly #asked: TriedRequest;
  readonly #upstream: Upstream;
  readonly #peer: NetworkPeer;
  readonly #attempt: UpstreamAttempt;
  readonly #owner: TryOwner;
  #connection: UpstreamConnection | UpstreamStream | undefined = undefined;
  #reader: UpstreamReader | undefined = undefined;
  #writer: RequestWriter | undefined = undefined;
  #file: { close(): void } | undefined = undefined;
  #received: ReceivedHead | undefined = undefined;
  #wasKept = false;
  /** Has the peer closed its half? */
  #hasEnded = false;
  /** Characters of the script's error stream that were told. */
  #toldSize = 0;
  /** Has anything of the request left, so that something may have been done with it? */
  wasSent = false;
  /** Has the peer said that it has done nothing with it (RFC 9113 §8.7)? */
  wasRefused = false;
  #isOver = false;

  constructor(
    context: EdgeContext, way: CompiledUpstream, sent: TriedRequest, upstream: Upstream, peer: NetworkPeer,
    attempt: UpstreamAttempt, owner: TryOwner,
  ) {
    this.#context = context;
    this.#way = way;
    this.#asked = sent;
    this.#upstream = upstream;
    this.#peer = peer;
    this.#attempt = attempt;
    this.#owner = owner;
  }

  /** Takes a connection that was kept, or a new one; of HTTP/2 a stream of either. */
  start(dial: DialSettings): void {
    const { connections, sessions } = this.#context;
    const [upstream, peer] = [this.#upstream, this.#peer];
    const { keepalive } = upstream.settings;
    const { streamLimits: limits } = this.#way.protocol;
    const connection = limits === undefined ? connections.connect(upstream, peer, keepalive, dial, this)
      : sessions.connect({ upstream, peer, keepalive, dial, limits }, this);
    this.#connection = connection;
    this.#wasKept = connection.isKept;
    if (connection.isConnected) this.onConnected();
  }

  onConnected(): void {
    const connection = this.#connection;
    const { request, sent: { body } } = this.#asked;
    if (connection === undefined || request === undefined) return;
    const attempt = this.#attempt;
    attempt.connected(this.#wasKept);
    this.wasSent = true;
    if (connection instanceof UpstreamStream) {
      this.#reader = connection.reader;
      const writer = new StreamBodyWriter(connection, request.method, () => this.#asked.sent.trailers);
      return this.#send(request, writer, connection);
    }
    const reader = (this.#reader = connection.reader ??= this.#way.protocol.reader(this.#context.responses));
    reader.expect(request.method);
    if (body.kind === "whole" && body.bytes.length === 0 && request.framing === "plain") {
      // Most requests: nothing follows the head.
      if (typeof request.head === "string") connection.writeLatin1(request.head);
      else connection.writeBytes(request.head);
      attempt.noteSent(request.head.length, undefined);
      return connection.awaitBytes();
    }
    const isWhole = body.kind === "whole";
    if (!isWhole) connection.cork();
    this.#send(request, new UpstreamBodyWriter(connection, request.framing), connection);
    if (!isWhole) connection.uncork();
  }

  #send(request: PassedRequest, writer: RequestWriter, connection: UpstreamConnection | UpstreamStream): void {
    const { sent: { body }, streamed } = this.#asked;
    this.#writer = writer;
    if (body.kind === "whole") {
      writer.whole(request.head, body.bytes);
    } else {
      writer.head(request.head);
      if (body.kind === "file") {
        this.#file = sendFile(writer, body, this.#context.buffers, (lost) => this.#onFile(lost));
      } else {
        streamed?.flowTo(writer);
      }
    }
    this.#attempt.noteSent(request.head.length, writer);
    // A body that is still on its way may take as long as its client does.
    if (writer.isComplete) connection.awaitBytes();
    else writer.onComplete = () => this.#connection?.awaitBytes();
  }

  /** Frames of the response have come; they were read already. */
  onRead(size: number): void {
    this.#attempt.received(size);
    if (this.#reader !== undefined) this.#read(this.#reader);
  }

  onDrain(): void {
    this.#asked.streamed?.drained();
  }

  onBytes(bytes: Bytes): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#attempt.received(bytes.length);
    reader.receive(bytes);
    this.#read(reader);
    reader.keepRest();
  }

  onEnd(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#hasEnded = true;
    reader.inputEnded();
    this.#read(reader);
  }

  onClose(why: CloseReason | StreamCloseReason): void {
    this.#connection = undefined;
    const doing = this.#doing;
    switch (why.kind) {
      case "connect-timeout": return this.#fail("timeout", `${TIMED_OUT} while connecting to upstream`);
      case "send-timeout": return this.#fail("timeout", `${TIMED_OUT} while sending request to upstream`);
      case "read-timeout": return this.#fail("timeout", `${TIMED_OUT} while ${doing} upstream`);
      case "closed": return this.#closedEarly();
      case "malformed": return this.#malformed(why.text);
      case "reset":
        return this.#onReset(why.isUnprocessed, `upstream reset the stream with ${why.text} while ${doing} upstream`);
      case "error":
        return this.#fail("error", `${why.call} failed (${why.text}) while ${this.#sentDoing} upstream`);
    }
  }

  /** nginx: in place of a head a reset is a head that is invalid. */
  #onReset(isUnprocessed: boolean, text: string): void {
    this.wasRefused = isUnprocessed;
    if (isUnprocessed) this.wasSent = false;
    this.#fail(isUnprocessed || this.#received !== undefined ? "error" : "invalid_header", text);
  }

  /** Reads on, or not. */
  flow(reads: boolean): void {
    if (reads) this.#connection?.resume();
    else this.#connection?.pause();
  }

  /** Another protocol begins: gives the connection away. @returns what came behind the head */
  detach(): { readonly connection: UpstreamConnection; readonly rest: Bytes } | undefined {
    const connection = this.#connection;
    const reader = this.#reader;
    // A stream of HTTP/2 is never given away: no 101 comes on it (RFC 9113 §8.6).
    if (connection === undefined || reader === undefined || connection instanceof UpstreamStream) return undefined;
    this.#connection = this.#reader = undefined;
    return { connection, rest: reader.takeRest() };
  }

  /** Lets go of the peer, and drops the connection: nobody knows what would still come. */
  giveUp(outcome: "ok" | "failed" | "untold"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#file?.close();
    const connection = this.#connection;
    this.#connection = this.#reader = undefined;
    if (this.#writer?.isComplete === false) connection?.reset();
    else connection?.close();
    this.#release(outcome);
  }

  #onFile(lost: string | undefined): void {
    if (lost !== undefined && !this.#isOver) this.#owner.onBodyLost(lost);
  }

  #read(reader: UpstreamReader): void {
    while (!this.#isOver) {
      const event = reader.next();
      if (event === "need-data" || event === "paused") {
        if (event === "need-data" && this.#received !== undefined) this.#owner.onPause();
        return;
      }
      switch (event.kind) {
        case "informational":
          this.#owner.onInformational(event.status, event.lines);
          break;
        case "response":
          this.#tellErrors(reader);
          this.#onHead(event);
          break;
        case "data":
          this.#onData(event.bytes, reader);
          break;
        case "end":
          this.#tellErrors(reader);
          this.#done(reader);
          return this.#owner.onWhole(event.trailers);
        case "violation":
          this.#tellErrors(reader);
          return this.#onViolation(event.reason);
      }
    }
  }

  #onHead(received: ReceivedHead): void {
    const attempt = this.#attempt;
    attempt.answered(received.status);
    this.#upstream.balancer.headerCame(this.#peer, attempt.headerMs ?? 0);
    this.#received = received;
    if (!this.#owner.onHead(received)) this.giveUp("ok");
  }

  #onData(bytes: Bytes, reader: UpstreamReader): void {
    const isFirst = this.#attempt.responseSize === 0;
    this.#attempt.responseSize += bytes.length;
    // The connection is free before the client hears of it, and may have the client's next request.
    const isLast = isFirst && this.#received?.contentLength === bytes.length;
    const end = isLast ? reader.next() : "need-data";
    if (typeof end === "string" || end.kind !== "end") return this.#owner.onData(bytes, false);
    this.#done(reader);
    if (end.trailers.length === 0) return this.#owner.onData(bytes, true);
    this.#owner.onData(bytes, false);
    this.#owner.onWhole(end.trailers);
  }

  /** The response is whole: its connection may carry another request if nothing is in doubt. */
  #done(reader: UpstreamReader): void {
    this.#isOver = true;
    this.#attempt.complete();
    this.#file?.close();
    const connection = this.#connection;
    this.#connection = this.#reader = undefined;
    const isFailed = this.#received !== undefined && isFailure(this.#received.status, this.#way.protocol.settings);
    this.#release(isFailed ? "failed" : "ok");
    if (reader.reusable && this.#writer?.isComplete !== false) connection?.keep();
    else connection?.close();
  }

  #release(outcome: "ok" | "failed" | "untold"): void {
    this.#attempt.ended();
    const { headerMs, responseMs } = this.#attempt;
    const isAnswered = headerMs !== undefined && responseMs !== undefined;
    const result = isAnswered ? { outcome, headerMs, totalMs: responseMs } : { outcome };
    if (this.#upstream.balancer.release(this.#peer, result)) {
      this.#context.onNotice("warning", `upstream server temporarily disabled: ${this.#peer.name}`);
    }
  }

  get #sentDoing(): string {
    return this.wasSent ? this.#doing : "connecting to";
  }

  get #doing(): string {
    return this.#received === undefined ? "reading response header from" : "reading";
  }

  #closedEarly(): void {
    this.#fail("error", `upstream prematurely closed connection while ${this.#doing} upstream`);
  }

  /** nginx: what a script writes to its error stream is for the log. */
  #tellErrors(reader: UpstreamReader): void {
    const { stderr = "" } = reader;
    if (stderr.length === this.#toldSize) return;
    const text = stderr.slice(this.#toldSize).replace(/[\x00-\x1f\x7f]+/g, " ").trim();
    this.#toldSize = stderr.length;
    this.#owner.onErrors(`FastCGI sent in stderr: "${text}" while ${this.#doing} upstream`);
  }

  #onViolation(reason: string): void {
    if (reason === "response_incomplete") {
      if (this.#hasEnded || this.#received !== undefined) return this.#closedEarly();
      // nginx: a script that ends its output there has said something that is no response.
      const text = "upstream prematurely closed FastCGI stdout while reading response header from upstream";
      return this.#fail("invalid_header", text);
    }
    this.#malformed(reason);
  }

  #malformed(reason: string): void {
    if (this.#received !== undefined) return this.#fail("error", `upstream sent ${reason} while reading upstream`);
    this.#fail("invalid_header", `upstream sent invalid header: ${reason} while reading response header from upstream`);
  }

  #fail(condition: NextUpstream, text: string): void {
    if (this.#isOver) return;
    // A connection that was kept may have been closed meanwhile: that says nothing of its peer.
    const isClosed = this.#wasKept && this.#reader?.begun !== true;
    const isStale = condition === "error" && (isClosed || this.wasRefused);
    this.#attempt.ended(condition === "timeout" ? 504 : 502);
    this.giveUp(isStale ? "untold" : "failed");
    this.#owner.onFailed(condition, text, isStale);
  }
}
