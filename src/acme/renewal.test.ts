import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { renewalInfoPause, renewalTime, renewalTimeIn, retryPause } from "./renewal.ts";

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;
const validity = { notBefore: 0, notAfter: 90 * DAY_MS };

describe("the time of a renewal", () => {
  test("is two thirds of the lifetime, or up to a thirtieth of it earlier", () => {
    assert.equal(Math.round(renewalTime(validity, 0) / DAY_MS), 60);
    assert.equal(Math.round(renewalTime(validity, 1) / DAY_MS), 57);
  });

  test("is within the issuer's window, but never with less than a tenth of the lifetime left", () => {
    const window = { start: 30 * DAY_MS, end: 40 * DAY_MS };
    assert.equal(renewalTimeIn(window, validity, 0.5), 35 * DAY_MS);
    assert.equal(renewalTimeIn({ start: 100 * DAY_MS, end: 200 * DAY_MS }, validity, 0.5), 81 * DAY_MS);
    assert.equal(renewalTimeIn({ start: 2, end: 1 }, validity, 0.5), undefined);
    assert.equal(renewalTimeIn({ start: Number.NaN, end: 1 }, validity, 0.5), undefined);
  });
});

describe("the pause after a failure", () => {
  test("grows from a minute to six hours", () => {
    const pauses = Array.from({ length: 10 }, (_, index) => Math.round(retryPause(index + 1, 0, 0.5) / MINUTE_MS));
    assert.deepEqual(pauses, [1, 5, 15, 30, 60, 120, 240, 360, 360, 360]);
  });

  test("is a tenth more or less, so that not all try at once", () => {
    assert.equal(Math.round(retryPause(1, 0, 0)), 54_000);
    assert.equal(Math.round(retryPause(1, 0, 1)), 66_000);
  });

  test("is as long as the issuer says, up to a week", () => {
    assert.equal(retryPause(1, 3 * HOUR_MS, 0.5), 3 * HOUR_MS);
    assert.equal(retryPause(1, 1000, 0.5), MINUTE_MS);
    assert.equal(retryPause(1, 400 * DAY_MS, 0.5), 7 * DAY_MS);
    assert.equal(retryPause(1, Number.POSITIVE_INFINITY, 0.5), 7 * DAY_MS);
  });
});

test("an issuer is asked when to renew at least once a day, and at most once a minute", () => {
  assert.equal(renewalInfoPause(undefined), 6 * HOUR_MS);
  assert.equal(renewalInfoPause(0), MINUTE_MS);
  assert.equal(renewalInfoPause(2 * HOUR_MS), 2 * HOUR_MS);
  assert.equal(renewalInfoPause(30 * DAY_MS), DAY_MS);
});
