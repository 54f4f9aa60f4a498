// A short campaign from a new seed each time; the failure says how to repeat it. Longer ones: node tests/fuzz/fuzz.ts
import { describe, test } from "node:test";
import { fuzz } from "./campaign.ts";
import { targets } from "./targets.ts";

/** Each target gets so long, and no more than so many runs on a fast machine. */
const TARGET_MS = 4000;
const RUN_COUNT_MAX = 20_000;

describe("fuzzing", () => {
  const seed = Math.floor(Math.random() * 0x7fffffff);

  for (const target of targets) {
    test(`${target.name} are accepted or refused, never anything else`, (context) => {
      context.diagnostic(`seed ${seed}`);
      const deadlineMs = performance.now() + TARGET_MS;
      context.diagnostic(`${fuzz(target, { seed, runCountMax: RUN_COUNT_MAX, deadlineMs })} runs`);
    });
  }
});
