// Waiting for what another process does.
import { setTimeout as sleep } from "node:timers/promises";

const pauseMs = 10;
const lookPauseMs = 200;

/**
 * Looks again and again until something is so. @param what a sentence for the error
 * @returns what `check` returned in the end; rejects after `timeoutMs`, or with what `check` throws
 */
export async function eventually<T>(
  what: string, timeoutMs: number, check: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(pauseMs);
  }
}

/** What garbage there is depends on the moment: the smallest of five looks at a size is what is held, bytes. */
export function held(look: () => number): Promise<number> {
  return best(5, 0, async () => {
    const size = look();
    await sleep(lookPauseMs);
    return size;
  });
}

/**
 * For bounds on time, which other load on the machine may break without any fault of ours: the best of some attempts.
 * @param attempt returns a figure; the smallest is the best
 * @returns the first figure within the bound, else the smallest of all
 */
export async function best(attempts: number, bound: number, attempt: () => Promise<number>): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY;
  for (let left = attempts; left > 0 && smallest > bound; left--) smallest = Math.min(smallest, await attempt());
  return smallest;
}
