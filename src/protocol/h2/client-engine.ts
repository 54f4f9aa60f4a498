/**
 * The client's half of HTTP/2 as a pure machine (RFC 9113), the mirror of engine.ts: requests become streams by `open`,
 * what the server sends becomes events by `next`, frames to be written gather in `output`.
 *
 * A response's head ─▶ its body ─▶ its end; informational heads before the first. What a server does that it must not
 * is a value: an error of a stream resets that one, an error of the connection ends in GOAWAY and "failed".
 *
 * Invariant: as the server's engine has it. Views of "data" stay valid until `receive` or `keepRest` is called next.
 */
import { mayHaveBody } from "../../http/status.ts";
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES } from "../../std/bytes.ts";
import { Unread } from "../h1/index.ts";
import { BlockCollector } from "./block-collector.ts";
import { listSizeMax } from "./block-reader.ts";
import { type Budget, Budgets } from "./budgets.ts";
import type { ClientEvent, ClientOwner, ClientResetEvent, ClientSettings } from "./client-events.ts";
import { ClientReceiver } from "./client-receiver.ts";
import type { FailedEvent } from "./events.ts";
import {
  ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, ErrorCode, FRAME_HEADER_SIZE, FRAME_SIZE_MAX, GOAWAY,
  HAS_PRIORITY, HEADERS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE, PADDED, PING, PRIORITY, PUSH_PROMISE,
  RST_STREAM, SETTINGS, STREAM_ID_MAX, WINDOW_UPDATE, readUint31, readUint32,
} from "./frame.ts";
import { type FrameMemory, FrameWriter } from "./frame-writer.ts";
import { takeSettings } from "./peer-settings.ts";
import { ResetMemory } from "./reset-memory.ts";
import { ResponseBlocks } from "./response-assembler.ts";
import { Sender } from "./sender.ts";
import { StreamTable } from "./stream-table.ts";

export class H2ClientEngine<Owner extends ClientOwner> {
  readonly #settings: ClientSettings;
  readonly output: FrameWriter;
  readonly sender: Sender<Owner>;
  readonly #receiver: ClientReceiver<Owner>;
  readonly #streams = new StreamTable<Owner>();
  readonly #blocks: ResponseBlocks;
  readonly #budgets = new Budgets();
  readonly #input = new Unread();
  #phase: "settings" | "frames" | "failed" = "settings";
  readonly #collector: BlockCollector;
  readonly #resets = new ResetMemory();
  /** Whose head has come, by row. */
  readonly #hasHead: boolean[] = [];
  #nextStream = 1;
  #peerStreamsMax: number;
  /** Above it the server has done nothing, and will not. */
  #lastAllowed = STREAM_ID_MAX;
  #hasGoneAway = false;
  /** What the frame before this one means besides. */
  #pending: Exclude<ClientEvent<Owner>, "need-data">[] = [];
  #nowMs = 0;

