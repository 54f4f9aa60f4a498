/**
 * The words for what can be wrong with one directive, whatever stands around it.
 */
import type { Result } from "../../std/result.ts";
import { closest } from "../../std/similar.ts";
import { type AnyDirectiveRow, ARGUMENT_COUNT_MAX, type ArgumentRefusal } from "./directive-row.ts";
import type { Mistake } from "./language-diagnostic.ts";
import type { Place } from "./source.ts";
import type { Directive } from "./tree.ts";

export interface PlacedMistake extends Mistake {
  readonly place: Place;
}

/** A block where `;` belongs, or the other way round. */
export function terminatorMistake(directive: Directive, row: AnyDirectiveRow): PlacedMistake | undefined {
  const { name, terminator, block } = directive;
  if (row.content === undefined && block !== undefined) {
    return {
      place: terminator,
      nginx: `directive "${name.value}" is not terminated by ";"`,
      message: `"${name.value}" has no block: it ends with ;`,
      hint: `for example: ${row.example}`,
    };
  }
  if (row.content === undefined || block !== undefined) return undefined;
  return {
    place: terminator.kind === ";" ? terminator : name,
    nginx: `directive "${name.value}" has no opening "{"`,
    message: `"${name.value}" needs a block`,
    hint: `for example: ${row.example}`,
  };
}

/** Too few arguments or too many. */
export function countMistake({ name, args }: Directive, row: AnyDirectiveRow): PlacedMistake | undefined {
  const { countMin, countMax, label } = row.arguments;
  if (args.length >= countMin && args.length <= countMax) return undefined;
  const given = args.length === 0 ? "none is" : args.length === 1 ? "1 is" : `${args.length} are`;
  return {
    place: args[countMax] ?? name,
    nginx: `invalid number of arguments in "${name.value}" directive`,
    message: `"${name.value}" takes ${counted(countMin, countMax)}${label === "" ? "" : ` (${label})`}, ${given} given`,
    hint: `for example: ${row.example}`,
  };
}

function counted(min: number, max: number): string {
  const plural = (count: number): string => `${count} argument${count === 1 ? "" : "s"}`;
  if (max === 0) return "no arguments";
  if (min === max) return plural(min);
  return max === ARGUMENT_COUNT_MAX ? `${plural(min)} or more` : `${min} to ${plural(max)}`;
}

/** An `include` that could not be followed, because it does not name one file or pattern. */
export function includeMistake({ name, block, terminator }: Directive): PlacedMistake {
  const nginx = block === undefined
    ? 'invalid number of arguments in "include" directive'
    : 'directive "include" is not terminated by ";"';
  const hint = "it takes one file or pattern: include conf.d/*.conf;";
  return { place: name, nginx, hint, nginxLine: terminator.line };
}

/** An entry of `map`, `types` and the like. */
export function checkEntry(
  entry: Directive,
  check: (words: readonly string[]) => Result<unknown, ArgumentRefusal>,
): PlacedMistake | undefined {
  const { name, args, terminator, block, isDamaged } = entry;
  if (isDamaged) return undefined;
  if (block !== undefined) {
    const hint = "an entry ends with ;, and has no block";
    return { place: terminator, nginx: 'unexpected "{"', hint };
  }
  const value = check([name.value, ...args.map(({ value: word }) => word)]);
  if (value.ok) return undefined;
  const { index, nginx, expected, words } = value.error;
  const token = index === 0 ? name : (args[index - 1] ?? name);
  const message = expected === undefined ? nginx : `"${token.value}" is not ${expected}`;
  const meant = words && closest(token.value, words);
  const hint = meant && `did you mean ${meant}?`;
  return { place: token, nginx, message, hint, nginxLine: terminator.line };
}

/** The word that was meant, or an example. */
export function hintFor(given: string, words: readonly string[] | undefined, row: AnyDirectiveRow): string {
  const meant = words && closest(given, words);
  return meant === undefined ? `for example: ${row.example}` : `did you mean ${meant}?`;
}
