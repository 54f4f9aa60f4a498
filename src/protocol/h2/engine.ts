/**
 * The server's half of HTTP/2 as a pure machine (RFC 9113): bytes in by `receive`, events out by `next`, frames to be
 * written in `output`. What it does with frames is here; what may be sent when is in sender.ts.
 *
 * Whatever a peer does that it must not is a value: an error of a stream resets that stream, an error of the connection
 * ends in GOAWAY and one last event, "failed" (RFC 9113 §5.4). Nothing here throws on input.
 *
 * A request that is malformed is told of before its stream is reset, so that a status can go before (RFC 9113 §8.1.1).
 *
 * Invariant: bytes given to `receive` are only looked at during the calls of `next` that follow, before the caller
 * returns to the event loop; `keepRest` copies what must live longer, at most a frame.
 */
import { type FieldLine, NO_LINES } from "../../http/response-head.ts";
import type { Bytes } from "../../std/bytes.ts";
import { type SectionMemory, Unread } from "../h1/index.ts";
import { BlockCollector } from "./block-collector.ts";
import { BlockReader, type ReadRequest, isTooLarge, listSizeMax } from "./block-reader.ts";
import { type Budget, Budgets } from "./budgets.ts";
import {
  ACK, CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, END_HEADERS, END_STREAM, ErrorCode, FRAME_HEADER_SIZE,
  FRAME_SIZE_MAX, GOAWAY, HAS_PRIORITY, HEADERS, INITIAL_WINDOW, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE, NO_RFC7540_PRIORITIES, PADDED, PING, PREFACE, PRIORITY, PRIORITY_UPDATE, PUSH_PROMISE,
  RST_STREAM, SETTINGS, STREAM_ID_MAX, WINDOW_UPDATE, readUint31, readUint32,
} from "./frame.ts";
import { type FrameMemory, FrameWriter } from "./frame-writer.ts";
import type { BodyEndEvent, EngineEvent, EngineSettings, FailedEvent } from "./events.ts";
import { parsePriority } from "./priority.ts";
import { takeSettings } from "./peer-settings.ts";
import { CONNECTION_WINDOW, Receiver } from "./receiver.ts";
import { ResetMemory } from "./reset-memory.ts";
import { Sender, type StreamOwner } from "./sender.ts";
import { StreamTable } from "./stream-table.ts";
import { trailersSize } from "./trailer-section.ts";

/** Fields of all requests of a connection that are not answered yet: few bytes may stand for many (CVE-2026-47774). */
export const HEADS_SIZE_MAX = 2_097_152;
/** DATA that is worth its frame; what the messages of a WebSocket are made of is no flood. */
const SMALL_DATA = 64;

export class H2Engine<Owner extends StreamOwner> {
  readonly #settings: EngineSettings;
  readonly output: FrameWriter;
  readonly sender: Sender<Owner>;
  readonly receiver: Receiver<Owner>;
  /** Frames that were read: to tell a peer that is slow from one that stands still. */
  frameCount = 0;
  readonly #streams = new StreamTable<Owner>();
  readonly #blocks: BlockReader;
  readonly #budgets = new Budgets();
  readonly #input = new Unread();
  #phase: "preface" | "settings" | "frames" | "failed" = "preface";
  readonly #collector: BlockCollector;
  /** The last stream that the peer has opened, and the last that it may. */
  #lastStream = 0;
  #lastAllowed = STREAM_ID_MAX;
  readonly #resets = new ResetMemory();
  #nowMs = 0;
  /** An END_STREAM whose DATA was given. */
  #ending: number | undefined = undefined;
  /** The stream of a malformed request, which is reset next. */
  #malformed: number | undefined = undefined;

