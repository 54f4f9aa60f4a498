/**
 * The kinds of argument that directives are made of. Each reads one word; what it refuses, it refuses in nginx's words.
 */
import { err, ok, type Result } from "../../std/result.ts";
import { type Address, parseAddress } from "./address.ts";
import { type ComplexValue, parseComplexValue } from "./complex-value.ts";
import { parseSizeText, parseTimeText } from "./units.ts";

/** Why a word is refused. */
export interface Refusal {
  /** nginx's words, without the place. */
  readonly nginx: string;
  /** What was expected instead: "a size such as 4096, 64k or 10m"; undefined when nginx's words say it. */
  readonly expected: string | undefined;
}

export interface ArgumentType<T> {
  /** As the reference calls it: "size", "on | off". */
  readonly label: string;
  /** `directive` is the name for nginx's words. */
  readonly parse: (word: string, directive: string) => Result<T, Refusal>;
  /** All words that it accepts, where it accepts only some: for "did you mean". */
  readonly words?: readonly string[];
}

/** Any word. Of what text is good for, its directive knows more. */
export function string(label: string): ArgumentType<string> {
  return { label, parse: ok };
}

/** "on" or "off", in either case. */
export function onOff(): ArgumentType<boolean> {
  const words = ["on", "off"];
  return {
    label: words.join(" | "),
    words,
    parse: (word, directive) => {
      const index = words.indexOf(word.toLowerCase());
      if (index >= 0) return ok(index === 0);
      const nginx = `invalid value "${word}" in "${directive}" directive, it must be "on" or "off"`;
      return err({ nginx, expected: "on or off" });
    },
  };
}

/** One of a few words, in either case. */
export function choice<const Word extends string>(words: readonly Word[]): ArgumentType<Word> {
  return {
    label: words.join(" | "),
    words,
    parse: (word) => {
      const found = words.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
      return found === undefined ? err({ nginx: `invalid value "${word}"`, expected: listed(words) }) : ok(found);
    },
  };
}

/** A whole number between two bounds, both included. */
export function number(bounds: { readonly min: number; readonly max: number }): ArgumentType<number> {
  return {
    label: "number",
    parse: (word, directive) => {
      const expected = `a number from ${bounds.min} to ${bounds.max}`;
      if (!/^\d{1,15}$/.test(word)) return err({ nginx: `"${directive}" directive invalid number`, expected });
      const value = Number(word);
      if (value >= bounds.min && value <= bounds.max) return ok(value);
      return err({ nginx: `value must be between ${bounds.min} and ${bounds.max}`, expected });
    },
  };
}

/** Bytes, up to megabytes: nginx's "size". */
export function size(): ArgumentType<number> {
  return sizeOf("a size such as 4096, 64k or 10m", false);
}

/** Bytes, up to gigabytes: nginx's "offset", which it calls a size, too. */
export function offset(): ArgumentType<number> {
  return sizeOf("a size such as 4096, 64k, 10m or 1g", true);
}

function sizeOf(expected: string, allowsGiga: boolean): ArgumentType<number> {
  return {
    label: "size",
    parse: (word, directive) => {
      const bytes = parseSizeText(word, allowsGiga);
      if (bytes !== undefined) return ok(bytes);
      const giga = allowsGiga ? undefined : parseSizeText(word, true);
      const hint = giga === undefined ? "" : `; ${word} is ${giga / 1024 ** 2}m`;
      return err({ nginx: `"${directive}" directive invalid value`, expected: `${expected}${hint}` });
    },
  };
}

/** Milliseconds, of a time that nginx keeps in milliseconds (most) or in seconds (those in fields and caches). */
export function time(kept: "milliseconds" | "seconds" = "milliseconds"): ArgumentType<number> {
  const smallest = kept === "milliseconds" ? "500ms, " : "";
  return {
    label: "time",
    parse: (word, directive) => {
      const ms = parseTimeText(word, kept);
      if (ms !== undefined) return ok(ms);
      const expected = `a time such as 30, 30s, ${smallest}5m or 1h30m`;
      return err({ nginx: `"${directive}" directive invalid value`, expected });
    },
  };
}

/** Text with variables. */
export function variableText(label: string): ArgumentType<ComplexValue> {
  return {
    label,
    parse: (word) => {
      const value = parseComplexValue(word);
      return value.ok ? value : err({ nginx: value.error, expected: undefined });
    },
  };
}

/** A variable's name, as `set` and `map` take it: with its `$`, which the value is without; lower case. */
export function variableName(): ArgumentType<string> {
  return {
    label: "$variable",
    parse: (word) => {
      const name = /^\$(\w+)$/.exec(word)?.[1];
      if (name !== undefined) return ok(name.toLowerCase());
      return err({ nginx: `invalid variable name "${word}"`, expected: "a variable such as $name" });
    },
  };
}

/** A regular expression, which `compile` (the caller's: there is more than one kind) accepts or says what is wrong. */
export function regex<T>(compile: (pattern: string) => Result<T, string>): ArgumentType<T> {
  return {
    label: "regex",
    parse: (word) => {
      const compiled = compile(word);
      if (compiled.ok) return compiled;
      return err({ nginx: `pcre2_compile() failed: ${compiled.error} in "${word}"`, expected: undefined });
    },
  };
}

export function address(): ArgumentType<Address> {
  return {
    label: "address",
    parse: (word, directive) => {
      const parsed = parseAddress(word);
      if (parsed.ok) return parsed;
      return err({ nginx: `${parsed.error} in "${word}" of the "${directive}" directive`, expected: undefined });
    },
  };
}

/** One type, or else the other: `off | size`. What both refuse is refused in the words of the second. */
export function either<A, B>(first: ArgumentType<A>, second: ArgumentType<B>): ArgumentType<A | B> {
  return {
    label: `${first.label} | ${second.label}`,
    ...(first.words && second.words ? { words: [...first.words, ...second.words] } : {}),
    parse: (word, directive) => {
      const value = first.parse(word, directive);
      return value.ok ? value : orSecond(second.parse(word, directive), value.error);
    },
  };
}

function orSecond<B>(value: Result<B, Refusal>, { expected }: Refusal): Result<B, Refusal> {
  if (value.ok || expected === undefined || value.error.expected === undefined) return value;
  return err({ nginx: value.error.nginx, expected: `${value.error.expected}, or ${expected}` });
}

function listed(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : `one of ${words.join(", ")}`;
}
