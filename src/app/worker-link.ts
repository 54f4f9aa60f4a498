/**
 * One edge thread's connection to one Python worker: requests go out in batches, answers come in.
 * A second connection reaches the worker's steward, which answers while the application runs.
 *
 * Invariant: every request given to `send` leaves `#pending` exactly once: by its last frame, by being
 * taken back, or by the death of the worker.
 */
import type { ResponseHead } from "../http/response-head.ts";
import { fromUtf8 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { ByteStream } from "../net/index.ts";
import {
  FRAME_COUNTS, FROM_WORKER, FrameReader, ID_MAX, MalformedFrame, MarshalReader, TO_WORKER, WIRE_VERSION,
} from "../protocol/wire/index.ts";
import { OPCODE, OutgoingMessage, isCloseCode } from "../protocol/ws/index.ts";
import type { AppRequest, AppWebSocket, RequestLink } from "./app-request.ts";
import type { RequestEncoder } from "./request-encoder.ts";
import { readFields } from "./response-decoder.ts";
import type { ResponseDecoder } from "./response-decoder.ts";
import { WorkerOutput } from "./worker-output.ts";

/** RFC 6455 §5.5: 125 bytes, less the code. */
const CLOSE_REASON_SIZE_MAX = 123;

/** A worker as the pool knows it: where it is and which slot of the load zone is its own. */
export interface LinkedWorker {
  readonly name: string;
  /** What `app_pass` calls its application. */
  readonly app: string;
  readonly pid: number;
  readonly socketPath: string;
  readonly statePath: string;
  readonly interface: "wsgi" | "asgi";
  readonly threads: number;
  readonly slot: number;
}

/** Whom a link tells what happens to it. */
export interface LinkOwner {
  /** Both connections are greeted: it can be given work. */
  onLinkReady(link: WorkerLink): void;
  /** Something waits for `flush`, at the end of the turn. */
  onOutput(link: WorkerLink): void;
  /** So many requests were answered in one turn. */
  onAnswered(link: WorkerLink, count: number): void;
  /** These requests never started and are free to go elsewhere. */
  onTakenBack(link: WorkerLink, requests: AppRequest[]): void;
  /** The worker is gone; these were outstanding. */
  onLinkLost(link: WorkerLink, requests: AppRequest[], reason: string | undefined): void;
  /** The application's head may not leave. */
  onRefusedHead(link: WorkerLink, request: AppRequest, what: string): void;
}

/** Memory shared by all links of a thread. */
export interface LinkMemory {
  readonly readBuffer: Bytes;
  readonly decoder: ResponseDecoder;
}

export class WorkerLink implements RequestLink {
  readonly worker: LinkedWorker;
  readonly #owner: LinkOwner;
  readonly #memory: LinkMemory;
  readonly #data: ByteStream;
  readonly #steward: ByteStream;
  readonly #output: WorkerOutput;
  readonly #frames = new FrameReader();
  readonly #stewardFrames = new FrameReader();
  readonly #reader: MarshalReader;
  readonly #pending = new Map<number, AppRequest>();
  readonly #message = new OutgoingMessage();
  #greeted = 0;
  #nextId = 1;
  /** Requests whose last frame came in this turn. */
  #answered = 0;
  #fault: string | undefined = undefined;
  #lost = false;
  /** Gives no new work any more. */
  retiring = false;
  /** The pool has said that nothing of it is outstanding here, after it was to retire. */
  idleTold = false;
  /** Monotonic milliseconds of the last answer, or of the request that ended its idleness. */
  progressMs = 0;
  /** The steward was asked since the last progress: 0 no, 1 to flush, 2 to take back. */
  asked = 0;
  /** Is it in the pool's list of links to flush this turn? */
  dirty = false;

  constructor(worker: LinkedWorker, edge: number, encoder: RequestEncoder, memory: LinkMemory, owner: LinkOwner) {
    this.worker = worker;
    this.#memory = memory;
    this.#owner = owner;
    this.#reader = new MarshalReader(memory.readBuffer, 0, 0);
    this.#data = ByteStream.connectUnix(worker.socketPath, memory.readBuffer);
    this.#steward = ByteStream.connectUnix(worker.socketPath, memory.readBuffer);
    this.#data.start({
      onBytes: (bytes) => this.#guard(() => this.#onData(bytes)),
      onEnd: () => this.#lose(),
      onDrain: () => undefined,
      onClose: () => this.#lose(),
    });
    this.#steward.start({
      onBytes: (bytes) => this.#guard(() => this.#onSteward(bytes)),
      onEnd: () => this.#lose(),
      onDrain: () => undefined,
      onClose: () => this.#lose(),
    });
    this.#output = new WorkerOutput(this.#data, encoder);
    WorkerOutput.hello(this.#data, "data", edge, encoder);
    WorkerOutput.hello(this.#steward, "steward", edge, encoder);
  }

  get ready(): boolean {
    return this.#greeted === 2 && !this.#lost && !this.retiring;
  }

  /** Requests of this thread that the worker has. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Gives the worker a request; it leaves with the next `flush`. */
  send(request: AppRequest): void {
    const id = this.#nextId;
    this.#nextId = id === ID_MAX ? 1 : id + 1;
    request.link = this;
    request.id = id;
    this.#pending.set(id, request);
    this.#output.request(request);
  }

  sendBody(request: AppRequest, bytes: Bytes, more: boolean): void {
    this.#output.body(request.id, bytes, more);
    this.#output.flush();
  }

  sendGone(request: AppRequest): void {
    if (this.#pending.get(request.id) !== request) return;
    this.#output.word(TO_WORKER.gone, request.id);
    this.#output.flush();
  }

  sendCredit(request: AppRequest, size: number): void {
    this.#output.credit(request.id, size);
    this.#output.flush();
  }

  sendMessage(request: AppRequest, bytes: Bytes, start: number, end: number, isText: boolean): void {
    this.#output.message(request.id, bytes, start, end, isText);
    this.#owner.onOutput(this);
  }

  sendMark(request: AppRequest): void {
    this.#output.mark(request.id);
    this.#owner.onOutput(this);
  }

  sendPassed(request: AppRequest): void {
    this.#output.word(TO_WORKER.passed, request.id);
    this.#owner.onOutput(this);
  }

  sendClosed(request: AppRequest, code: number, reason: string): void {
    this.#output.closed(request.id, code, reason);
    this.#owner.onOutput(this);
  }

  /** Asks the steward to send what is finished and, with `take`, to give back what has not started. */
  recall(take: boolean): void {
    WorkerOutput.recall(this.#steward, take);
  }

  /** Writes all that was sent since the last flush, in one call. */
  flush(): void {
    this.#output.flush();
  }

  /** Gives no new work any more; WebSockets, which would stay for ever, are told. */
  retire(): void {
    this.retiring = true;
    let index = 0;
    for (const request of this.#pending.values()) request.webSocket?.onRetire(index++);
  }

  close(): void {
    this.#lose();
  }

  #onData(bytes: Bytes): void {
    const frames = this.#frames;
    this.#answered = 0;
    frames.receive(bytes);
    while (frames.next()) {
      this.#reader.reset(frames.bytes, frames.start, frames.end);
      this.#onFrame(this.#reader, frames.bytes);
      if (this.#lost) return;
    }
    this.#owner.onAnswered(this, this.#answered);
  }

  #onFrame(reader: MarshalReader, bytes: Bytes): void {
    const count = reader.sequence();
    const kind = reader.int();
    if (count !== FRAME_COUNTS[kind]) throw new MalformedFrame(`kind ${kind} with ${count} elements`);
    if (kind === FROM_WORKER.response) return this.#onResponse(reader, bytes);
    if (kind === FROM_WORKER.messages) return this.#onMessages(reader, bytes);
    if (kind === FROM_WORKER.hello) return this.#onHello(reader);
    const id = reader.int();
    const request = this.#pending.get(id);
    switch (kind) {
      case FROM_WORKER.start: {
        const size = reader.skipBytes();
        const end = reader.at;
        const head = this.#head(reader, request);
        if (request !== undefined && head !== undefined) request.onStart(head, bytes, end - size, end);
        return;
      }
      case FROM_WORKER.chunk: {
        const size = reader.skipBytes();
        reader.finish();
        request?.onChunk(bytes, reader.at - size, reader.at);
        return;
      }
      case FROM_WORKER.end: {
        const trailers = reader.takeNone() ? [] : readFields(reader);
        reader.finish();
        this.#release(id, request)?.onEnd(trailers);
        return;
      }
      case FROM_WORKER.file: {
        const path = reader.text();
        const offset = reader.int();
        const size = reader.int();
        const head = this.#head(reader, request);
        if (head !== undefined) this.#release(id, request)?.onFile(head, path, offset, size, () => this.#opened(id));
        return;
      }
      case FROM_WORKER.fail:
        reader.bool();
        reader.finish();
        this.#release(id, request)?.onFailure(500);
        return;
      case FROM_WORKER.credit: {
        const size = reader.int();
        reader.finish();
        request?.onBodyCredit(size);
        return;
      }
      case FROM_WORKER.informational: {
        const status = reader.int();
        const fields = readFields(reader);
        reader.finish();
        request?.onInformational(status, fields);
        return;
      }
      default:
        return this.#onWebSocketFrame(reader, bytes, kind, webSocketOf(request));
    }
  }

  /** A frame of a WebSocket that is no message. @param socket undefined when it is over for us */
  #onWebSocketFrame(reader: MarshalReader, bytes: Bytes, kind: number, socket: AppWebSocket | undefined): void {
    switch (kind) {
      case FROM_WORKER.accept: {
        const subprotocol = reader.takeNone() ? undefined : reader.unicode();
        const fields = readFields(reader);
        reader.finish();
        socket?.onAccept(subprotocol, fields);
        return;
      }
      case FROM_WORKER.received:
        reader.finish();
        socket?.onReceived();
        return;
      case FROM_WORKER.part: {
        const size = reader.skipBytes();
        const end = reader.at;
        const opcode = partOpcode(reader.int());
        const fin = reader.bool();
        reader.finish();
        socket?.onPart(bytes.subarray(end - size, end), opcode, fin);
        return;
      }
      case FROM_WORKER.close: {
        const code = reader.int();
        const reason = reader.unicode();
        reader.finish();
        if (!isCloseCode(code) || fromUtf8(reason).length > CLOSE_REASON_SIZE_MAX) {
          throw new MalformedFrame(`a Close with ${code} and ${reason.length} characters`);
        }
        socket?.onApplicationClose(code, reason);
        return;
      }
      default:
        throw new MalformedFrame(`kind ${kind}`);
    }
  }

  /** Messages to clients: each payload with everybody who gets it. */
  #onMessages(reader: MarshalReader, bytes: Bytes): void {
    const message = this.#message;
    for (let left = reader.list(); left > 0; left -= 2) {
      const isMark = reader.takeNone();
      const isText = !isMark && reader.peekUnicode();
      const size = isMark ? 0 : isText ? reader.skipUnicode() : reader.skipBytes();
      const end = reader.at;
      const count = reader.list();
      message.reset(bytes, end - size, end, isText, count > 1);
      for (let index = 0; index < count; index++) {
        const socket = webSocketOf(this.#pending.get(reader.int()));
        if (isMark) socket?.onMark();
        else socket?.onMessage(message);
      }
    }
    reader.finish();
  }

  /** A file is open, or cannot be: an ASGI worker waits for this credit before its `send` returns (docs/wire.md). */
  #opened(id: number): void {
    if (this.worker.interface !== "asgi" || this.#lost) return;
    this.#output.credit(id, 1);
    this.#output.flush();
  }

  /** The hot frame: a whole response. */
  #onResponse(reader: MarshalReader, bytes: Bytes): void {
    const id = reader.int();
    const request = this.#pending.get(id);
    const size = reader.skipBytes();
    const end = reader.at;
    const head = this.#head(reader, request);
    if (head !== undefined) this.#release(id, request)?.onResponse(head, bytes, end - size, end);
  }

  /** The head that ends the frame; undefined when it may not leave, and the request was failed for it. */
  #head(reader: MarshalReader, request: AppRequest | undefined): ResponseHead | undefined {
    const head = this.#memory.decoder.decode(reader);
    if (!("refused" in head)) return head;
    if (request !== undefined) {
      this.#release(request.id, request);
      this.#owner.onRefusedHead(this, request, head.refused);
      request.onFailure(500);
    }
    return undefined;
  }

  #release(id: number, request: AppRequest | undefined): AppRequest | undefined {
    if (request === undefined) return undefined;
    this.#pending.delete(id);
    this.#answered++;
    request.link = undefined;
    return request.abandoned ? undefined : request;
  }

  /** The worker's half of the handshake. */
  #onHello(reader: MarshalReader): void {
    const version = reader.int();
    reader.int();
    const kind = reader.text();
    reader.finish();
    if (version !== WIRE_VERSION || kind !== this.worker.interface || this.#greeted === 2) {
      throw new MalformedFrame(`hello of version ${version} from a ${kind} worker`);
    }
    this.#greeted++;
    if (this.#greeted === 2) this.#owner.onLinkReady(this);
  }

  #onSteward(bytes: Bytes): void {
    const frames = this.#stewardFrames;
    frames.receive(bytes);
    while (frames.next()) {
      const reader = new MarshalReader(frames.bytes, frames.start, frames.end);
      const count = reader.sequence();
      const kind = reader.int();
      if (count !== FRAME_COUNTS[kind]) throw new MalformedFrame(`kind ${kind} with ${count} elements`);
      if (kind === FROM_WORKER.hello) {
        this.#onHello(reader);
      } else if (kind === FROM_WORKER.returned) {
        const taken: AppRequest[] = [];
        for (let left = reader.sequence(); left > 0; left--) {
          const id = reader.int();
          const request = this.#pending.get(id);
          if (request === undefined) continue;
          this.#pending.delete(id);
          request.link = undefined;
          taken.push(request);
        }
        reader.finish();
        this.#owner.onTakenBack(this, taken);
      } else {
        throw new MalformedFrame(`kind ${kind} from the steward`);
      }
    }
  }

  /** A frame that is not what the wire allows ends this worker's connection, nothing else. */
  #guard(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#fault = `it sent a frame that the wire does not allow (${error.message})`;
      this.#lose();
    }
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#data.destroy();
    this.#steward.destroy();
    const requests = [...this.#pending.values()];
    this.#pending.clear();
    this.#owner.onLinkLost(this, requests, this.#fault);
  }
}

/** Errors: MalformedFrame when a request that is no WebSocket is treated as one. */
function webSocketOf(request: AppRequest | undefined): AppWebSocket | undefined {
  if (request !== undefined && request.webSocket === undefined) throw new MalformedFrame("no WebSocket has this id");
  return request?.webSocket;
}

/** Errors: MalformedFrame for what no part may have. */
function partOpcode(opcode: number): 0 | 1 | 2 {
  if (opcode === OPCODE.continuation || opcode === OPCODE.text || opcode === OPCODE.binary) return opcode;
  throw new MalformedFrame(`a part with opcode ${opcode}`);
}