  constructor(settings: EngineSettings, memory: SectionMemory, frames: FrameMemory) {
    this.#settings = settings;
    this.output = new FrameWriter(frames);
    this.#blocks = new BlockReader(settings.limits, memory);
    this.#collector = new BlockCollector(listSizeMax(settings.limits));
    this.receiver = new Receiver(this.#streams, this.output);
    this.sender = new Sender(this.#streams, this.output, this.#budgets, settings.chunkSize, (row) => this.#ended(row));
  }

  /** Streams that are open. */
  get streamCount(): number {
    return this.#streams.count;
  }

  /** Is nothing of a frame, or of a header block, waiting for its rest? */
  get isIdle(): boolean {
    return this.#input.isEmpty && !this.#collector.isOpen;
  }

  /** Writes our SETTINGS and the connection's window (RFC 9113 §3.4): first of all. */
  start(): void {
    const { maxConcurrentStreams, initialWindowSize, limits } = this.#settings;
    this.output.settings([
      [MAX_CONCURRENT_STREAMS, maxConcurrentStreams], [INITIAL_WINDOW_SIZE, initialWindowSize],
      [MAX_HEADER_LIST_SIZE, listSizeMax(limits)], [ENABLE_CONNECT_PROTOCOL, 1], [NO_RFC7540_PRIORITIES, 1],
    ]);
    this.output.windowUpdate(0, CONNECTION_WINDOW - INITIAL_WINDOW);
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

  /** Somebody answers the stream of the event that is being handled. */
  claim(row: number, owner: Owner): void {
    this.#streams.owners[row] = owner;
  }

  /** Resets a stream for a reason of ours. */
  reset(row: number, code: ErrorCode): void {
    this.#sendReset(this.#streams.ids[row] ?? 0, code);
    this.#free(row);
  }

  /** No stream above `lastStream` is served; without one, none that the peer has not opened yet. */
  goAway(code: ErrorCode, reason: string, lastStream: number = this.#lastStream): void {
    this.#lastAllowed = Math.min(this.#lastAllowed, lastStream);
    this.output.goAway(this.#lastAllowed, code, reason);
  }

  /** Is the response complete, and its request not? */
  isLingering(row: number): boolean {
    return this.#streams.states[row] === "local-closed";
  }

  /** May more of a request's body come? */
  isReceiving(row: number): boolean {
    return this.#streams.states[row] === "open";
  }

  /** Who has the streams that are open. For deadlines and for the end. */
  owners(): Owner[] {
    return this.#streams.rows().flatMap((row) => this.#streams.owners[row] ?? []);
  }

  /** Are its tables what they must be? For tests. */
  invariants(): boolean {
    return this.#streams.invariants();
  }

  /** The next event. After "need-data" give more. */
  next(): EngineEvent<Owner> {
    const ending = this.#ending;
    if (ending !== undefined) {
      this.#ending = undefined;
      const ended = this.#theirEnd(ending);
      if (ended !== undefined) return ended;
    }
    if (this.#malformed !== undefined) {
      const row = this.#streams.rowOf(this.#malformed);
      if (row !== undefined) this.reset(row, ErrorCode.PROTOCOL_ERROR);
      this.#malformed = undefined;
    }
    const input = this.#input;
    for (;;) {
      if (this.#phase === "failed") return "need-data";
      if (this.#phase === "preface") {
        const fault = this.#readPreface();
        if (fault !== undefined) return fault;
        continue;
      }
      const { bytes, at } = input;
      if (input.size < FRAME_HEADER_SIZE) return "need-data";
      const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      // RFC 9113 §4.2: an endpoint MUST send FRAME_SIZE_ERROR; any frame may alter the state of the connection.
      if (length > FRAME_SIZE_MAX) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "frame too large");
      if (input.size < FRAME_HEADER_SIZE + length) return "need-data";
      input.at = at + FRAME_HEADER_SIZE + length;
      this.frameCount++;
      const event = this.#onFrame(bytes, at, at + FRAME_HEADER_SIZE, length);
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

  #readPreface(): FailedEvent | "need-data" | undefined {
    const input = this.#input;
    const size = Math.min(input.size, PREFACE.length);
    if (input.bytes.latin1Slice(input.at, input.at + size) !== PREFACE.slice(0, size)) {
      return this.fail(ErrorCode.PROTOCOL_ERROR, "no preface");
    }
    if (size < PREFACE.length) return "need-data";
    input.at += size;
    this.#phase = "settings";
    return undefined;
  }

  #onFrame(bytes: Bytes, at: number, start: number, length: number): EngineEvent<Owner> | undefined {
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    const stream = readUint31(bytes, at + 5);
    if (this.#phase === "settings") {
      // RFC 9113 §3.4: SETTINGS MUST be the first frame. As nginx has it, an acknowledgement of ours passes for them.
      if (type !== SETTINGS) return this.#protocolError("no SETTINGS behind the preface");
      this.#phase = "frames";
    }
    // RFC 9113 §6.10: nothing may come between the frames of a header block.
    if (this.#collector.isOpen && type !== CONTINUATION) return this.#protocolError("header block interrupted");
    switch (type) {
      case DATA: return this.#onData(bytes, stream, flags, start, length);
      case HEADERS: return this.#onHeaders(bytes, stream, flags, start, length);
      case PRIORITY: return this.#onPriority(bytes, stream, start, length);
      case RST_STREAM: return this.#onReset(bytes, stream, start, length);
      case SETTINGS: return this.#onSettings(bytes, stream, flags, start, length);
      case PUSH_PROMISE: return this.#protocolError("PUSH_PROMISE of a client");
      case PING: return this.#onPing(bytes, stream, flags, start, length);
      case GOAWAY:
        if (stream !== 0) return this.#protocolError("GOAWAY on a stream");
        if (length < 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY");
        return this.#charge("other") ?? { kind: "goaway", code: readUint32(bytes, start + 4) };
      case WINDOW_UPDATE: return this.#onWindowUpdate(bytes, stream, start, length);
      case CONTINUATION: return this.#onContinuation(bytes, stream, flags, start, length);
      case PRIORITY_UPDATE: return this.#onPriorityUpdate(bytes, stream, start, length);
      default: return this.#charge("other");
    }
  }

  #onData(bytes: Bytes, id: number, flags: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("DATA on stream 0");
    const isPadded = (flags & PADDED) !== 0;
    const padding = isPadded ? (bytes[start] ?? 0) + 1 : 0;
    if (padding > length) return this.#protocolError("padding");
    const streams = this.#streams;
    const row = streams.rowOf(id);
    if (row === undefined && id > this.#lastStream) return this.#protocolError("DATA on an idle stream");
    // RFC 9113 §6.9: what is of no stream any more counts for the connection all the same.
    if (!this.receiver.receive(length)) {
      return this.fail(ErrorCode.FLOW_CONTROL_ERROR, "connection window exceeded");
    }
    if (row === undefined) {
      this.receiver.credit(length);
      if (this.#resets.has(id)) return this.#charge("smallData");
      return this.fail(ErrorCode.STREAM_CLOSED, "DATA on a closed stream");
    }
    if (streams.states[row] === "remote-closed") {
      this.receiver.credit(length);
      return this.#streamError(row, ErrorCode.STREAM_CLOSED, "DATA behind END_STREAM");
    }
    if (!this.receiver.receiveOn(row, length)) {
      return this.#streamError(row, ErrorCode.FLOW_CONTROL_ERROR, "stream window exceeded");
    }
    const size = length - padding;
    const endStream = (flags & END_STREAM) !== 0;
    const left = streams.bodyLeft[row] ?? -1;
    if (left >= 0) {
      // RFC 9113 §8.1.1: the sum of the DATA must be what Content-Length says.
      if (size > left || (endStream && size !== left)) {
        return this.#malformedOn(row, "content is not of content-length");
      }
      streams.bodyLeft[row] = left - size;
    }
    if (padding > 0) this.receiver.consume(row, padding);
    const owner = streams.owners[row];
    if (!endStream && size < SMALL_DATA && (size === 0 || streams.tunnels[row] !== true)) {
      const refused = this.#charge(size === 0 ? "emptyData" : "smallData");
      if (refused !== undefined) return refused;
    }
    if (owner === undefined || size === 0 || streams.states[row] === "local-closed") {
      if (size > 0) this.receiver.discard(row, size);
      if (endStream) return this.#theirEnd(row);
      if (streams.states[row] === "local-closed" && !this.receiver.mayFinish(row)) this.reset(row, ErrorCode.NO_ERROR);
      return undefined;
    }
    if (endStream) this.#ending = row;
    const from = start + (isPadded ? 1 : 0);
    return { kind: "data", owner, bytes: bytes.subarray(from, from + size) };
  }

  /** The peer has sent its last on a stream. */
  #theirEnd(row: number, trailers: readonly FieldLine[] = NO_LINES): BodyEndEvent<Owner> | undefined {
    const owner = this.#streams.owners[row];
    const before = this.#streams.states[row];
    // It may have been reset while its last bytes were looked at.
    if (before === undefined || before === "closed" || before === "remote-closed") return undefined;
    if (this.#streams.step(row, "their-end") === "closed") this.#free(row);
    return owner === undefined ? undefined : { kind: "end", owner, trailers };
  }

  #onHeaders(bytes: Bytes, id: number, flags: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("HEADERS on stream 0");
    let from = start;
    let end = start + length;
    if ((flags & PADDED) !== 0) {
      end -= bytes[from++] ?? 0;
    }
    if ((flags & HAS_PRIORITY) !== 0) {
      // RFC 9113 §5.3.2: the priorities of RFC 7540 are read and forgotten.
      if (end - from >= 5 && readUint31(bytes, from) === id) return this.#protocolError("stream depends on itself");
      from += 5;
    }
    if (from > end) return this.#protocolError("padding");
    // RFC 9113 §5.1.1: clients use odd numbers.
    if ((id & 1) === 0) return this.#protocolError("HEADERS on an even stream");
    const endStream = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) return this.#onBlock(bytes, id, endStream, from, end);
    this.#collector.begin(id, endStream, bytes, from, end);
    return undefined;
  }

  #onContinuation(
    bytes: Bytes, id: number, flags: number, start: number, length: number,
  ): EngineEvent<Owner> | undefined {
    const block = this.#collector.add(id, flags, bytes, start, start + length);
    if (block === undefined) return undefined;
    if (block === "unexpected") return this.#protocolError("CONTINUATION of nothing");
    if (block === "too-long") return this.fail(ErrorCode.ENHANCE_YOUR_CALM, "header block too long");
    return this.#onBlock(block.bytes, id, block.endStream, 0, block.bytes.length);
  }

  /** A whole header block: a request, or the trailers of one. */
  #onBlock(bytes: Bytes, id: number, endStream: boolean, start: number, end: number): EngineEvent<Owner> | undefined {
    const row = this.#streams.rowOf(id);
    if (row === undefined && id > this.#lastStream && id <= this.#lastAllowed) {
      const read = this.#blocks.request(bytes, start, end, endStream);
      if ("error" in read) return this.fail(ErrorCode.COMPRESSION_ERROR, read.error);
      return this.#open(id, read, endStream, end - start);
    }
    const trailers = this.#blocks.trailers(bytes, start, end);
    if ("error" in trailers) return this.fail(ErrorCode.COMPRESSION_ERROR, trailers.error);
    // RFC 9113 §6.8: streams above the last are not served, and not spoken of.
    if (id > this.#lastAllowed) return this.#charge("other");
    if (row === undefined) {
      if (this.#resets.has(id)) return this.#charge("other");
      return this.fail(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
    }
    if (this.#streams.states[row] === "remote-closed") {
      return this.#streamError(row, ErrorCode.STREAM_CLOSED, "HEADERS behind END_STREAM");
    }
    // RFC 9113 §8.1: trailers end the stream.
    if (!endStream || "malformed" in trailers) return this.#malformedOn(row, "trailer section");
    if ((this.#streams.bodyLeft[row] ?? -1) > 0) return this.#malformedOn(row, "content is not of content-length");
    const size = trailersSize(trailers);
    if (this.#streams.headsSize + size > HEADS_SIZE_MAX) {
      return this.#streamError(row, ErrorCode.ENHANCE_YOUR_CALM, "trailer sections too large together");
    }
    this.#streams.holdHead(row, size);
    return this.#theirEnd(row, trailers);
  }

  #open(id: number, read: ReadRequest, endStream: boolean, blockSize: number): EngineEvent<Owner> | undefined {
    this.#lastStream = id;
    const { assembled, priority } = read;
    const isMalformed = assembled.kind === "refused" && assembled.isMalformed;
    const calm = isTooLarge(read) ? this.#charge("tooLarge") : isMalformed ? this.#charge("reset") : undefined;
    if (calm !== undefined) return calm;
    const streams = this.#streams;
    const headSize = assembled.head.fields.bytes.length;
    if (streams.count >= this.#settings.maxConcurrentStreams || streams.headsSize + headSize > HEADS_SIZE_MAX) {
      this.#sendReset(id, ErrorCode.REFUSED_STREAM);
      return this.#charge("reset");
    }
    const state = endStream ? "remote-closed" : "open";
    const row = streams.open(id, state, this.sender.initialWindow, this.#settings.initialWindowSize);
    streams.holdHead(row, headSize);
    if (priority !== undefined) this.sender.setPriority(row, priority);
    if (assembled.kind === "refused") {
      if (isMalformed) this.#malformed = id;
      return { ...assembled, stream: row, blockSize };
    }
    const { head, isWebSocket } = assembled;
    streams.tunnels[row] = isWebSocket;
    if (head.hasBody) streams.bodyLeft[row] = head.fields.semantics.contentLength;
    return { kind: "request", stream: row, head, blockSize, isWebSocket };
  }

  #onPriority(bytes: Bytes, id: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("PRIORITY on stream 0");
    const row = this.#streams.rowOf(id);
    if (length !== 5) {
      // RFC 9113 §6.3: a stream error; of a stream that is none the connection hears.
      if (row === undefined) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY");
      return this.#streamError(row, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY");
    }
    if (readUint31(bytes, start) === id) {
      if (row === undefined) return this.#protocolError("stream depends on itself");
      return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, "stream depends on itself");
    }
    return this.#charge("other");
  }

  #onPriorityUpdate(bytes: Bytes, id: number, start: number, length: number): EngineEvent<Owner> | undefined {
    // RFC 9218 §7.1
    if (id !== 0 || length < 4) {
      return this.fail(id === 0 ? ErrorCode.FRAME_SIZE_ERROR : ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE");
    }
    const prioritized = readUint31(bytes, start);
    if (prioritized === 0) return this.#protocolError("PRIORITY_UPDATE of stream 0");
    const row = this.#streams.rowOf(prioritized);
    if (row !== undefined) {
      this.sender.setPriority(row, parsePriority(bytes.latin1Slice(start + 4, start + length)));
    }
    return this.#charge("other");
  }

  #onReset(bytes: Bytes, id: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (id === 0) return this.#protocolError("RST_STREAM on stream 0");
    if (length !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM");
    if (id > this.#lastStream) return this.#protocolError("RST_STREAM on an idle stream");
    const row = this.#streams.rowOf(id);
    const calm = this.#charge("reset");
    if (calm !== undefined || row === undefined) return calm;
    const owner = this.#streams.owners[row];
    this.#free(row);
    if (owner === undefined) return undefined;
    return { kind: "reset", owner, code: readUint32(bytes, start), reason: undefined };
  }

  #onSettings(
    bytes: Bytes, id: number, flags: number, start: number, length: number,
  ): EngineEvent<Owner> | undefined {
    if (id !== 0) return this.#protocolError("SETTINGS on a stream");
    if ((flags & ACK) !== 0) {
      if (length !== 0) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS");
      return this.#charge("settings");
    }
    if (length % 6 !== 0) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS");
    const calm = this.#charge("settings");
    if (calm !== undefined) return calm;
    const fault = takeSettings(bytes, start, start + length, this.sender);
    if (fault !== undefined) return this.fail(fault.code, fault.reason);
    this.output.settingsAck();
    return undefined;
  }

  #onPing(bytes: Bytes, id: number, flags: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (id !== 0) return this.#protocolError("PING on a stream");
    if (length !== 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "PING");
    if ((flags & ACK) === 0) this.output.pong(bytes, start);
    return this.#charge("ping");
  }

  #onWindowUpdate(bytes: Bytes, id: number, start: number, length: number): EngineEvent<Owner> | undefined {
    if (length !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE");
    const calm = this.#charge("windowUpdate");
    if (calm !== undefined) return calm;
    const row = this.#streams.rowOf(id);
    if (row === undefined && id !== 0) {
      return id > this.#lastStream ? this.#protocolError("WINDOW_UPDATE on an idle stream") : undefined;
    }
    const fault = this.sender.takeWindowUpdate(row, readUint31(bytes, start));
    if (fault === undefined) return undefined;
    return row === undefined
      ? this.fail(fault.code, fault.reason) : this.#streamError(row, fault.code, fault.reason);
  }

  #protocolError(reason: string): FailedEvent {
    return this.fail(ErrorCode.PROTOCOL_ERROR, reason);
  }

  /** RFC 9113 §5.4.2: the stream ends, the connection does not; unless that happens too often. */
  #streamError(row: number, code: ErrorCode, reason: string): EngineEvent<Owner> {
    const owner = this.#streams.owners[row];
    this.reset(row, code);
    return this.#charge("reset") ?? { kind: "reset", owner, code, reason };
  }

  /** RFC 9113 §8.1.1 */
  #malformedOn(row: number, reason: string): EngineEvent<Owner> {
    const owner = this.#streams.owners[row];
    if (owner === undefined) return this.#streamError(row, ErrorCode.PROTOCOL_ERROR, reason);
    const calm = this.#charge("reset");
    if (calm !== undefined) return calm;
    this.#malformed = this.#streams.ids[row];
    return { kind: "malformed", owner, reason };
  }

  #charge(budget: Budget): FailedEvent | undefined {
    if (this.#budgets.charge(budget, this.#nowMs)) return undefined;
    return this.fail(ErrorCode.ENHANCE_YOUR_CALM, `too many: ${budget}`);
  }

  #sendReset(id: number, code: ErrorCode): void {
    this.output.reset(id, code);
    this.#resets.note(id);
  }

  /** The sender has sent the last of a stream. */
  #ended(row: number): void {
    if (this.#streams.step(row, "our-end") === "closed") return this.#free(row);
    if (!this.receiver.mayFinish(row)) this.reset(row, ErrorCode.NO_ERROR);
  }

  #free(row: number): void {
    const owner = this.#streams.owners[row];
    this.receiver.leave(row);
    const left = this.sender.leave(row);
    this.#streams.close(row);
    owner?.onFreed();
    // Whoever lent memory hears of it last: it must not take the row for its own any more.
    left?.drop();
  }

}
