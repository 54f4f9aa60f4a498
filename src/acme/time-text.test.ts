import assert from "node:assert/strict";
import { test } from "node:test";
import { dateText, durationText } from "./time-text.ts";

test("times are told to people in whole units", () => {
  const texts = [500, 1000, 60_000, 300_000, 3_600_000, 7_200_000, 86_400_000, 3 * 86_400_000].map(durationText);
  assert.deepEqual(texts, [
    "1 second", "1 second", "60 seconds", "5 minutes", "60 minutes", "2 hours", "24 hours", "3 days",
  ]);
  assert.equal(dateText(0), "1970-01-01 00:00 UTC");
});
