/**
 * One WebSocket: the pure engine on one side, the application's messages on the other, deadlines around both.
 *
 *   connecting ─accept─▶ open ─a Close of ours─▶ closing ─the client's─▶ ending ─▶ closed
 *                          └───the client's Close, or a violation──────▶
 *
 * Back-pressure goes both ways by marks (docs/wire.md): two unanswered ones stop our reading of the client, and the
 * application's marks are answered when the client has taken what came before. Nothing that came before a Close, or
 * before the connection broke, is lost to the application.
 */
import { createHash } from "node:crypto";
import type { WebSocketSettings } from "../config/model.ts";
import type { AppRequest, AppWebSocket } from "../app/index.ts";
import { deflateCodec } from "../filters/index.ts";
import type { FieldLine } from "../http/response-head.ts";
import { SendStall } from "../net/index.ts";
import type { StreamReceiver, Ticked } from "../net/index.ts";
import {
  WsReader, WsSender, acceptKey, closeFrame, negotiateDeflate, pingFrame, pongFrame,
} from "../protocol/ws/index.ts";
import type { Handshake, MessageEvent, OutgoingMessage } from "../protocol/ws/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { ClientStream, Successor, SuccessorOwner } from "./connection-owner.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { LocationSettings } from "./model.ts";

/** Cost of messages, their bytes and MESSAGE_COST each, after which a mark follows. */
const MARK_COST = 131_072;
const MESSAGE_COST = 64;
/** With so many unanswered marks nothing more is read. */
const MARKS_MAX = 2;
/** A mark of the application is answered while no more than this waits for the client. */
const QUEUED_MAX = 65_536;
/** How long the client may take to answer a Close; and when the program is about to end. */
const CLOSE_MS = 10_000;
const DRAIN_CLOSE_MS = 1000;
/** Between two WebSockets of a worker that is replaced. */
const RETIRE_GAP_MS = 1;
/** How long the client may take to end the connection after the Closes. */
const END_MS = 2000;
/** RFC 6455 §7.4.1, and its registry for 1012. */
const NO_CODE = 1005, ABNORMAL = 1006, INTERNAL_ERROR = 1011, SERVICE_RESTART = 1012;

/** A window of 4 KiB: what a compressed WebSocket may hold in either direction, and enough for messages of one kind. */
const DEFLATE = { windowBits: 12, codec: deflateCodec };

type Phase = "connecting" | "open" | "closing" | "ending" | "closed";

/** The request that became a WebSocket. */
export interface WebSocketExchange extends AppRequest {
  bytesSent: number;
  /** Answers 101 and gives the stream to `start`. @returns false when the application's fields may not leave */
  switchProtocols(fields: readonly FieldLine[], own: readonly FieldLine[]): boolean;
  /** Nobody listens any more. */
  over(): void;
}

export class WebSocketConnection implements AppWebSocket, StreamReceiver, Successor, Ticked {
  readonly #context: EdgeContext;
  readonly #settings: WebSocketSettings;
  readonly #sendTimeoutMs: number;
  readonly #exchange: WebSocketExchange;
  #handshake: Handshake | undefined;
  readonly subprotocols: readonly string[];
  #phase: Phase = "connecting";
  #stream: ClientStream | undefined = undefined;
  #reader: WsReader | undefined = undefined;
  #sender: WsSender | undefined = undefined;
  #owner: SuccessorOwner | undefined = undefined;
  #reading = false;
  /** What was sent to the worker since the last mark. */
  #cost = 0;
  #count = 0;
  #unanswered = 0;
  /** Marks of the application that wait until the client has taken more. */
  #marksDue = 0;
  /** The client will send nothing more, though it has not said Close. */
  #inputEnded = false;
  #heardMs = 0;
  /** When the client was asked for a sign of life; 0 when it is not. */
  #pingedMs = 0;
  /** A ping that is not answered yet, because the client does not take what was sent before. */
  #pingDue: Bytes | undefined = undefined;
  /** Its worker ends: when this WebSocket is told so. */
  #retireMs = Number.POSITIVE_INFINITY;
  #deadlineMs = Number.POSITIVE_INFINITY;
  readonly #stall = new SendStall();

  constructor(context: EdgeContext, settings: LocationSettings, exchange: WebSocketExchange, handshake: Handshake) {
    this.#context = context;
    this.#settings = settings.webSocket;
    this.#sendTimeoutMs = settings.http.sendTimeoutMs;
    this.#exchange = exchange;
    this.#handshake = handshake;
    this.subprotocols = handshake.subprotocols;
  }

