/**
 * From what was typed to checked values: sources merged by strength, every text parsed once, all problems collected.
 */
import { closest } from "../std/similar.ts";
import { type ForeignOption, readCommandLine } from "./command-line.ts";
import type { AnyRow, World } from "./directive.ts";
import { type Diagnostic, error } from "./diagnostic.ts";
import { readEnvironment } from "./environment.ts";
import { type Given, OptionValues } from "./option-values.ts";

export interface Checked {
  /** Complete; to be read only if there is no error among the diagnostics. */
  readonly values: OptionValues;
  readonly diagnostics: readonly Diagnostic[];
}

export interface CheckInput {
  readonly argv: readonly string[];
  readonly rows: readonly AnyRow[];
  readonly foreign: readonly ForeignOption[];
  /** The row that the one word without dashes is for. */
  readonly positional: AnyRow;
  readonly world: World;
}

/** Command line over TRICORN_* over the platforms' variables over defaults. */
export function checkOptions({ argv, rows, foreign, positional, world }: CheckInput): Checked {
  const line = readCommandLine(argv, rows, foreign);
  const environment = readEnvironment(world.environment, rows);
  const diagnostics: Diagnostic[] = [...line.diagnostics];
  const given = new Map<string, Given>([...environment.given, ...line.given]);
  const [word, stranger] = line.positionals;
  if (word !== undefined) {
    given.set(positional.name, { texts: [word], source: "command line", spelling: positional.name.toUpperCase() });
  }
  if (stranger !== undefined) {
    diagnostics.push(error(`unexpected "${stranger}": the application is "${word}" already`, "one application a run"));
  }
  for (const row of rows) {
    const entry = given.get(row.name);
    for (const text of entry?.texts ?? []) {
      const problem = entry && problemOf(row, entry, text);
      if (problem) diagnostics.push(problem);
    }
  }
  return { values: new OptionValues(given), diagnostics: [...diagnostics, ...environment.diagnostics] };
}

function problemOf(row: AnyRow, entry: Given, text: string): Diagnostic | undefined {
  const value = row.argument.parse(text);
  if (value.ok) return undefined;
  const name = entry.source === "command line" ? entry.spelling : `${entry.spelling} (environment)`;
  const meant = row.argument.words && closest(text, row.argument.words);
  const hint = meant === undefined ? `for example: ${row.example}` : `did you mean ${meant}?`;
  return error(`${name}: "${text}" is not ${value.error}`, hint);
}
