import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  KEEP_UNTOLD_MS, RENEW_MAX_MS, RENEW_MIN_MS, RENEW_UNTOLD_MS, renewAtMs, RETRY_MAX_MS, retryAtMs, stapledUntilMs,
} from "./renewal.ts";

const DAY_MS = 86_400_000;
const now = 1_700_000_000_000;

describe("an answer is renewed", () => {
  test("at half of its life", () => {
    equal(renewAtMs(from(now, now + 2 * DAY_MS), now), now + DAY_MS);
    equal(renewAtMs(from(now - DAY_MS, now + 5 * DAY_MS), now), now + 2 * DAY_MS);
  });

  test("at half of what is left, when it comes late in its life", () => {
    equal(renewAtMs(from(now - 6 * DAY_MS, now + DAY_MS), now), now + DAY_MS / 2);
    equal(renewAtMs(from(now - DAY_MS, now + DAY_MS), now), now + DAY_MS / 2);
  });

  test("no sooner than in a minute, no later than in a week", () => {
    equal(renewAtMs(from(now, now + 1000), now), now + RENEW_MIN_MS);
    equal(renewAtMs(from(now - DAY_MS, now + RENEW_MIN_MS), now), now + RENEW_MIN_MS);
    equal(renewAtMs(from(now, now + 365 * DAY_MS), now), now + RENEW_MAX_MS);
  });

  test("every hour, when it does not say how long it lives, and is kept for a day", () => {
    equal(renewAtMs(from(now), now), now + RENEW_UNTOLD_MS);
    equal(stapledUntilMs(from(now), now), now + KEEP_UNTOLD_MS);
    equal(stapledUntilMs(from(now, now + 5), now), now + 5);
  });
});

test("after failures the waits double, up to an hour", () => {
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => (retryAtMs(failures, now) - now) / 60_000);
  deepEqual(minutes, [1, 2, 4, 8, 16, 32, 60, 60, RETRY_MAX_MS / 60_000]);
});

function from(thisUpdateMs: number, nextUpdateMs?: number): Parameters<typeof renewAtMs>[0] {
  return { status: "good", thisUpdateMs, nextUpdateMs };
}
