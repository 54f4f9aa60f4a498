/**
 * Assertions about our own code. A failed one is a bug: the process ends and the supervisor heals it.
 * Input of clients, applications and operators is never asserted; it becomes a value (result.ts).
 */

/** Ends the current path of execution with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** For the end of an exhaustive `switch`: the types prove that no value gets here. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected ${JSON.stringify(value)}`);
}
