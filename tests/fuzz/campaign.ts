// Runs a target on inputs that follow from a seed.
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** How much, and from where. */
export interface Campaign {
  readonly seed: number;
  readonly runCountMax: number;
  /** Monotonic milliseconds at which it ends. */
  readonly deadlineMs: number;
}

/**
 * @returns the number of runs
 * @throws an error that names the seed, the run and the input when a promise is broken
 */
export function fuzz(target: Target, { seed, runCountMax, deadlineMs }: Campaign): number {
  let run = 0;
  for (; run < runCountMax && (run % 64 !== 0 || performance.now() < deadlineMs); run++) {
    const random = new Random(seed + run);
    const input = mutate(random, target.corpus, target.words);
    try {
      target.run(random, input);
    } catch (error) {
      // Thrown on with all that repeats it.
      const again = `node tests/fuzz/fuzz.ts ${target.name} --seed ${seed + run} --runs 1`;
      throw new Error(`${target.name}: ${JSON.stringify(input.toString("latin1"))}\nrepeat: ${again}`,
        { cause: error });
    }
  }
  return run;
}
