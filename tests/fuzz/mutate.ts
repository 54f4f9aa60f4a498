// Makes new inputs of old ones: what a byte fuzzer does between two runs.
import type { Random } from "./random.ts";

/** Most that an input grows to. */
const INPUT_SIZE_MAX = 4096;

/**
 * @param corpus inputs to begin with and to cut parts from
 * @param words what the format gives a meaning to
 */
export function mutate(random: Random, corpus: readonly Uint8Array[], words: readonly Uint8Array[]): Buffer {
  let input = Buffer.from(random.pick(corpus));
  for (let left = random.below(6); left > 0; left--) input = mutateOnce(random, input, corpus, words);
  return input.subarray(0, INPUT_SIZE_MAX);
}

function mutateOnce(
  random: Random, input: Buffer, corpus: readonly Uint8Array[], words: readonly Uint8Array[],
): Buffer<ArrayBuffer> {
  const at = random.below(input.length + 1);
  const end = Math.min(input.length, at + random.below(16));
  const splice = (part: Uint8Array): Buffer<ArrayBuffer> =>
    Buffer.concat([input.subarray(0, at), part, input.subarray(random.below(2) === 0 ? at : end)]);
  switch (random.below(8)) {
    case 0: return splice(Buffer.from([random.below(256)]));
    case 1: return splice(random.pick(words));
    case 2: return splice(new Uint8Array());
    case 3: return splice(input.subarray(at, end));
    case 4: return Buffer.from(input.subarray(0, at));
    case 5: {
      const copy = Buffer.from(input);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 6: {
      const other = random.pick(corpus);
      return Buffer.concat([input.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
    default: return Buffer.concat([input, random.pick(corpus)]);
  }
}

/** Cuts an input at a few random places. */
export function pieces(random: Random, input: Uint8Array): readonly Uint8Array[] {
  const positions = Array.from({ length: random.below(6) }, () => random.below(input.length + 1));
  const edges = [0, ...positions.sort((a, b) => a - b), input.length];
  return edges.slice(1).map((edge, index) => input.subarray(edges[index], edge));
}
