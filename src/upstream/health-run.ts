/**
 * One health check of one peer: a request on a connection of its own, or on the one stream of such a connection, and
 * whether its response is as wanted.
 */
import type { FieldLine } from "../http/response-head.ts";
import { NO_LINES } from "../http/response-head.ts";
import type { HeadLimits, UpstreamReader } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { NetworkPeer } from "./balancer.ts";
import type { CloseReason, ConnectionUser, DialSettings, UpstreamConnection } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { H2Sessions } from "./h2-sessions.ts";
import type { StreamCloseReason, StreamUser, UpstreamStream } from "./h2-stream.ts";
import { BODY_SIZE_MAX } from "./health-match.ts";
import type { HealthJudge } from "./health-match.ts";
import type { KeepaliveSettings } from "./settings.ts";

const NOT_KEPT: KeepaliveSettings = { connections: 0, requests: 1, timeMs: 0, timeoutMs: 0 };

/** What is asked, in the protocol of the location. */
export type HealthQuestion =
  | {
    readonly kind: "connection";
    /** The whole request, one character a byte. */
    readonly request: string;
    /** A reader of its protocol for each response. */
    readonly reader: () => UpstreamReader;
  }
  | {
    readonly kind: "stream";
    readonly method: string;
    /** The header block. */
    readonly head: Bytes;
    /** Content, empty where there is none. */
    readonly body: Bytes;
    /** Of the response's head. */
    readonly limits: HeadLimits;
  };

export interface RunSettings {
  readonly pool: ConnectionPool;
  readonly sessions: H2Sessions;
  readonly peer: NetworkPeer;
  readonly dial: DialSettings;
  readonly question: HealthQuestion;
  readonly judge: HealthJudge;
  /** @param fault what the peer failed with, in words that follow "while"; undefined: it is well */
  readonly onResult: (fault: string | undefined) => void;
}

export class HealthRun implements ConnectionUser, StreamUser {
  readonly #settings: RunSettings;
  readonly #link: UpstreamConnection | UpstreamStream;
  readonly #reader: UpstreamReader;
  readonly #startMs: number = performance.now();
  #doing = "connecting to peer";
  /** Of a head that was as wanted. */
  #lines: readonly FieldLine[] | undefined = undefined;
  #body = "";
  #over = false;

  constructor(settings: RunSettings) {
    this.#settings = settings;
    const { pool, sessions, peer, dial, question } = settings;
    if (question.kind === "connection") {
      this.#reader = question.reader();
      this.#link = pool.connect(this, peer, NOT_KEPT, dial, this);
    } else {
      // An upstream of its own, so that it shares nobody's connection: whether one can be made is asked, too.
      const { limits } = question;
      const stream = sessions.connect({ upstream: this, peer, keepalive: NOT_KEPT, dial, limits }, this);
      this.#reader = stream.reader;
      this.#link = stream;
    }
  }

  /** Each wait has its own bound; this is that of all together, against a peer that sends byte by byte. */
  tick(nowMs: number): void {
    const { connectTimeoutMs, sendTimeoutMs, readTimeoutMs } = this.#settings.dial;
    const boundMs = connectTimeoutMs + sendTimeoutMs + readTimeoutMs;
    if (nowMs - this.#startMs > boundMs) this.#end(`${this.#doing}: timed out`);
  }

  /** Ends it without a result. */
  close(): void {
    this.#over = true;
    this.#link.close();
  }

  onConnected(): void {
    const { question } = this.#settings;
    const link = this.#link;
    this.#doing = "reading response from peer";
    if (question.kind === "connection" && "writeLatin1" in link) {
      this.#reader.expect("GET");
      link.writeLatin1(question.request);
    } else if (question.kind === "stream" && "writeHead" in link) {
      link.writeHead(question.head, question.method, question.body.length === 0);
      if (question.body.length > 0) link.writeBytes(question.body, true);
    }
    link.awaitBytes();
  }

  onBytes(bytes: Bytes): void {
    const reader = this.#reader;
    reader.receive(bytes);
    this.#read();
    if (!this.#over) reader.keepRest();
  }

  /** Frames have come; they were read already. */
  onRead(): void {
    this.#read();
  }

  onDrain(): void {
    // Nothing follows the request.
  }

  onEnd(): void {
    this.#reader.inputEnded();
    this.#read();
    if (!this.#over) this.#end(`${this.#doing}: it closed the connection`);
  }

  onClose(why: CloseReason | StreamCloseReason): void {
    switch (why.kind) {
      case "error": return this.#end(`${this.#doing}: ${why.call} failed (${why.text})`);
      case "closed": return this.#end(`${this.#doing}: it closed the connection`);
      case "reset": return this.#end(`${this.#doing}: it reset the stream with ${why.text}`);
      case "malformed": return this.#end(`${this.#doing}: ${why.text}`);
      case "connect-timeout": case "send-timeout": case "read-timeout": return this.#end(`${this.#doing}: timed out`);
    }
  }

  #read(): void {
    const { judge } = this.#settings;
    while (!this.#over) {
      const event = this.#reader.next();
      if (event === "need-data" || event === "paused") return;
      switch (event.kind) {
        case "informational": break;
        case "response": {
          const fault = judge.head(event.status, event.lines);
          if (fault !== undefined) return this.#end(`checking ${fault}`);
          if (!judge.wantsBody) return this.#end(undefined);
          this.#lines = event.lines;
          break;
        }
        case "data":
          this.#body += event.bytes.latin1Slice(0, Math.min(event.bytes.length, BODY_SIZE_MAX - this.#body.length));
          if (this.#body.length >= BODY_SIZE_MAX) this.#judge(NO_LINES);
          break;
        case "end": return this.#judge(event.trailers);
        case "violation": return this.#end(`${this.#doing}: ${event.reason}`);
      }
    }
  }

  #judge(trailers: readonly FieldLine[]): void {
    const lines = this.#lines;
    const body = this.#body;
    const fault = lines === undefined ? "status code" : this.#settings.judge.whole({ lines, body, trailers });
    this.#end(fault === undefined ? undefined : `checking ${fault}`);
  }

  #end(fault: string | undefined): void {
    if (this.#over) return;
    this.close();
    this.#settings.onResult(fault);
  }
}
