import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartPolicy, workerRestartLimits } from "./restart-policy.ts";

const policy = (): RestartPolicy => new RestartPolicy(workerRestartLimits);

test("starts that fail are repeated after 1, 2, 4 … at most 30 seconds", () => {
  const one = policy();
  const waits: number[] = [];
  let now = 0;
  for (let attempt = 0; attempt < 7; attempt++) {
    one.failed({ now: now + 10, startedAt: now, hadServed: false });
    waits.push(one.waitMs(now + 10));
    now += 10 + one.waitMs(now + 10);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("a worker that served is replaced at once, the second in a row after a second", () => {
  const one = policy();
  one.failed({ now: 5000, startedAt: 0, hadServed: true });
  assert.equal(one.waitMs(5000), 0);
  one.failed({ now: 6000, startedAt: 5001, hadServed: true });
  assert.equal(one.waitMs(6000), 1000);
});

test("workers that were started together and die together count once", () => {
  const one = policy();
  for (let worker = 0; worker < 4; worker++) one.failed({ now: 5000 + worker, startedAt: 0, hadServed: true });
  assert.equal(one.waitMs(5004), 0);
});

test("a worker that lived long begins a new count", () => {
  const one = policy();
  one.failed({ now: 10, startedAt: 0, hadServed: false });
  one.failed({ now: 2000, startedAt: 1100, hadServed: false });
  one.failed({ now: 102_000, startedAt: 4100, hadServed: true });
  assert.equal(one.waitMs(102_000), 0);
});

test("an operator's wish does not wait", () => {
  const one = policy();
  one.failed({ now: 10, startedAt: 0, hadServed: false });
  one.reset();
  assert.equal(one.waitMs(10), 0);
});
