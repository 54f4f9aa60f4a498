/** One health check of one peer: a request on a connection of its own, and whether its response is as wanted. */
import type { UpstreamReader } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { NetworkPeer } from "./balancer.ts";
import type { CloseReason, ConnectionUser, DialSettings, UpstreamConnection } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { BODY_SIZE_MAX } from "./health-match.ts";
import type { HealthMatch } from "./health-match.ts";
import type { KeepaliveSettings } from "./settings.ts";

const NOT_KEPT: KeepaliveSettings = { connections: 0, requests: 1, timeMs: 0, timeoutMs: 0 };

export interface RunSettings {
  readonly pool: ConnectionPool;
  readonly peer: NetworkPeer;
  readonly dial: DialSettings;
  /** The whole request, one character a byte. */
  readonly request: string;
  readonly reader: UpstreamReader;
  readonly match: HealthMatch;
  /** @param fault what the peer failed with, in words that follow "while"; undefined: it is well */
  readonly onResult: (fault: string | undefined) => void;
}

export class HealthRun implements ConnectionUser {
  readonly #settings: RunSettings;
  readonly #connection: UpstreamConnection;
  readonly #startMs: number = performance.now();
  #doing = "connecting to peer";
  /** The head was as wanted. */
  #hasHead = false;
  #body = "";
  #over = false;

  constructor(settings: RunSettings) {
    this.#settings = settings;
    const { pool, peer, dial } = settings;
    this.#connection = pool.connect(this, peer, NOT_KEPT, dial, this);
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
    this.#connection.close();
  }

  onConnected(): void {
    this.#doing = "reading response from peer";
    this.#settings.reader.expect("GET");
    this.#connection.writeLatin1(this.#settings.request);
    this.#connection.awaitBytes();
  }

  onBytes(bytes: Bytes): void {
    const { reader } = this.#settings;
    reader.receive(bytes);
    this.#read(reader);
    if (!this.#over) reader.keepRest();
  }

  onDrain(): void {
    // Nothing follows the request.
  }

  onEnd(): void {
    const { reader } = this.#settings;
    reader.inputEnded();
    this.#read(reader);
    if (!this.#over) this.#end(`${this.#doing}: it closed the connection`);
  }

  onClose(why: CloseReason): void {
    if (why.kind === "error") this.#end(`${this.#doing}: ${why.call} failed (${why.text})`);
    else this.#end(`${this.#doing}: ${why.kind === "closed" ? "it closed the connection" : "timed out"}`);
  }

  #read(reader: UpstreamReader): void {
    const { match } = this.#settings;
    while (!this.#over) {
      const event = reader.next();
      if (event === "need-data" || event === "paused") return;
      switch (event.kind) {
        case "informational": break;
        case "response": {
          const fault = match.head(event.status, event.lines);
          if (fault !== undefined) return this.#end(`checking ${fault}`);
          if (!match.wantsBody) return this.#end(undefined);
          this.#hasHead = true;
          break;
        }
        case "data":
          this.#body += event.bytes.latin1Slice(0, Math.min(event.bytes.length, BODY_SIZE_MAX - this.#body.length));
          if (this.#body.length >= BODY_SIZE_MAX) this.#checkBody();
          break;
        case "end": return this.#checkBody();
        case "violation": return this.#end(`${this.#doing}: ${event.reason}`);
      }
    }
  }

  #checkBody(): void {
    const fault = this.#hasHead ? this.#settings.match.body(this.#body) : "status code";
    this.#end(fault === undefined ? undefined : `checking ${fault}`);
  }

  #end(fault: string | undefined): void {
    if (this.#over) return;
    this.close();
    this.#settings.onResult(fault);
  }
}
