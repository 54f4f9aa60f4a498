/**
 * The writing half of a link: frames to one worker (docs/wire.md), gathered and written once a turn.
 *
 * Messages of WebSockets share a frame: it stays open, and takes the messages of all clients, until a frame of another
 * kind is due or the turn ends.
 */
import { type Bytes, NO_BYTES } from "../std/bytes.ts";
import type { ByteStream } from "../net/index.ts";
import {
  BODY_CHUNK_SIZE_MAX, MarshalWriter, PART_SIZE_MAX, SECTIONS_MAX, TO_WORKER, WIRE_VERSION,
} from "../protocol/wire/index.ts";
import type { AppRequest } from "./app-request.ts";
import { encodedFields } from "./request-encoder.ts";
import type { RequestEncoder } from "./request-encoder.ts";
import { tlsSizeMax } from "./tls-encoder.ts";
import { type WorkerBase, WorkerBases } from "./worker-bases.ts";

/** Type codes, lengths and numbers of any frame but a request. */
const FRAME_HEAD_SIZE_MAX = 64;
/** What a base has besides TLS: the protocol. */
const BASE_SIZE_MAX = 64;
/** Type codes, length and id of one message in its list. */
const MESSAGE_HEAD_SIZE = 10;

export class WorkerOutput {
  readonly #stream: ByteStream;
  readonly #encoder: RequestEncoder;
  readonly #writer = new MarshalWriter();
  /** Field sections that the worker knows, by number: fields are then sent once, not with each request. */
  readonly #sections = new Map<Bytes, number>();
  readonly #sectionFields: (Bytes | undefined)[] = [];
  /** Whose they are: a listener, or a base of its own. */
  readonly #sectionBases: (number | WorkerBase)[] = [];
  #nextSection = 0;
  readonly #bases: WorkerBases;
  /** Where the list of the open frame of messages begins, −1 when none is open; and its elements so far. */
  #list = -1;
  #listCount = 0;

  constructor(stream: ByteStream, encoder: RequestEncoder) {
    this.#stream = stream;
    this.#encoder = encoder;
    this.#bases = new WorkerBases(encoder.listenerCount, (base) => this.#base(base));
  }

  /** Writes the first frame of a connection at once. */
  static hello(stream: ByteStream, role: "data" | "steward", edge: number, encoder: RequestEncoder): void {
    const writer = new MarshalWriter();
    writer.begin(65_536);
    writer.smallTuple(6);
    writer.int(TO_WORKER.hello);
    writer.int(WIRE_VERSION);
    writer.interned(role);
    writer.int(edge);
    if (role === "data") encoder.writeBases(writer);
    else writer.list(0);
    writer.list(encoder.keys.length);
    for (const key of encoder.keys) writer.interned(key);
    writer.end();
    stream.writeBytes(writer.take() ?? NO_BYTES);
  }

