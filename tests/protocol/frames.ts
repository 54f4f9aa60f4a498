// Frames from a worker, read by their shapes in docs/wire.md.
import {
  FROM_WORKER, FrameReader, MalformedFrame, MarshalReader,
} from "../../src/protocol/wire/index.ts";
import { allocate } from "../../src/std/bytes.ts";
import type { WireValue } from "./python.ts";

const wrap = (bytes: Uint8Array): WireValue => ({ bytes: Buffer.from(bytes).toString("hex") });
const text = (reader: MarshalReader): WireValue => reader.text();
const int = (reader: MarshalReader): WireValue => reader.int();
const bool = (reader: MarshalReader): WireValue => reader.bool();
const bytes = (reader: MarshalReader): WireValue => wrap(reader.bytes());

function list(reader: MarshalReader, item: (reader: MarshalReader) => WireValue): WireValue[] {
  return Array.from({ length: reader.sequence() }, () => item(reader));
}

function pair(reader: MarshalReader): WireValue {
  if (reader.sequence() !== 2) throw new MalformedFrame("a pair of another size");
  return { tuple: [reader.text(), reader.text()] };
}

/** `[data, ids, data, ids, …]`: text, bytes or a mark, and whom it is for. */
function messages(reader: MarshalReader): WireValue[] {
  const count = reader.list();
  if (count % 2 === 1) throw new MalformedFrame("a message for nobody");
  return Array.from({ length: count }, (_, index) => (index % 2 === 1 ? ids(reader) : payload(reader)));
}

function payload(reader: MarshalReader): WireValue {
  if (reader.takeNone()) return null;
  return reader.peekUnicode() ? reader.unicode() : bytes(reader);
}

const fields = (reader: MarshalReader): WireValue => list(reader, pair);
const status = (reader: MarshalReader): WireValue => (reader.peekInt() ? reader.int() : reader.text());
const trailers = (reader: MarshalReader): WireValue => (reader.takeNone() ? null : fields(reader));
const unicode = (reader: MarshalReader): WireValue => reader.unicode();
const subprotocol = (reader: MarshalReader): WireValue => (reader.takeNone() ? null : reader.unicode());
const ids = (reader: MarshalReader): WireValue => list(reader, int);

/** The shapes of docs/wire.md, worker to edge, behind the kind. */
const shapes: Readonly<Record<number, readonly ((reader: MarshalReader) => WireValue)[]>> = {
  [FROM_WORKER.hello]: [int, int, text],
  [FROM_WORKER.response]: [int, bytes, status, fields],
  [FROM_WORKER.start]: [int, bytes, status, fields],
  [FROM_WORKER.chunk]: [int, bytes],
  [FROM_WORKER.end]: [int, trailers],
  [FROM_WORKER.file]: [int, text, int, int, status, fields],
  [FROM_WORKER.fail]: [int, bool],
  [FROM_WORKER.credit]: [int, int],
  [FROM_WORKER.informational]: [int, int, fields],
  [FROM_WORKER.returned]: [ids],
  [FROM_WORKER.accept]: [int, subprotocol, fields],
  [FROM_WORKER.messages]: [messages],
  [FROM_WORKER.received]: [int],
  [FROM_WORKER.part]: [int, bytes, int, bool],
  [FROM_WORKER.close]: [int, int, unicode],
};

/** Reads a whole frame. Errors: MalformedFrame. */
function read(reader: MarshalReader): WireValue {
  const count = reader.sequence();
  const kind = reader.int();
  const shape = shapes[kind];
  if (shape === undefined || count !== shape.length + 1) throw new MalformedFrame(`${count} elements of kind ${kind}`);
  const value: WireValue = { tuple: [kind, ...shape.map((element) => element(reader))] };
  if (!reader.atEnd) throw new MalformedFrame("bytes behind the object");
  return value;
}

/** A frame: its length and its marshal bytes. */
export function framed(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([length, payload]);
}

/** Cuts frames out of the pieces, in memory that is used again, and reads each. Errors: MalformedFrame. */
export function readPieces(pieces: readonly Uint8Array[]): readonly WireValue[] {
  const frames = new FrameReader();
  const buffer = allocate(Math.max(1, ...pieces.map((piece) => piece.length)));
  const values: WireValue[] = [];
  for (const piece of pieces) {
    buffer.set(piece);
    frames.receive(buffer.subarray(0, piece.length));
    while (frames.next()) values.push(read(new MarshalReader(frames.bytes, frames.start, frames.end)));
    buffer.fill(0xaa);
  }
  return values;
}
