import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { asBytes } from "../../std/bytes.ts";
import { DeflateHistory } from "./deflate-history.ts";

test("a history is the end of everything said, and no longer than the window", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 30 }), (sizes) => {
    const history = new DeflateHistory(9);
    let said = Buffer.alloc(0);
    for (const size of sizes) {
      const bytes = asBytes(randomBytes(size + 2));
      history.add(bytes, 1, size + 1);
      said = Buffer.concat([said, bytes.subarray(1, size + 1)]).subarray(-512);
      assert.equal(history.dictionary.toString("hex"), said.toString("hex"));
    }
  }), { numRuns: 200 });
});

test("a history keeps no view of what it was given", () => {
  const bytes = asBytes(Buffer.from("hello"));
  const history = new DeflateHistory(9);
  history.add(bytes, 0, 5);
  bytes.fill(0);
  assert.equal(history.dictionary.toString(), "hello");
});

test("memory grows with what was said, up to the window", () => {
  const history = new DeflateHistory(12);
  assert.equal(history.dictionary.buffer.byteLength, 0);
  history.add(asBytes(Buffer.alloc(10)), 0, 10);
  assert.equal(history.dictionary.buffer.byteLength, 256);
  for (let count = 0; count < 5; count++) history.add(asBytes(Buffer.alloc(3000)), 0, 3000);
  assert.equal(history.dictionary.buffer.byteLength, 4096);
  history.add(asBytes(Buffer.alloc(100_000)), 0, 100_000);
  assert.equal(history.dictionary.buffer.byteLength, 4096);
});