  /** A steward's order, written at once. */
  static recall(stream: ByteStream, take: boolean): void {
    const writer = new MarshalWriter();
    writer.begin(FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(2);
    writer.int(TO_WORKER.recall);
    writer.bool(take);
    writer.end();
    stream.writeBytes(writer.take() ?? NO_BYTES);
  }

  request(request: AppRequest): void {
    const { body, head, listener, tls } = request;
    const fields = encodedFields(this.#encoder, head.fields, request.peer.trusted);
    const base = this.#bases.of(listener, tls, head.majorVersion === 2);
    const section = head.fields.remembered ? this.#section(fields, base) : -1;
    const bodySize = body.kind === "whole" ? body.bytes.length : 1024;
    const writer = this.#begin(this.#encoder.headSizeMax(request) + bodySize + fields.length + FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(7);
    writer.int(TO_WORKER.request);
    writer.int(request.id);
    writer.int(numberOf(base));
    this.#encoder.writeHead(writer, request);
    if (body.kind === "whole") writer.bytes(body.bytes);
    else if (body.kind === "file") writer.unicode(body.path);
    else writer.none();
    if (section >= 0) writer.int(section);
    else writer.raw(fields);
    writer.end();
  }

  body(id: number, bytes: Bytes, more: boolean): void {
    let at = 0;
    do {
      const part = bytes.subarray(at, at + BODY_CHUNK_SIZE_MAX);
      at += part.length;
      const writer = this.#begin(part.length + FRAME_HEAD_SIZE_MAX);
      writer.smallTuple(4);
      writer.int(TO_WORKER.body);
      writer.int(id);
      writer.bytes(part);
      writer.bool(more || at < bytes.length);
      writer.end();
    } while (at < bytes.length);
  }

  /** A frame of a kind and an id, nothing else. */
  word(kind: number, id: number): void {
    const writer = this.#begin(FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(2);
    writer.int(kind);
    writer.int(id);
    writer.end();
  }

  credit(id: number, size: number): void {
    const writer = this.#begin(FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(3);
    writer.int(TO_WORKER.credit);
    writer.int(id);
    writer.int(size);
    writer.end();
  }

  /** A whole message of a WebSocket, `bytes[start, end)`. */
  message(id: number, bytes: Bytes, start: number, end: number, isText: boolean): void {
    const size = end - start;
    if (size > PART_SIZE_MAX) return this.#parts(id, bytes.subarray(start, end), isText);
    const writer = this.#openMessages(size);
    writer.int(id);
    if (isText) writer.utf8Of(bytes, start, end);
    else writer.bytesOf(bytes, start, end);
  }

  /** A mark among the messages of a WebSocket: the worker answers when the application has received them. */
  mark(id: number): void {
    const writer = this.#openMessages(0);
    writer.int(id);
    writer.none();
  }

  /** The WebSocket is closed. @param reason any text of at most 123 bytes */
  closed(id: number, code: number, reason: string): void {
    const writer = this.#begin(FRAME_HEAD_SIZE_MAX + reason.length * 3);
    writer.smallTuple(4);
    writer.int(TO_WORKER.closed);
    writer.int(id);
    writer.int(code);
    writer.unicode(reason);
    writer.end();
  }

  /** Writes all that was gathered since the last flush, in one call. */
  flush(): void {
    this.#closeMessages();
    const bytes = this.#writer.take();
    if (bytes === undefined) return;
    this.#stream.writeBytes(bytes);
    // The kernel has it all, as nearly always: a new slab for each upload's chunk would be a lot of garbage.
    if (this.#stream.queuedSize === 0) this.#writer.reuse();
  }

  #parts(id: number, bytes: Bytes, isText: boolean): void {
    for (let at = 0; at < bytes.length; at += PART_SIZE_MAX) {
      const part = bytes.subarray(at, at + PART_SIZE_MAX);
      const isLast = at + part.length === bytes.length;
      const writer = this.#begin(part.length + FRAME_HEAD_SIZE_MAX);
      writer.smallTuple(4);
      writer.int(TO_WORKER.part);
      writer.int(id);
      writer.bytes(part);
      writer.int(isLast ? (isText ? 1 : 2) : 0);
      writer.end();
    }
  }

  /** The frame that takes the next message, opened if need be. @param size bytes of the message */
  #openMessages(size: number): MarshalWriter {
    const writer = this.#writer;
    if (this.#list >= 0 && writer.room < size + MESSAGE_HEAD_SIZE) this.#closeMessages();
    if (this.#list < 0) {
      this.#begin(size + MESSAGE_HEAD_SIZE + FRAME_HEAD_SIZE_MAX);
      writer.smallTuple(2);
      writer.int(TO_WORKER.messages);
      this.#list = writer.openList();
    }
    this.#listCount += 2;
    return writer;
  }

  #closeMessages(): void {
    if (this.#list < 0) return;
    this.#writer.closeList(this.#list, this.#listCount);
    this.#writer.end();
    this.#list = -1;
    this.#listCount = 0;
  }

  #base(base: WorkerBase): void {
    const { number, listener, tls } = base;
    const writer = this.#begin((tls === undefined ? 0 : tlsSizeMax(tls)) + BASE_SIZE_MAX + FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(4);
    writer.int(TO_WORKER.base);
    writer.int(number);
    writer.int(listener);
    this.#encoder.writeBase(writer, base);
    writer.end();
  }

  /** The number under which the worker knows these fields; it is told them if it does not. */
  #section(fields: Bytes, base: number | WorkerBase): number {
    const known = this.#sections.get(fields);
    if (known !== undefined && this.#sectionBases[known] === base) return known;
    const number = this.#nextSection;
    this.#nextSection = (number + 1) % SECTIONS_MAX;
    const before = this.#sectionFields[number];
    if (before !== undefined) this.#sections.delete(before);
    this.#sections.set(fields, number);
    this.#sectionFields[number] = fields;
    this.#sectionBases[number] = base;
    const writer = this.#begin(fields.length + FRAME_HEAD_SIZE_MAX);
    writer.smallTuple(4);
    writer.int(TO_WORKER.section);
    writer.int(number);
    writer.int(numberOf(base));
    writer.raw(fields);
    writer.end();
    return number;
  }

  /** Opens a frame, behind whatever is open. @param sizeMax an upper bound of what follows, in bytes */
  #begin(sizeMax: number): MarshalWriter {
    this.#closeMessages();
    const full = this.#writer.begin(sizeMax);
    if (full !== undefined) this.#stream.writeBytes(full);
    return this.#writer;
  }
}

function numberOf(base: number | WorkerBase): number {
  return typeof base === "number" ? base : base.number;
}
