// Both directions of docs/wire.md with the cases of tests/cases/wire, which drive Python's end, too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FrameReader, MalformedFrame, MarshalWriter } from "../../src/protocol/wire/index.ts";
import { asBytes, fromUtf8 } from "../../src/std/bytes.ts";
import { cut, everyCut } from "./engine.ts";
import { framed, readPieces } from "./frames.ts";
import { type WireValue, askPython } from "./python.ts";

interface Case {
  readonly name: string;
  readonly direction: "to-worker" | "to-edge";
  /** Hexadecimal, without the frame's length. */
  readonly marshal: string;
  readonly value?: WireValue;
  readonly error?: string;
}

function casesOf(file: string): readonly Case[] {
  const path = join(import.meta.dirname, "../cases/wire", file);
  return JSON.parse(readFileSync(path, "utf8")) as readonly Case[];
}

const bytesOf = (item: Case): Buffer => Buffer.from(item.marshal, "hex");

type Text = "interned" | "path" | "value";

/** Writes a value as the edge does: keys and the hello's role are interned, paths Unicode, other text latin-1. */
function write(writer: MarshalWriter, value: WireValue, text: Text = "value"): void {
  if (value === null) writer.none();
  else if (typeof value === "boolean") writer.bool(value);
  else if (typeof value === "number") writer.int(value);
  else if (typeof value === "string") writeText(writer, value, text);
  else if ("bytes" in value) writer.bytes(Buffer.from(value.bytes, "hex"));
  else if ("tuple" in value) writeTuple(writer, value.tuple);
  else if ("dict" in value) writeDict(writer, value.dict);
  else writeList(writer, value, text);
}

function writeText(writer: MarshalWriter, value: string, text: Text): void {
  if (text === "interned") writer.interned(value);
  else if (text === "path") writer.unicode(value);
  else writer.latin1(value);
}

function writeTuple(writer: MarshalWriter, items: readonly WireValue[]): void {
  writer.smallTuple(items.length);
  for (const [index, item] of items.entries()) write(writer, item, textAt(items[0], index));
}

function textAt(kind: WireValue | undefined, index: number): Text {
  if (kind === 0) return index === 2 || index === 5 ? "interned" : "value";
  return kind === 1 && index === 5 ? "path" : "value";
}

function writeDict(writer: MarshalWriter, pairs: readonly (readonly [string, WireValue])[]): void {
  writer.beginDict();
  for (const [key, item] of pairs) {
    writer.interned(key);
    write(writer, item);
  }
  writer.endDict();
}

function writeList(writer: MarshalWriter, items: readonly WireValue[], text: Text): void {
  writer.list(items.length);
  for (const item of items) write(writer, item, text);
}

/** `bytes` of a field are text for the edge: one character a byte. */
function asTheEdgeReads(value: WireValue): WireValue {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(asTheEdgeReads);
  if (!("tuple" in value)) return value;
  const { tuple } = value;
  const isPair = tuple.length === 2 && typeof tuple[0] === "object";
  return { tuple: tuple.map((item) => (isPair ? asLatin1(item) : asTheEdgeReads(item))) };
}

function asLatin1(value: WireValue): WireValue {
  const isBytes = typeof value === "object" && value !== null && "bytes" in value;
  return isBytes ? Buffer.from(value.bytes, "hex").toString("latin1") : asTheEdgeReads(value);
}

/** Writes what a WebSocket's frames have: text is UTF-8 that came so, and a list's length is known in the end. */
function writeWebSocket(writer: MarshalWriter, value: WireValue): void {
  if (typeof value === "string") {
    const bytes = fromUtf8(value);
    writer.utf8Of(bytes, 0, bytes.length);
  } else if (typeof value !== "object" || value === null || "dict" in value) {
    write(writer, value);
  } else if ("bytes" in value) {
    const bytes = asBytes(Buffer.from(value.bytes, "hex"));
    writer.bytesOf(bytes, 0, bytes.length);
  } else if ("tuple" in value) {
    writer.smallTuple(value.tuple.length);
    for (const item of value.tuple) writeWebSocket(writer, item);
  } else {
    const at = writer.openList();
    for (const item of value) writeWebSocket(writer, item);
    writer.closeList(at, value.length);
  }
}

