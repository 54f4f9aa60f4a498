/**
 * What was given for each row, still as text, with where it came from. Reading a row parses its text (or its default).
 *
 * Invariant: check.ts has parsed every given text once before anybody reads, so reading cannot fail.
 */
import { assert } from "../std/assert.ts";
import type { AnyRow, DefaultedRow, OptionRow } from "./directive.ts";

/** Rising in strength: a stronger source hides a weaker one. */
export type Source = "default" | "platform" | "environment" | "command line";

export interface Given {
  readonly texts: readonly string[];
  readonly source: Source;
  /** As spelled by the operator, for messages: `--keepalive-timeout`, `TRICORN_BIND`. */
  readonly spelling: string;
}

export class OptionValues {
  readonly #given: ReadonlyMap<string, Given>;

  constructor(given: ReadonlyMap<string, Given>) {
    this.#given = given;
  }

  /** What was given for `row`, or undefined when its default is in force. */
  given(row: AnyRow): Given | undefined {
    return this.#given.get(row.name);
  }

  source(row: AnyRow): Source {
    return this.#given.get(row.name)?.source ?? "default";
  }

  /** The value of a row that has a default. */
  one<T>(row: DefaultedRow<T>): T {
    return read(row, this.#given.get(row.name)?.texts[0] ?? row.default);
  }

  /** The value of a row without a default, or undefined when it was not given. */
  optional<T>(row: OptionRow<T>): T | undefined {
    const text = this.#given.get(row.name)?.texts[0];
    return text === undefined ? undefined : read(row, text);
  }

  /** All values of a row that may be repeated, in the order given; its default when there are none. */
  all<T>(row: OptionRow<T>): readonly T[] {
    const texts = this.#given.get(row.name)?.texts ?? splitTexts(row, row.default ?? "");
    return texts.map((text) => read(row, text));
  }
}

function read<T>(row: OptionRow<T>, text: string): T {
  const value = row.argument.parse(text);
  assert(value.ok, `--${row.name} was checked before it was read`);
  return value.value;
}

/** The single values in one text of a repeatable row: an environment variable, a default, "a,b". */
export function splitTexts(row: AnyRow, text: string): readonly string[] {
  if (row.separator === undefined) return [text];
  return text
    .split(row.separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
