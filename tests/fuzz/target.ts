// What a fuzz target is.
import type { Random } from "./random.ts";

export interface Target {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
  /** Throws what breaks a promise. */
  run(random: Random, input: Uint8Array): void;
}
