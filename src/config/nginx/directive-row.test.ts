import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { number, onOff, size, string, time } from "./argument-types.ts";
import { type Arguments, ARGUMENT_COUNT_MAX, many, none, one, oneOrTwo, two } from "./directive-row.ts";

/** The value, or which argument was refused. */
function parsed<T>(kind: Arguments<T>, words: readonly string[]): T | string {
  const value = kind.parse(words, "name");
  return value.ok ? value.value : `refused: ${value.error.index}`;
}

function shape({ label, countMin, countMax }: Arguments<unknown>): readonly [string, number, number] {
  return [label, countMin, countMax];
}

describe("arguments", () => {
  test("are none", () => {
    assert.deepEqual(shape(none()), ["", 0, 0]);
    assert.equal(parsed(none(), []), true);
  });

  test("are one", () => {
    assert.deepEqual(shape(one(size())), ["size", 1, 1]);
    assert.deepEqual([parsed(one(size()), ["8k"]), parsed(one(size()), ["x"])], [8192, "refused: 0"]);
  });

  test("are two, each of its type", () => {
    const kind = two(number({ min: 1, max: 9 }), size());
    assert.deepEqual(shape(kind), ["number size", 2, 2]);
    assert.deepEqual(parsed(kind, ["4", "8k"]), [4, 8192]);
    assert.deepEqual([parsed(kind, ["x", "8k"]), parsed(kind, ["4", "x"])], ["refused: 0", "refused: 1"]);
  });

  test("are one, or one and another", () => {
    const kind = oneOrTwo(time(), onOff());
    assert.deepEqual(shape(kind), ["time [on | off]", 1, 2]);
    assert.deepEqual([parsed(kind, ["1s"]), parsed(kind, ["1s", "on"])], [[1000, undefined], [1000, true]]);
    assert.deepEqual([parsed(kind, ["x"]), parsed(kind, ["1s", "x"])], ["refused: 0", "refused: 1"]);
  });

  test("are many", () => {
    assert.deepEqual(shape(many(string("file"))), ["file ...", 1, ARGUMENT_COUNT_MAX]);
    assert.deepEqual(shape(many(string("file"), 0)), ["[file ...]", 0, ARGUMENT_COUNT_MAX]);
    assert.deepEqual([parsed(many(size()), ["1", "2"]), parsed(many(size()), ["1", "x"])], [[1, 2], "refused: 1"]);
  });
});
