import assert from "node:assert/strict";
import { test } from "node:test";
import { MONTHS, clockText, twoDigits } from "./date-parts.ts";

test("numbers have two digits at least", () => {
  assert.deepEqual([0, 7, 10, 59].map((value) => twoDigits(value)), ["00", "07", "10", "59"]);
});

test("the time of day is the process's zone's", () => {
  assert.equal(clockText(new Date(2026, 10, 21, 9, 5, 0)), "09:05:00");
  assert.equal(clockText(new Date(2026, 10, 21, 23, 59, 59)), "23:59:59");
});

test("months are counted as Date counts them", () => {
  assert.equal(MONTHS[new Date(2026, 10, 21).getMonth()], "Nov");
  assert.equal(MONTHS.length, 12);
});
