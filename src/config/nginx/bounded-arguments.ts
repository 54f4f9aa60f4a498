/** Arguments with bounds: sizes, times, and the `number size` of buffers. */
import { type ArgumentType, offset, size, time } from "./argument-types.ts";
import type { ArgumentRefusal, Arguments } from "./directive-row.ts";
import { type Result, err, ok } from "../../std/result.ts";
import { formatSize } from "../../std/units.ts";

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Bytes between two bounds, both included, in at most megabytes as nginx's "size". */
export function sizeWithin(bounds: Bounds): ArgumentType<number> {
  return within(size(), bounds);
}

/** Bytes between two bounds, both included, in gigabytes, too: nginx's "offset". */
export function offsetWithin(bounds: Bounds): ArgumentType<number> {
  return within(offset(), bounds);
}

function within(type: ArgumentType<number>, { min, max }: Bounds): ArgumentType<number> {
  return {
    ...type,
    parse: (word, directive) => {
      const bytes = type.parse(word, directive);
      if (!bytes.ok || (bytes.value >= min && bytes.value <= max)) return bytes;
      const bounds = `${formatSize(min)} and ${formatSize(max)}`;
      return err({ nginx: `value must be between ${bounds}`, expected: `a size between ${bounds}` });
    },
  };
}

/** Milliseconds, at least one. */
export function timeAboveZero(): ArgumentType<number> {
  const any = time();
  return {
    ...any,
    parse: (word, directive) => {
      const ms = any.parse(word, directive);
      if (!ms.ok || ms.value > 0) return ms;
      return err({ nginx: `"${directive}" directive invalid value`, expected: "a time above 0" });
    },
  };
}

/** A number of buffers, and the size of each (nginx's `number size`); neither is 0. */
export interface Buffers {
  readonly count: number;
  readonly size: number;
}

/** @param totalMax bytes that all of them may have together, when that is bounded */
export function buffers(totalMax: number = Number.MAX_SAFE_INTEGER): Arguments<Buffers> {
  return {
    label: "number size",
    countMin: 2,
    countMax: 2,
    parse: ([number = "", sizeText = ""], directive) => {
      const nginx = `"${directive}" directive invalid value`;
      const count = /^\d{1,15}$/.test(number) ? Number(number) : 0;
      if (count === 0) return err({ nginx, expected: "a number of buffers", index: 0 });
      const each = size().parse(sizeText, directive);
      if (!each.ok) return err({ ...each.error, index: 1 });
      if (each.value === 0) return err({ nginx, expected: "a size such as 8k", index: 1 });
      return withinTotal({ count, size: each.value }, totalMax);
    },
  };
}

function withinTotal(both: Buffers, totalMax: number): Result<Buffers, ArgumentRefusal> {
  if (both.count * both.size <= totalMax) return ok(both);
  const bound = formatSize(totalMax);
  const nginx = `${both.count} buffers of ${formatSize(both.size)} are more than ${bound}`;
  return err({ nginx, expected: `a size of which ${both.count} are at most ${bound}`, index: 1 });
}

/** Where files for a while lie: a path, and up to three numbers of characters of the folders below it. */
export function tempPath(): Arguments<readonly string[]> {
  return {
    label: "path [level1 [level2 [level3]]]",
    countMin: 1,
    countMax: 4,
    parse: (words, directive) => {
      const index = words.findIndex((word, at) => at > 0 && !/^[0-9]{1,3}$/.test(word));
      if (index === -1) return ok(words);
      return err({ nginx: `"${directive}" directive invalid value`, expected: "a number of characters", index });
    },
  };
}
