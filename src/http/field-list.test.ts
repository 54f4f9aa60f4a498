import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { splitList } from "./field-list.ts";

describe("a field that is a list", () => {
  test("is split at its commas; only SP and HTAB around the elements go", () => {
    assert.deepEqual(splitList(" a\t, b c ,,\u00a0d"), ["a", "b c", "", "\u00a0d"]);
    assert.deepEqual(splitList(""), [""]);
  });

  test("takes time that is linear in its size", () => {
    const start = performance.now();
    assert.deepEqual(splitList(` a${" ".repeat(300_000)}b ,\tc `), [`a${" ".repeat(300_000)}b`, "c"]);
    // Some milliseconds; the square of it would be minutes.
    assert.ok(performance.now() - start < 5000);
  });
});