function isRequest({ value }: Case): boolean {
  return typeof value === "object" && value !== null && "tuple" in value && value.tuple[0] === 1;
}

describe("what the edge writes of WebSockets", () => {
  for (const item of casesOf("websocket.json").filter(({ direction }) => direction === "to-worker")) {
    test(item.name, () => {
      const { value = null } = item;
      const writer = new MarshalWriter();
      writer.begin(item.marshal.length);
      if (isRequest(item)) write(writer, value);
      else writeWebSocket(writer, value);
      writer.end();
      assert.equal(writer.take()?.subarray(4).toString("hex"), item.marshal);
      assert.deepEqual(askPython({ loads: [bytesOf(item)] }).loads, [value]);
    });
  }
});

describe("what the edge writes", () => {
  for (const item of casesOf("to-worker.json")) {
    test(item.name, () => {
      const { value = null } = item;
      const writer = new MarshalWriter();
      writer.begin(item.marshal.length);
      write(writer, value);
      writer.end();
      assert.equal(writer.take()?.subarray(4).toString("hex"), item.marshal);
      assert.deepEqual(askPython({ loads: [bytesOf(item)] }).loads, [value]);
    });
  }
});

describe("what the edge reads", () => {
  const ofWebSockets = casesOf("websocket.json").filter(({ direction }) => direction === "to-edge");
  const cases = [...casesOf("to-edge.json"), ...ofWebSockets];
  const all = Buffer.concat(cases.map((item) => framed(bytesOf(item))));
  const values = cases.map(({ value = null }) => asTheEdgeReads(value));

  for (const [index, item] of cases.entries()) {
    test(item.name, () => {
      const frame = framed(bytesOf(item));
      assert.deepEqual(readPieces([frame]), [values[index]]);
      for (const [pieces, how] of everyCut(frame)) assert.deepEqual(readPieces(pieces), [values[index]], how);
    });
  }

  test("all frames one behind the other, whole, byte by byte and in pieces of every size", () => {
    assert.deepEqual(readPieces([all]), values);
    for (const size of [1, 2, 3, 4, 5, 7, 64, 1000]) {
      const positions = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => index * size).slice(1);
      assert.deepEqual(readPieces(cut(all, ...positions)), values);
    }
  });

  test("CPython's marshal writes exactly these bytes", () => {
    const { dumps } = askPython({ dumps: cases.map(({ value = null }) => value) });
    assert.deepEqual(dumps.map((dump) => dump.toString("hex")), cases.map(({ marshal }) => marshal));
  });
});

describe("what the edge refuses", () => {
  for (const item of casesOf("malformed.json").filter(({ direction }) => direction === "to-edge")) {
    test(`${item.name}: ${item.error ?? ""}`, () => {
      assert.throws(() => readPieces([framed(bytesOf(item))]), MalformedFrame);
    });
  }

  test("a frame beyond the bound, before its bytes arrive", () => {
    const frames = new FrameReader();
    frames.receive(asBytes(Buffer.from([1, 0, 16, 0])));
    assert.throws(() => frames.next(), MalformedFrame);
    for (const pieces of [[1, 3], [2, 2], [1, 1, 1, 1]]) {
      const slow = new FrameReader();
      let at = 0;
      assert.throws(() => {
        for (const size of pieces) {
          slow.receive(asBytes(Buffer.from([0xff, 0xff, 0xff, 0xff]).subarray(at, at + size)));
          at += size;
          slow.next();
        }
      }, MalformedFrame);
    }
  });

  test("every frame that is cut short", () => {
    for (const item of casesOf("to-edge.json")) {
      const payload = bytesOf(item);
      const step = Math.ceil(payload.length / 200);
      for (let size = 0; size < payload.length; size += step) {
        assert.throws(() => readPieces([framed(payload.subarray(0, size))]), MalformedFrame, item.name);
      }
    }
  });
});
