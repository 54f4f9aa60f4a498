/**
 * `map`: a variable whose value is chosen by another text. Plain keys are compared without case; then, with
 * `hostnames`, the longest leading and the longest trailing wildcard; then regular expressions in the order of the
 * file; then the default.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import { byteText } from "./byte-text.ts";
import { type Text, compileText, isSteadyValue } from "./evaluate.ts";
import { NameTable, type WildcardName, parseWildcardName } from "./name-table.ts";
import { type Pattern, readPattern } from "./regex.ts";
import type { Matcher, VariableDefinition, Variables } from "./variables.ts";

/** What stands before a value; `default`, `hostnames`, `volatile` and `include` are not keys. */
export type MapKey = WildcardName | { readonly kind: "regex"; readonly pattern: Pattern };

export interface MapBlock {
  /** Name of the variable that it makes. */
  readonly variable: string;
  readonly source: ComplexValue;
  readonly hostnames: boolean;
  readonly isVolatile: boolean;
  /** In the order of the file. */
  readonly entries: readonly { readonly key: MapKey; readonly value: ComplexValue }[];
  /** Without one, the empty text. */
  readonly defaultValue: ComplexValue;
}

/**
 * Reads a key.
 * @param text a backslash before it makes a plain key of "default" or "~…"
 */
export function parseMapKey(text: string, hostnames: boolean): Result<MapKey, string> {
  if (text.startsWith("~")) {
    const caseless = text.startsWith("~*");
    const pattern = readPattern(text.slice(caseless ? 2 : 1), caseless);
    return pattern.ok ? ok({ kind: "regex", pattern: pattern.value }) : pattern;
  }
  const plain = text.startsWith("\\") ? text.slice(1) : text;
  if (!hostnames) return ok({ kind: "exact", name: lowerCase(plain) });
  const name = parseWildcardName(plain);
  return name.ok ? name : err(`invalid hostname or wildcard "${plain}"`);
}

/** ASCII only: other bytes are what they are. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Plain keys that stand there twice, in the words of nginx. */
export function checkMap({ entries }: MapBlock): readonly { readonly entry: number; readonly message: string }[] {
  const table = new NameTable<true>();
  return entries.flatMap(({ key }, entry) => {
    const taken = key.kind === "regex" ? [] : table.add(key, true);
    return taken.map(({ name }) => ({ entry, message: `conflicting parameter "${name}"` }));
  });
}

function inBytes(key: WildcardName): WildcardName {
  switch (key.kind) {
    case "exact": return { ...key, name: byteText(key.name) };
    case "leading": return { ...key, suffix: byteText(key.suffix) };
    case "trailing": return { ...key, prefix: byteText(key.prefix) };
  }
}

/** The variable of the block. */
export function compileMap(block: MapBlock, variables: Variables): VariableDefinition {
  const source = compileText(block.source, variables);
  const names = new NameTable<Text>();
  const regexes: { readonly matcher: Matcher; readonly value: Text }[] = [];
  for (const { key, value } of block.entries) {
    const text = compileText(value, variables);
    if (key.kind === "regex") regexes.push({ matcher: variables.matcher(key.pattern), value: text });
    else names.add(inBytes(key), text);
  }
  const defaultValue = compileText(block.defaultValue, variables);
  const values = [block.source, block.defaultValue, ...block.entries.map(({ value }) => value)];
  let isAsked = false;
  return {
    name: block.variable,
    isVolatile: block.isVolatile,
    // Expressions leave groups behind for others; a map that asks for itself is found out when it is evaluated.
    isSteady: () => {
      if (isAsked || block.isVolatile || regexes.length > 0) return false;
      isAsked = true;
      const isSteady = values.every((value) => isSteadyValue(value, variables));
      isAsked = false;
      return isSteady;
    },
    get: (evaluation) => {
      const text = source(evaluation);
      const key = block.hostnames && text.endsWith(".") ? text.slice(0, -1) : text;
      const plain = block.hostnames ? names.find(lowerCase(key)) : names.exact(lowerCase(key));
      if (plain !== undefined) return plain(evaluation);
      const regular = regexes.find(({ matcher }) => matcher.matches(key, evaluation));
      return (regular?.value ?? defaultValue)(evaluation);
    },
  };
}