  constructor(settings: ClientSettings, frames: FrameMemory) {
    this.#settings = settings;
    this.#peerStreamsMax = settings.streamsMax;
    this.output = new FrameWriter(frames);
    this.#blocks = new ResponseBlocks(settings.limits);
    this.#collector = new BlockCollector(listSizeMax(settings.limits));
    this.#receiver = new ClientReceiver(this.#streams, this.output);
    this.sender = new Sender(this.#streams, this.output, this.#budgets, settings.chunkSize, (row) => this.#ended(row));
  }

  /** Streams that may be open at once: what the server allows, and we. */
  get streamsMax(): number {
    return Math.min(this.#settings.streamsMax, this.#peerStreamsMax);
  }

  /** May streams be opened at all? */
  get isOpen(): boolean {
    return this.#phase !== "failed" && !this.#hasGoneAway && this.#nextStream <= STREAM_ID_MAX;
  }

  /** Streams that were opened so far. */
  get openedCount(): number {
    return (this.#nextStream - 1) / 2;
  }

  /** Writes preface, SETTINGS and the connection's window (RFC 9113 §3.4): first of all. */
  start(): void {
    const { initialWindowSize, limits } = this.#settings;
    this.output.preface();
    this.output.settings([
      [ENABLE_PUSH, 0], [INITIAL_WINDOW_SIZE, initialWindowSize], [MAX_HEADER_LIST_SIZE, listSizeMax(limits)],
    ]);
    this.#receiver.start();
  }

  /** Opens a stream with the header block of a request. @returns its row; the caller has seen that it `isOpen` */
  open(owner: Owner, block: Bytes, endStream: boolean): number {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const row = this.#streams.open(id, "open", this.sender.initialWindow, this.#settings.initialWindowSize);
    this.#streams.owners[row] = owner;
    this.#hasHead[row] = false;
    this.sender.headers(row, block, NO_BYTES, endStream);
    return row;
  }

  /** So many bytes of a body were taken. */
  consume(row: number, size: number): void {
    this.#receiver.consume(row, size);
  }

  /** Resets a stream for a reason of ours. */
  reset(row: number, code: ErrorCode): void {
    const id = this.#streams.ids[row] ?? 0;
    this.output.reset(id, code);
    this.#resets.note(id);
    this.#free(row);
  }

  /** Says that nothing follows. */
  goAway(code: ErrorCode, reason: string): void {
    this.#hasGoneAway = true;
    this.output.goAway(0, code, reason);
  }

  /** Gives the machine more bytes; read them with `next` until it asks for more. @param nowMs monotonic, for budgets */
  receive(bytes: Bytes, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#phase !== "failed") this.#input.add(bytes);
  }

  /** Copies what is not read yet, because the memory given to `receive` is about to be used again. */
  keepRest(): void {
    this.#input.keep();
  }

  /** Are its tables what they must be? For tests. */
  invariants(): boolean {
    return this.#streams.invariants();
  }

  /** The next event. After "need-data" give more. */
  next(): ClientEvent<Owner> {
    const input = this.#input;
    for (;;) {
      const pending = this.#pending.shift();
      if (pending !== undefined) return pending;
      if (this.#phase === "failed") return "need-data";
      const { bytes, at } = input;
      if (input.size < FRAME_HEADER_SIZE) return "need-data";
      const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      const type = bytes[at + 3] ?? 0;
      if (this.#phase === "settings") {
        // RFC 9113 §3.4: SETTINGS MUST be the first frame; whoever speaks HTTP/1.1 is told apart at its first bytes.
        const isFirst = type === SETTINGS && ((bytes[at + 4] ?? 0) & ACK) === 0;
        if (!isFirst) return this.fail(ErrorCode.PROTOCOL_ERROR, "no SETTINGS at the beginning");
      }
      if (length > FRAME_SIZE_MAX) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "frame too large");
      if (input.size < FRAME_HEADER_SIZE + length) return "need-data";
      input.at = at + FRAME_HEADER_SIZE + length;
      const event = this.#onFrame(bytes, at, length);
      if (event !== undefined) return event;
    }
  }

  /** Ends the connection for this reason. */
  fail(code: ErrorCode, reason: string): FailedEvent {
    this.#phase = "failed";
    this.#input.drop();
    this.#collector.drop();
    this.goAway(code, reason);
    return { kind: "failed", code, reason };
  }

  #onFrame(bytes: Bytes, at: number, length: number): ClientEvent<Owner> | undefined {
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    const stream = readUint31(bytes, at + 5);
    const start = at + FRAME_HEADER_SIZE;
    // RFC 9113 §6.10: nothing may come between the frames of a header block.
    if (this.#collector.isOpen && type !== CONTINUATION) return this.#protocolError("header block interrupted");
    // RFC 9113 §5.1.1, §8.4: servers open streams for pushes only, which were forbidden.
    if (type === PUSH_PROMISE) return this.#protocolError("PUSH_PROMISE");
    if (stream !== 0 && needsStream(type) && ((stream & 1) === 0 || stream >= this.#nextStream)) {
      return this.#protocolError("frame on an idle stream");
    }
    switch (type) {
      case DATA: return this.#onData(bytes, stream, flags, start, length);
      case HEADERS: return this.#onHeaders(bytes, stream, flags, start, length);
      case RST_STREAM: return this.#onReset(bytes, stream, start, length);
      case SETTINGS: return this.#onSettings(bytes, stream, flags, start, length);
      case PING:
        if (stream !== 0) return this.#protocolError("PING on a stream");
        if (length !== 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "PING");
        // Whoever measures bandwidth pings at each round trip; whoever does not read the answers is read no more.
        if ((flags & ACK) === 0) this.output.pong(bytes, start);
        return undefined;
      case GOAWAY: return this.#onGoAway(bytes, stream, start, length);
      case WINDOW_UPDATE: return this.#onWindowUpdate(bytes, stream, start, length);
      case CONTINUATION: return this.#onContinuation(bytes, stream, flags, start, length);
      default: return this.#charge("other");
    }
  }

  #onData(bytes: Bytes, id: number, flags: number, start: number, length: number): ClientEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("DATA on stream 0");
    const isPadded = (flags & PADDED) !== 0;
    const padding = isPadded ? (bytes[start] ?? 0) + 1 : 0;
    if (padding > length) return this.#protocolError("padding");
    if (!this.#receiver.receive(length)) return this.fail(ErrorCode.FLOW_CONTROL_ERROR, "connection window exceeded");
    const streams = this.#streams;
    const row = streams.rowOf(id);
    if (row === undefined) {
      return this.#resets.has(id) ? undefined : this.fail(ErrorCode.STREAM_CLOSED, "DATA on a closed stream");
    }
    const owner = streams.owners[row];
    if (owner === undefined || streams.states[row] === "remote-closed") {
      return this.#streamError(row, ErrorCode.STREAM_CLOSED, "DATA behind END_STREAM");
    }
    if (!this.#receiver.receiveOn(row, length)) {
      return this.#streamError(row, ErrorCode.FLOW_CONTROL_ERROR, "stream window exceeded");
    }
    if (this.#hasHead[row] !== true) return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, "DATA before HEADERS");
    const size = length - padding;
    const endStream = (flags & END_STREAM) !== 0;
    const left = streams.bodyLeft[row] ?? -1;
    if (left >= 0) {
      // RFC 9113 §8.1.1: the sum of the DATA must be what Content-Length says; 0 also where none may come.
      if (size > left || (endStream && size !== left)) {
        return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, "content is not of content-length");
      }
      streams.bodyLeft[row] = left - size;
    }
    if (padding > 0) this.#receiver.consume(row, padding);
    if (!endStream && size === 0) return this.#charge("emptyData");
    if (endStream) this.#end(row, owner, []);
    const from = start + (isPadded ? 1 : 0);
    return size === 0 ? undefined : { kind: "data", owner, bytes: bytes.subarray(from, from + size) };
  }

  #onHeaders(bytes: Bytes, id: number, flags: number, start: number, length: number): ClientEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("HEADERS on stream 0");
    let from = start;
    let end = start + length;
    if ((flags & PADDED) !== 0) end -= bytes[from++] ?? 0;
    if ((flags & HAS_PRIORITY) !== 0) from += 5;
    if (from > end) return this.#protocolError("padding");
    const endStream = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) return this.#onBlock(bytes, id, endStream, from, end);
    this.#collector.begin(id, endStream, bytes, from, end);
    return undefined;
  }

  #onContinuation(
    bytes: Bytes, id: number, flags: number, start: number, length: number,
  ): ClientEvent<Owner> | undefined {
    const block = this.#collector.add(id, flags, bytes, start, start + length);
    if (block === undefined) return undefined;
    if (block === "unexpected") return this.#protocolError("CONTINUATION of nothing");
    if (block === "too-long") return this.fail(ErrorCode.ENHANCE_YOUR_CALM, "header block too long");
    return this.#onBlock(block.bytes, id, block.endStream, 0, block.bytes.length);
  }

  /** A whole header block: a head, an informational one, or trailers. */
  #onBlock(bytes: Bytes, id: number, endStream: boolean, start: number, end: number): ClientEvent<Owner> | undefined {
    const streams = this.#streams;
    const row = streams.rowOf(id);
    const owner = row === undefined ? undefined : streams.owners[row];
    if (row === undefined || owner === undefined || this.#hasHead[row] === true) {
      const trailers = this.#blocks.trailers(bytes, start, end);
      if ("error" in trailers) return this.fail(ErrorCode.COMPRESSION_ERROR, trailers.error);
      if (row === undefined || owner === undefined) {
        return this.#resets.has(id) ? undefined : this.fail(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
      }
      if (streams.states[row] === "remote-closed") {
        return this.#streamError(row, ErrorCode.STREAM_CLOSED, "HEADERS behind END_STREAM");
      }
      // RFC 9113 §8.1: trailers end the stream.
      if (!endStream || "malformed" in trailers || (streams.bodyLeft[row] ?? -1) > 0) {
        const reason = endStream && !("malformed" in trailers) ? "content is not of content-length" : "trailer section";
        return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, reason);
      }
      this.#end(row, owner, trailers);
      return undefined;
    }
    const head = this.#blocks.head(bytes, start, end);
    if ("error" in head) return this.fail(ErrorCode.COMPRESSION_ERROR, head.error);
    if ("malformed" in head) return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, head.malformed);
    if (head.status < 200) {
      if (endStream) return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, "END_STREAM with an informational head");
      return { kind: "informational", owner, head };
    }
    this.#hasHead[row] = true;
    const hasBody = mayHaveBody(owner.method, head.status);
    if (endStream && hasBody && head.contentLength > 0) {
      return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, "content is not of content-length");
    }
    streams.bodyLeft[row] = hasBody ? head.contentLength : 0;
    if (endStream) this.#end(row, owner, []);
    return { kind: "response", owner, head };
  }

  /** The server has sent its last on a stream: told behind what the frame itself is. */
  #end(row: number, owner: Owner, trailers: Extract<ClientEvent<Owner>, { kind: "end" }>["trailers"]): void {
    this.#pending.push({ kind: "end", owner, trailers });
    if (this.#streams.step(row, "their-end") === "closed") this.#free(row);
  }

  #onReset(bytes: Bytes, id: number, start: number, length: number): ClientEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("RST_STREAM on stream 0");
    if (length !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM");
    const row = this.#streams.rowOf(id);
    const owner = row === undefined ? undefined : this.#streams.owners[row];
    if (row === undefined || owner === undefined) return this.#charge("reset");
    const code = readUint32(bytes, start);
    const isUnprocessed = code === ErrorCode.REFUSED_STREAM && this.#hasHead[row] !== true;
    this.#free(row);
    return { kind: "reset", owner, code, reason: undefined, isUnprocessed };
  }

  #onSettings(
    bytes: Bytes, id: number, flags: number, start: number, length: number,
  ): ClientEvent<Owner> | undefined {
    if (id !== 0) return this.#protocolError("SETTINGS on a stream");
    const isAck = (flags & ACK) !== 0;
    if (isAck ? length !== 0 : length % 6 !== 0) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS");
    const calm = this.#charge("settings");
    if (calm !== undefined || isAck) return calm;
    const fault = takeSettings(bytes, start, start + length, {
      setInitialWindow: (size) => this.sender.setInitialWindow(size),
      setStreamsMax: (count) => (this.#peerStreamsMax = count),
    });
    if (fault !== undefined) return this.fail(fault.code, fault.reason);
    this.output.settingsAck();
    if (this.#phase !== "settings") return undefined;
    this.#phase = "frames";
    return { kind: "ready" };
  }

  #onGoAway(bytes: Bytes, id: number, start: number, length: number): ClientEvent<Owner> | undefined {
    if (id !== 0) return this.#protocolError("GOAWAY on a stream");
    if (length < 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY");
    const last = readUint31(bytes, start);
    const code = readUint32(bytes, start + 4);
    const calm = this.#charge("other");
    if (calm !== undefined) return calm;
    // RFC 9113 §6.8: endpoints MUST NOT increase the value.
    if (last > this.#lastAllowed) return this.#protocolError("GOAWAY with a larger stream than before");
    this.#lastAllowed = last;
    this.#hasGoneAway = true;
    const { ids, owners } = this.#streams;
    for (const row of this.#streams.rows()) {
      const owner = owners[row];
      if ((ids[row] ?? 0) <= last || owner === undefined) continue;
      this.#resets.note(ids[row] ?? 0);
      const isUnprocessed = this.#hasHead[row] !== true;
      this.#free(row);
      this.#pending.push({ kind: "reset", owner, code, reason: undefined, isUnprocessed });
    }
    return { kind: "goaway", code };
  }

  #onWindowUpdate(bytes: Bytes, id: number, start: number, length: number): ClientEvent<Owner> | undefined {
    if (length !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE");
    const calm = this.#charge("windowUpdate");
    if (calm !== undefined) return calm;
    const row = this.#streams.rowOf(id);
    if (row === undefined && id !== 0) return undefined;
    const fault = this.sender.takeWindowUpdate(row, readUint31(bytes, start));
    if (fault === undefined) return undefined;
    return row === undefined
      ? this.fail(fault.code, fault.reason) : this.#streamError(row, fault.code, fault.reason);
  }

  #protocolError(reason: string): FailedEvent {
    return this.fail(ErrorCode.PROTOCOL_ERROR, reason);
  }

  /** RFC 9113 §5.4.2: the stream ends, the connection does not. */
  #streamError(row: number, code: ErrorCode, reason: string): ClientResetEvent<Owner> | undefined {
    const owner = this.#streams.owners[row];
    this.reset(row, code);
    return owner === undefined ? undefined : { kind: "reset", owner, code, reason, isUnprocessed: false };
  }

  #charge(budget: Budget): FailedEvent | undefined {
    if (this.#budgets.charge(budget, this.#nowMs)) return undefined;
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many: ${budget}`);
  }

  /** The sender has sent the last of a stream. */
  #ended(row: number): void {
    if (this.#streams.step(row, "our-end") === "closed") this.#free(row);
  }

  #free(row: number): void {
    const owner = this.#streams.owners[row];
    const left = this.sender.leave(row);
    this.#streams.close(row);
    owner?.onFreed();
    // Whoever lent memory hears of it last: it must not take the row for its own any more.
    left?.drop();
  }
}

/** May a frame of this type come for a stream that is none yet? PRIORITY may, and what nobody knows (RFC 9113 §5.5). */
function needsStream(type: number): boolean {
  return type <= CONTINUATION && type !== PRIORITY;
}
