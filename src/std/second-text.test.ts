import assert from "node:assert/strict";
import { test } from "node:test";
import { SecondText } from "./second-text.ts";

test("a text of the time is made anew when the second is another one", () => {
  const made: number[] = [];
  const text = new SecondText((ms) => `at ${made.push(ms)}`);
  assert.deepEqual([777_000, 777_999, 778_000, 777_000].map((ms) => text.at(ms)), ["at 1", "at 1", "at 2", "at 3"]);
  assert.deepEqual(made, [777_000, 778_000, 777_000]);
});
