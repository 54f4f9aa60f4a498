import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSizeText, parseTimeText } from "./units.ts";

test("sizes are bytes, kilobytes and megabytes; gigabytes only where nginx has them", () => {
  const cases: Readonly<Record<string, readonly [size: number | undefined, offset: number | undefined]>> = {
    "0": [0, 0],
    "4096": [4096, 4096],
    "8k": [8192, 8192],
    "8K": [8192, 8192],
    "10m": [10_485_760, 10_485_760],
    "1g": [undefined, 1_073_741_824],
    "9007199254740991": [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    "9007199254740992": [undefined, undefined],
    "": [undefined, undefined],
    "k": [undefined, undefined],
    "-1": [undefined, undefined],
    "1.5k": [undefined, undefined],
    "10mb": [undefined, undefined],
    "1 k": [undefined, undefined],
  };
  for (const [text, sizes] of Object.entries(cases)) {
    assert.deepEqual([parseSizeText(text, false), parseSizeText(text, true)], sizes, text);
  }
});

// What the nginx of Debian 12 accepts for client_header_timeout, and for expires.
test("times are units in falling order, of which milliseconds and months are not for all", () => {
  const cases: Readonly<Record<string, readonly [milliseconds: number | undefined, seconds: number | undefined]>> = {
    "30": [30_000, 30_000],
    "1h30m": [5_400_000, 5_400_000],
    "1m 30s": [90_000, 90_000],
    "1m30": [90_000, 90_000],
    "1s500": [501_000, 501_000],
    "1w": [604_800_000, 604_800_000],
    "500ms": [500, undefined],
    "1ms1": [1001, undefined],
    "1M": [undefined, 2_592_000_000],
    "1y": [undefined, 31_536_000_000],
    "1m ": [60_000, 60_000],
    "1 1": [2000, 2000],
    "1ms 1": [1001, undefined],
    "1s 1 ": [undefined, undefined],
    "1 1 1": [undefined, undefined],
    "30s1m": [undefined, undefined],
    "1m1m": [undefined, undefined],
    "1 m": [undefined, undefined],
    " 1m": [undefined, undefined],
    "1.5s": [undefined, undefined],
    "s": [undefined, undefined],
    "": [undefined, undefined],
    "-1": [undefined, undefined],
    "1S": [undefined, undefined],
    "9999999999999999": [undefined, undefined],
  };
  for (const [text, times] of Object.entries(cases)) {
    assert.deepEqual([parseTimeText(text, "milliseconds"), parseTimeText(text, "seconds")], times, text);
  }
});