  /** The server ends. */
  drain(): void {
    if (this.#phase === "open") this.#close(SERVICE_RESTART, "");
  }

  // What the worker says.

  onAccept(subprotocol: string | undefined, fields: readonly FieldLine[]): void {
    const handshake = this.#handshake;
    if (this.#phase !== "connecting" || handshake === undefined || this.#exchange.abandoned) return;
    const { perMessageDeflate, messageSizeMax } = this.#settings;
    const deflate = perMessageDeflate ? negotiateDeflate(handshake.extensions, DEFLATE) : undefined;
    const own: FieldLine[] = [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", acceptKey(handshake.key, sha1)],
    ];
    // RFC 6455 §4.2.2: only what the client offered.
    if (subprotocol !== undefined && this.subprotocols.includes(subprotocol)) {
      own.push(["Sec-WebSocket-Protocol", subprotocol]);
    }
    if (deflate !== undefined) own.push(["Sec-WebSocket-Extensions", deflate.line]);
    this.#reader = new WsReader({ role: "server", messageSizeMax, deflate: deflate?.agreed });
    this.#sender = new WsSender(deflate?.agreed);
    this.#handshake = undefined;
    this.#phase = "open";
    if (!this.#exchange.switchProtocols(fields, own)) this.#phase = "closed";
  }

  onMessage(message: OutgoingMessage): void {
    const stream = this.#stream;
    if (this.#phase !== "open" || stream === undefined || this.#sender === undefined) return;
    const frame = this.#sender.frame(message);
    this.#exchange.bytesSent += frame.length;
    if (typeof frame === "string") stream.writeLatin1(frame);
    else stream.writeBytes(frame);
  }

  onPart(bytes: Bytes, opcode: 0 | 1 | 2, fin: boolean): void {
    if (this.#phase !== "open" || this.#sender === undefined) return;
    const frame = this.#sender.part(bytes, opcode, fin);
    this.#exchange.bytesSent += frame.length;
    this.#stream?.writeBytes(frame);
  }

  onMark(): void {
    if (this.#phase !== "open" || this.#stream === undefined) return;
    if (this.#stream.queuedSize <= QUEUED_MAX) this.#exchange.link?.sendPassed(this.#exchange);
    else this.#marksDue++;
  }

  onReceived(): void {
    if (this.#unanswered === 0) return;
    const wasFull = this.#unanswered-- >= MARKS_MAX;
    if (wasFull) this.#continue();
  }

  onApplicationClose(code: number, reason: string): void {
    if (this.#phase === "open") this.#sendClose(code, reason);
  }

  /** The application has ended, or its worker has. */
  onWorkerDone(): void {
    if (this.#phase === "open") this.#close(INTERNAL_ERROR, "");
  }

  onRetire(index: number): void {
    // One after the other, so that thousands do not come back at once; few need not wait.
    const { clock, retireSpreadMs } = this.#context;
    this.#retireMs = clock.coarseMs + Math.min(index * RETIRE_GAP_MS, retireSpreadMs);
  }

  // What the client does.

  /** Takes the connection over. @param ahead what the client sent behind its request */
  start(stream: ClientStream, ahead: Bytes, owner: SuccessorOwner): void {
    this.#stream = stream;
    this.#owner = owner;
    this.#heardMs = this.#context.clock.coarseMs;
    this.#context.clock.add(this);
    stream.start(this);
    stream.resume();
    if (ahead.length > 0) this.onBytes(ahead);
    if (owner.draining) this.drain();
  }

  onBytes(bytes: Bytes): void {
    this.#heardMs = this.#context.clock.coarseMs;
    this.#pingedMs = 0;
    const reader = this.#reader;
    if (reader === undefined || this.#phase === "ending" || this.#phase === "closed") return;
    reader.receive(bytes);
    this.#read(reader);
    reader.keepRest();
  }

  onEnd(): void {
    this.#inputEnded = true;
    this.#continue();
  }

  onDrain(): void {
    for (; this.#marksDue > 0; this.#marksDue--) this.#exchange.link?.sendPassed(this.#exchange);
    const ping = this.#pingDue;
    this.#pingDue = undefined;
    if (ping !== undefined) this.#pong(ping);
  }

  onClose(): void {
    this.#context.clock.remove(this);
    this.#inputEnded = true;
    this.#stream = undefined;
    this.#continue();
    if (this.#phase !== "open") this.#phase = "closed";
    this.#exchange.over();
    this.#owner?.onConnectionClosed(this);
  }

  tick(nowMs: number): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (stream.queuedSize > 0 && this.#stall.isStalled(stream, nowMs, this.#sendTimeoutMs)) {
      return stream.destroy();
    }
    if (nowMs > this.#deadlineMs) return stream.destroy();
    if (this.#phase !== "open") return;
    if (nowMs >= this.#retireMs) return this.#close(SERVICE_RESTART, "");
    this.#keepAlive(nowMs, stream);
  }

  /** Pings a client that is silent (RFC 6455 §5.5.2), and gives it up when it stays so. */
  #keepAlive(nowMs: number, stream: ClientStream): void {
    const { pingIntervalMs, pingTimeoutMs } = this.#settings;
    if (pingIntervalMs === 0) return;
    if (this.#pingedMs > 0) {
      // A client that we do not read cannot answer.
      if (this.#isFull()) this.#pingedMs = nowMs;
      else if (nowMs - this.#pingedMs >= pingTimeoutMs) this.#close(INTERNAL_ERROR, "keepalive ping timeout");
    } else if (nowMs - this.#heardMs >= pingIntervalMs) {
      this.#pingedMs = nowMs;
      stream.writeLatin1(pingFrame(""));
    }
  }

  /** Goes on with what was read but not taken; then the end, if it was seen. */
  #continue(): void {
    const reader = this.#reader;
    if (reader === undefined || this.#reading) return;
    this.#read(reader);
    reader.keepRest();
    if (this.#isFull()) return;
    if (!this.#inputEnded) return this.#stream?.resume();
    if (this.#phase === "open") {
      this.#phase = "ending";
      this.#exchange.link?.sendClosed(this.#exchange, ABNORMAL, "");
    }
    this.#stream?.end();
  }

  /** Must the application catch up first? What a client has left behind is little, and given at once. */
  #isFull(): boolean {
    return this.#phase === "open" && this.#unanswered >= MARKS_MAX && !this.#inputEnded;
  }

  /** Takes events until more bytes are needed or the application must catch up. */
  #read(reader: WsReader): void {
    this.#reading = true;
    for (;;) {
      if (this.#isFull()) {
        this.#stream?.pause();
        break;
      }
      const event = reader.next();
      if (event === "need-data") break;
      if (event.kind === "message") {
        if (this.#phase === "open") this.#deliver(event);
      } else if (event.kind === "ping") {
        this.#pong(event.bytes);
      } else if (event.kind === "close") {
        this.#onPeerClose(event.code, event.reason);
      } else if (event.kind === "violation") {
        const { address } = this.#exchange.peer;
        this.#context.onNotice("info", `${address || "unix:"}: WebSocket closed with ${event.code}: ${event.reason}`);
        this.#close(event.code, event.reason);
        this.#end();
      }
    }
    this.#reading = false;
  }

  #deliver({ bytes, start, end, text }: MessageEvent): void {
    const { link } = this.#exchange;
    if (link === undefined) return;
    link.sendMessage(this.#exchange, bytes, start, end, text);
    this.#cost += end - start + MESSAGE_COST;
    this.#count++;
    if (this.#cost < MARK_COST && this.#count < this.#settings.queueMax / 2) return;
    // What a client has left behind needs no mark: nothing follows.
    if (this.#inputEnded) return;
    this.#cost = this.#count = 0;
    this.#unanswered++;
    link.sendMark(this.#exchange);
  }

  /** RFC 6455 §5.5.3: a Pong for the latest Ping is enough, so at most one waits. */
  #pong(payload: Bytes): void {
    const stream = this.#stream;
    if (this.#phase !== "open" || stream === undefined) return;
    if (stream.queuedSize > QUEUED_MAX) this.#pingDue = copyBytes(payload);
    else stream.writeLatin1(pongFrame(payload));
  }

  #onPeerClose(code: number, reason: string): void {
    if (this.#phase === "open") {
      // RFC 6455 §5.5.1: the answer echoes the code.
      this.#sendClose(code, "");
      this.#exchange.link?.sendClosed(this.#exchange, code, reason);
    }
    this.#end();
  }

  /** Closes for a reason of ours: both sides are told. */
  #close(code: number, reason: string): void {
    if (this.#phase !== "open") return;
    this.#sendClose(code, reason);
    this.#exchange.link?.sendClosed(this.#exchange, code, reason);
  }

  /** Sends our Close; what the client still sends is read for its own Close only. */
  #sendClose(code: number, reason: string): void {
    this.#phase = "closing";
    this.#stream?.writeLatin1(code === NO_CODE ? closeFrame(undefined) : closeFrame(code, reason));
    this.#deadlineMs = this.#context.clock.coarseMs + (this.#owner?.draining === true ? DRAIN_CLOSE_MS : CLOSE_MS);
    this.#stream?.resume();
    this.#continue();
  }

  /** Both have said Close, or one of them nonsense: RFC 6455 §7.1.1, the server ends the connection first. */
  #end(): void {
    if (this.#phase === "ending" || this.#phase === "closed") return;
    this.#phase = "ending";
    this.#deadlineMs = this.#context.clock.coarseMs + END_MS;
    this.#stream?.end();
  }
}

function sha1(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("base64");
}
