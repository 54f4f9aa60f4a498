import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test("sizes are bytes or powers of 1024, in either case", () => {
  const cases: Record<string, number> = { "0": 0, "4096": 4096, "64k": 65_536, "10M": 10_485_760, "1g": 1_073_741_824 };
  for (const [text, bytes] of Object.entries(cases))
    assert.deepEqual(parseSize(text), { ok: true, value: bytes }, text);
});

test("what is no size is refused, also beyond exact integers", () => {
  for (const text of ["", "-1", "1.5k", "10kb", "k", "1 k", "999999999999999g"])
    assert.equal(parseSize(text).ok, false, text);
});

test("durations are seconds unless a unit says otherwise, and units combine as in nginx", () => {
  const cases: Record<string, number> = {
    "30": 30_000,
    "0.5": 500,
    "500ms": 500,
    "30s": 30_000,
    "5m": 300_000,
    "1h30m": 5_400_000,
    "1d 12h": 129_600_000,
  };
  for (const [text, ms] of Object.entries(cases)) assert.deepEqual(parseDuration(text), { ok: true, value: ms }, text);
});

test("what is no duration is refused", () => {
  for (const text of ["", "-1", "abc", "5x", "s", "1.5h", "ms"]) assert.equal(parseDuration(text).ok, false, text);
});

test("sizes and durations are written as people read them", () => {
  assert.deepEqual([0, 100, 1024, 65_536, 1_073_741_824].map(formatSize), ["0", "100", "1k", "64k", "1g"]);
  const words = [250, 999.9, 1500, 60_000, 600_000].map(formatDuration);
  assert.deepEqual(words, ["250 ms", "1 s", "1.5 s", "60 s", "10 min"]);
});
