/**
 * One edge thread's connection to one Python worker: requests go out in batches, answers come in.
 * A second connection reaches the worker's steward, which answers while the application runs.
 *
 * Invariant: every request given to `send` leaves `#pending` exactly once: by its last frame, by being
 * taken back, or by the death of the worker.
 */
import type { ResponseHead } from "../http/response-head.ts";
import type { Bytes } from "../std/bytes.ts";
import { ByteStream } from "../net/index.ts";
import {
  BODY_CHUNK_SIZE_MAX, FRAME_COUNTS, FROM_WORKER, FrameReader, ID_MAX, MalformedFrame, MarshalReader, MarshalWriter,
  SECTIONS_MAX, TO_WORKER, WIRE_VERSION,
} from "../protocol/wire/index.ts";
import type { AppRequest, RequestLink } from "./app-request.ts";
import { encodedFields } from "./request-encoder.ts";
import type { RequestEncoder } from "./request-encoder.ts";
import { readFields } from "./response-decoder.ts";
import type { ResponseDecoder } from "./response-decoder.ts";

/** A worker as the pool knows it: where it is and which slot of the load zone is its own. */
export interface LinkedWorker {
  readonly name: string;
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
  readonly #encoder: RequestEncoder;
  readonly #memory: LinkMemory;
  readonly #edge: number;
  readonly #data: ByteStream;
  readonly #steward: ByteStream;
  readonly #writer = new MarshalWriter();
  readonly #frames = new FrameReader();
  readonly #stewardFrames = new FrameReader();
  readonly #reader: MarshalReader;
  readonly #pending = new Map<number, AppRequest>();
  /** Field sections that the worker knows, by number: fields are then sent once, not with each request. */
  readonly #sections = new Map<Bytes, number>();
  readonly #sectionFields: (Bytes | undefined)[] = [];
  readonly #sectionListeners: number[] = [];
  #nextSection = 0;
  #greeted = 0;
  #nextId = 1;
  /** Requests whose last frame came in this turn. */
  #answered = 0;
  #fault: string | undefined = undefined;
  #lost = false;
  /** Gives no new work any more. */
  retiring = false;
  /** Monotonic milliseconds of the last answer, or of the request that ended its idleness. */
  progressMs = 0;
  /** The steward was asked since the last progress: 0 no, 1 to flush, 2 to take back. */
  asked = 0;
  /** Is it in the pool's list of links to flush this turn? */
  dirty = false;

  constructor(worker: LinkedWorker, edge: number, encoder: RequestEncoder, memory: LinkMemory, owner: LinkOwner) {
    this.worker = worker;
    this.#edge = edge;
    this.#encoder = encoder;
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
    this.#hello("data", this.#data);
    this.#hello("steward", this.#steward);
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
    const { body, head } = request;
    const fields = encodedFields(this.#encoder, head.fields, request.peer.trusted);
    const section = head.fields.remembered ? this.#section(fields, request.listener) : -1;
    const bodySize = body.kind === "whole" ? body.bytes.length : 1024;
    const writer = this.#begin(this.#encoder.headSizeMax(request) + bodySize + fields.length + 64);
    writer.smallTuple(6);
    writer.int(TO_WORKER.request);
    writer.int(id);
    writer.int(request.listener);
    this.#encoder.writeHead(writer, request);
    if (body.kind === "whole") writer.bytes(body.bytes);
    else if (body.kind === "file") writer.unicode(body.path);
    else writer.none();
    if (section >= 0) writer.int(section);
    else writer.raw(fields);
    writer.end();
  }

  sendBody(request: AppRequest, bytes: Bytes, more: boolean): void {
    let at = 0;
    do {
      const part = bytes.subarray(at, at + BODY_CHUNK_SIZE_MAX);
      at += part.length;
      const writer = this.#begin(part.length + 64);
      writer.smallTuple(4);
      writer.int(TO_WORKER.body);
      writer.int(request.id);
      writer.bytes(part);
      writer.bool(more || at < bytes.length);
      writer.end();
    } while (at < bytes.length);
    this.flush();
  }

  sendGone(request: AppRequest): void {
    if (this.#pending.get(request.id) !== request) return;
    const writer = this.#begin(32);
    writer.smallTuple(2);
    writer.int(TO_WORKER.gone);
    writer.int(request.id);
    writer.end();
    this.flush();
  }

  sendCredit(request: AppRequest, size: number): void {
    const writer = this.#begin(32);
    writer.smallTuple(3);
    writer.int(TO_WORKER.credit);
    writer.int(request.id);
    writer.int(size);
    writer.end();
    this.flush();
  }

  /** Asks the steward to send what is finished and, with `take`, to give back what has not started. */
  recall(take: boolean): void {
    const writer = new MarshalWriter();
    writer.begin(32);
    writer.smallTuple(2);
    writer.int(TO_WORKER.recall);
    writer.bool(take);
    this.#steward.writeBytes(writer.end());
  }

  /** Writes all that was sent since the last flush, in one call. */
  flush(): void {
    const bytes = this.#writer.take();
    if (bytes === undefined) return;
    this.#data.writeBytes(bytes);
    // The kernel has it all, as nearly always: a new slab for each upload's chunk would be a lot of garbage.
    if (this.#data.queuedSize === 0) this.#writer.reuse();
  }

  close(): void {
    this.#lose();
  }

  /** The number under which the worker knows these fields; it is told them if it does not. */
  #section(fields: Bytes, listener: number): number {
    const known = this.#sections.get(fields);
    if (known !== undefined && this.#sectionListeners[known] === listener) return known;
    const number = this.#nextSection;
    this.#nextSection = (number + 1) % SECTIONS_MAX;
    const before = this.#sectionFields[number];
    if (before !== undefined) this.#sections.delete(before);
    this.#sections.set(fields, number);
    this.#sectionFields[number] = fields;
    this.#sectionListeners[number] = listener;
    const writer = this.#begin(fields.length + 64);
    writer.smallTuple(4);
    writer.int(TO_WORKER.section);
    writer.int(number);
    writer.int(listener);
    writer.raw(fields);
    writer.end();
    return number;
  }

  #begin(sizeMax: number): MarshalWriter {
    const full = this.#writer.begin(sizeMax);
    if (full !== undefined) this.#data.writeBytes(full);
    return this.#writer;
  }

  #hello(role: "data" | "steward", stream: ByteStream): void {
    const writer = new MarshalWriter();
    writer.begin(65_536);
    writer.smallTuple(5);
    writer.int(TO_WORKER.hello);
    writer.int(WIRE_VERSION);
    writer.interned(role);
    writer.int(this.#edge);
    if (role === "data") this.#encoder.writeBases(writer);
    else writer.list(0);
    stream.writeBytes(writer.end());
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
        if (head !== undefined) this.#release(id, request)?.onFile(head, path, offset, size);
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
        throw new MalformedFrame(`kind ${kind}`);
    }
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
