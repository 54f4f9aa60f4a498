/** Arguments that only the directives of files have; what they refuse, they refuse in nginx's words. */
import { type ArgumentType, time, variableText } from "../../config/nginx/argument-types.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import type { Arguments } from "../../config/nginx/directive-row.ts";
import { ARGUMENT_COUNT_MAX } from "../../config/nginx/directive-row.ts";
import { parseSizeText } from "../../config/nginx/units.ts";
import { err, ok } from "../../std/result.ts";
import type { OpenFileCacheSettings, StaticSettings } from "./settings.ts";

/** Text that may stand in a field of a response. Deviates: nginx would let it end the field. */
export function fieldText(label: string): ArgumentType<string> {
  return {
    label,
    parse: (word) =>
      // oxlint-disable-next-line no-control-regex
      /[\0-\x08\x0a-\x1f\x7f]/.test(word)
        ? err({ nginx: `invalid value "${word}"`, expected: "text without control characters" })
        : ok(word),
  };
}

/** Bytes a second, or bytes: a size, or text with variables that becomes one. */
export function rate(label: string): ArgumentType<ComplexValue> {
  const text = variableText(label);
  return {
    label,
    parse: (word, directive) => {
      const value = text.parse(word, directive);
      if (!value.ok) return value;
      const constant = constantOf(value.value);
      if (constant === undefined || parseSizeText(constant, false) !== undefined) return value;
      return err({ nginx: `"${directive}" directive invalid value`, expected: "a size such as 4096, 64k or 10m" });
    },
  };
}

/** Names of files, which may have variables; none is empty. */
export const indexNames: Arguments<readonly ComplexValue[]> = {
  label: "file ...",
  countMin: 1,
  countMax: ARGUMENT_COUNT_MAX,
  parse: (words, directive) => {
    const names: ComplexValue[] = [];
    for (const [index, word] of words.entries()) {
      if (word === "") {
        // nginx names the first, whichever is empty.
        const nginx = `index "${words[0] ?? ""}" in "${directive}" directive is invalid`;
        return err({ nginx, expected: "the name of a file", index });
      }
      const name = variableText("file").parse(word, directive);
      if (!name.ok) return err({ ...name.error, index });
      names.push(name.value);
    }
    return ok(names);
  },
};

export type OpenFileCacheArgument = Pick<OpenFileCacheSettings, "max" | "inactiveMs">;

/** `off | max=N [inactive=time]`; undefined for off, which wins where both are written. */
export const openFileCache: Arguments<OpenFileCacheArgument | undefined> = {
  label: "off | max=N [inactive=time]",
  countMin: 1,
  countMax: 2,
  parse: (words, directive) => {
    let max: number | undefined = undefined;
    let inactiveMs = 60_000;
    for (const [index, word] of words.entries()) {
      if (word === "off") continue;
      const [, name, value = ""] = /^(max|inactive)=(.*)$/.exec(word) ?? [];
      const number = name === "max" && /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : undefined;
      const inactive = time("seconds").parse(value, directive);
      if (number !== undefined) max = number;
      else if (name === "inactive" && inactive.ok) inactiveMs = inactive.value;
      else {
        const expected = "off, max= and a number, or inactive= and a time";
        return err({ nginx: `invalid "${directive}" parameter "${word}"`, expected, index });
      }
    }
    if (words.includes("off")) return ok(undefined);
    if (max !== undefined) return ok({ max, inactiveMs });
    return err({ nginx: `"${directive}" must have the "max" parameter`, expected: undefined, index: 0 });
  },
};

export type SymlinksArgument = StaticSettings["symlinks"];

const modes: readonly SymlinksArgument["mode"][] = ["off", "on", "if_not_owner"];

/** `off`, or `on | if_not_owner [from=part]` in either order. */
export const symlinks: Arguments<SymlinksArgument> = {
  label: "off | on | if_not_owner [from=part]",
  countMin: 1,
  countMax: 2,
  parse: (words, directive) => {
    let mode: SymlinksArgument["mode"] | undefined = undefined;
    let from: ComplexValue | undefined = undefined;
    for (const [index, word] of words.entries()) {
      const named = modes.find((candidate) => candidate === word);
      const isFrom = word.startsWith("from=");
      if (named === undefined && !isFrom) {
        const expected = "off, on, if_not_owner or from=";
        return err({ nginx: `invalid parameter "${word}"`, expected, index, words: modes });
      }
      if (!isFrom && mode !== undefined) {
        return err({ nginx: `duplicate parameters "${words.join(" ")}"`, expected: undefined, index });
      }
      if (!isFrom) mode = named;
      else {
        const part = variableText("part").parse(word.slice("from=".length), directive);
        if (!part.ok) return err({ ...part.error, index });
        from = part.value;
      }
    }
    if (mode === undefined) {
      const nginx = `"${directive}" must have "off", "on" or "if_not_owner" parameter`;
      return err({ nginx, expected: undefined, index: 0 });
    }
    if (mode !== "off" || from === undefined) return ok({ mode, from: from ?? [] });
    return err({ nginx: '"from=" cannot be used with "off" parameter', expected: undefined, index: 0 });
  },
};
