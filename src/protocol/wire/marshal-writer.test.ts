import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type WireValue, askPython } from "../../../tests/protocol/python.ts";
import { MarshalWriter, encodeBlock } from "./marshal-writer.ts";

/** What CPython reads of one object. */
function loaded(write: (writer: MarshalWriter) => void): WireValue | undefined {
  return askPython({ loads: [encodeBlock(new MarshalWriter(), 1_000_000, write)] }).loads[0];
}

describe("the marshal writer", () => {
  test("writes each type as CPython reads it, at its bounds", () => {
    const texts = ["", "a", "a".repeat(255), "a".repeat(256), "\x7f", "\x80", "\xff".repeat(300), "a\xe9"];
    const value = loaded((writer) => {
      writer.list(texts.length);
      for (const text of texts) writer.latin1(text);
    });
    assert.deepEqual(value, texts);
    const numbers = [0, 1, -1, 255, 256, 65_535, 0x7fffffff, -0x80000000];
    assert.deepEqual(loaded((writer) => {
      writer.smallTuple(numbers.length);
      for (const number of numbers) writer.int(number);
    }), { tuple: numbers });
    const wide = ["\u20ac", "\u{1f3a9}", "a".repeat(70_000), "\0"];
    assert.deepEqual(loaded((writer) => {
      writer.list(wide.length);
      for (const text of wide) writer.unicode(text);
    }), wide);
    const interned = ["", "a".repeat(23), "a".repeat(24), "a".repeat(255)];
    assert.deepEqual(loaded((writer) => {
      writer.list(interned.length);
      for (const text of interned) writer.interned(text);
    }), interned);
  });

  test("writes bytes of both kinds", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const hex = all.toString("hex");
    assert.deepEqual(loaded((writer) => {
      writer.smallTuple(5);
      writer.bytes(all);
      writer.bytesOfLatin1(all.toString("latin1"));
      writer.bytes(new Uint8Array());
      writer.none();
      writer.bool(true);
    }), { tuple: [{ bytes: hex }, { bytes: hex }, { bytes: "" }, null, true] });
  });

  test("half of a surrogate pair becomes the replacement character, not a fault of the worker", () => {
    assert.equal(loaded((writer) => writer.unicode("a\ud800b")), "a\ufffdb");
  });

  test("frames of one turn lie one behind the other and leave as one view", () => {
    const writer = new MarshalWriter();
    assert.equal(writer.take(), undefined);
    for (const value of [1, 2]) {
      writer.begin(16);
      writer.int(value);
      writer.end();
    }
    assert.equal(writer.pendingSize, 18);
    assert.equal(writer.take()?.toString("hex"), "050000006901000000050000006902000000");
    assert.equal(writer.take(), undefined);
  });

  test("a full slab is left behind, and what was taken from it stays as it is", () => {
    const writer = new MarshalWriter();
    const payload = Buffer.alloc(20_000, 1);
    const views: Uint8Array[] = [];
    let left = 0;
    for (let frame = 0; frame < 20; frame++) {
      const full = writer.begin(payload.length + 5);
      if (full !== undefined) {
        left++;
        views.push(full);
      }
      writer.bytes(payload.fill(frame));
      writer.end();
    }
    const last = writer.take();
    assert.ok(left > 0 && last !== undefined);
    const all = Buffer.concat([...views, last]);
    assert.equal(all.length, 20 * (payload.length + 9));
    for (let frame = 0; frame < 20; frame++) {
      const start = frame * (payload.length + 9);
      assert.equal(all.readUInt32LE(start), payload.length + 5);
      assert.ok(all.subarray(start + 9, start + 9 + payload.length).every((byte) => byte === frame));
    }
  });

  test("a frame larger than a slab gets one of its own", () => {
    const writer = new MarshalWriter();
    const payload = Buffer.alloc(300_000, 7);
    writer.begin(payload.length + 5);
    writer.bytes(payload);
    writer.end();
    assert.equal(writer.take()?.length, payload.length + 9);
    writer.begin(5);
    writer.int(1);
    writer.end();
    assert.equal(writer.take()?.toString("hex"), "050000006901000000");
  });

  test("an encoder that promised too little is a bug of ours, never a cut frame", () => {
    const writer = new MarshalWriter();
    writer.begin(10);
    writer.latin1("a".repeat(70_000));
    assert.throws(() => writer.end(), /assertion failed/);
  });
});
