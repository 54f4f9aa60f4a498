import assert from "node:assert/strict";
import { test } from "node:test";
import { LARGE_COUNT_MAX, LARGE_SIZE, ReadBuffers, SMALL_SIZE } from "./read-buffers.ts";

test("there are only so many large buffers; who comes later gets a small one, until one is given back", () => {
  const buffers = new ReadBuffers();
  const taken = Array.from({ length: LARGE_COUNT_MAX }, () => buffers.take(LARGE_SIZE));
  assert.ok(taken.every(({ length }) => length === LARGE_SIZE));
  assert.equal(buffers.take(LARGE_SIZE).length, SMALL_SIZE);
  const [first] = taken;
  assert.ok(first !== undefined);
  buffers.give(first);
  assert.equal(buffers.take(LARGE_SIZE), first);
});

test("little is read into a small buffer, which is used again", () => {
  const buffers = new ReadBuffers();
  const small = buffers.take(100);
  assert.equal(small.length, SMALL_SIZE);
  buffers.give(small);
  assert.equal(buffers.take(SMALL_SIZE), small);
});
