import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "./rate-limit.ts";

test("a second's worth may leave at once, then so much a second", () => {
  const limit = new RateLimit({ rate: 1000, after: 0 }, 5000);
  assert.equal(limit.allowance(0, 5000), 1000);
  assert.equal(limit.allowance(1000, 5000), 0);
  assert.equal(limit.allowance(1000, 5500), 500);
  assert.equal(limit.allowance(0, 15_000), 11_000);
});

test("what comes before limit_rate_after does not count", () => {
  const limit = new RateLimit({ rate: 1000, after: 10_000 }, 0);
  assert.equal(limit.allowance(0, 0), 11_000);
  assert.equal(limit.allowance(11_000, 0), 0);
});

test("the pause is just long enough", () => {
  const limit = new RateLimit({ rate: 1000, after: 0 }, 0);
  const pause = limit.delayMs(1000, 250, 0);
  assert.equal(pause, 250);
  assert.ok(limit.allowance(1000, pause) >= 250);
  assert.ok(limit.allowance(1000, pause - 1) < 250);
  assert.equal(limit.delayMs(0, 10, 0), 1);
});
