import assert from "node:assert/strict";
import { test } from "node:test";
import { freshness, parseExpires } from "./expires.ts";

/** 21 November 2026, 12:15:34, local time; 2 January 2020. */
const now = new Date(2026, 10, 21, 12, 15, 34).getTime() / 1000;
const lastModified = Date.UTC(2020, 0, 2, 3, 4, 5) / 1000;

function both(text: string, modified: boolean = false): readonly [expires: string, cacheControl: string] | undefined {
  const parsed = parseExpires(text, modified);
  assert.ok(parsed.ok && parsed.value.kind !== "variable");
  const fresh = freshness(parsed.value, now, lastModified);
  return fresh && [fresh.expires, fresh.cacheControl];
}

const date = (seconds: number): string => new Date(seconds * 1000).toUTCString();

test("expires says what nginx says", () => {
  assert.deepEqual(both("1h"), [date(now + 3600), "max-age=3600"]);
  assert.deepEqual(both("-1"), [date(now - 1), "no-cache"]);
  assert.deepEqual(both("0"), [date(now), "max-age=0"]);
  assert.deepEqual(both("-0"), [date(now), "max-age=0"]);
  assert.deepEqual(both("100y"), [date(now + 3_153_600_000), "max-age=3153600000"]);
  assert.deepEqual(both("max"), ["Thu, 31 Dec 2037 23:55:55 GMT", "max-age=315360000"]);
  assert.deepEqual(both("epoch"), ["Thu, 01 Jan 1970 00:00:01 GMT", "no-cache"]);
  assert.equal(both("off"), undefined);
});

test("expires modified counts from Last-Modified, and from now without one", () => {
  assert.deepEqual(both("1h", true), ["Thu, 02 Jan 2020 04:04:05 GMT", "no-cache"]);
  assert.deepEqual(both("20y", true), [
    "Wed, 28 Dec 2039 03:04:05 GMT", `max-age=${Date.UTC(2039, 11, 28, 3, 4, 5) / 1000 - now}`,
  ]);
  assert.deepEqual(both("0", true), [date(now), "max-age=0"]);
  const settings = { kind: "after", modified: true, seconds: 60 } as const;
  assert.equal(freshness(settings, now, undefined)?.cacheControl, "max-age=60");
});

test("expires @time is the next such moment", () => {
  const local = (day: number, hour: number, minute: number): number =>
    new Date(2026, 10, day, hour, minute).getTime() / 1000;
  assert.deepEqual(both("@15h30m"), [date(local(21, 15, 30)), `max-age=${local(21, 15, 30) - now}`]);
  assert.deepEqual(both("@12h"), [date(local(22, 12, 0)), `max-age=${local(22, 12, 0) - now}`]);
  assert.deepEqual(both("@12h15m34s")?.[1], "max-age=86400");
  assert.deepEqual(both("@0"), [date(local(22, 0, 0)), `max-age=${local(22, 0, 0) - now}`]);
});
