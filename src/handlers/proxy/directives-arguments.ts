/** Arguments that only the directives of proxying have; what they refuse, they refuse in nginx's words. */
import { type ArgumentType, type Refusal, choice, variableText } from "../../config/nginx/argument-types.ts";
import { isIpAddress } from "../../config/nginx/address.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import { ARGUMENT_COUNT_MAX, type ArgumentRefusal, type Arguments } from "../../config/nginx/directive-row.ts";
import { isFieldName } from "../../http/characters.ts";
import { readPattern } from "../../route/index.ts";
import { type Result, err, ok } from "../../std/result.ts";
import type { NextUpstream } from "../../upstream/index.ts";
import type { Replacement, Searched } from "./settings.ts";

/** nginx reads at most 8 words, NGX_CONF_MAX_ARGS, the name among them, where it counts them. */
const FLAGS_MAX = 3;

/** What is to be found, and what takes its place; or one of the words that stand alone. */
export type ReplacementArgument = Replacement | "off" | "default";

/** How the first of two words is read. */
export type SearchedReader = (word: string) => Result<Searched, string>;

/**
 * `off`, or `default`, or what is replaced and by what.
 * @param alone the words that stand alone
 */
export function replacement(
  { label, alone, searched }: {
    readonly label: string;
    readonly alone: readonly ("off" | "default")[];
    readonly searched: SearchedReader;
  },
): Arguments<ReplacementArgument> {
  return {
    label: `${alone.join(" | ")} | ${label}`,
    countMin: 1,
    countMax: 2,
    parse: ([first = "", second], directive): Result<ReplacementArgument, ArgumentRefusal> => {
      if (second === undefined) {
        const word = alone.find((candidate) => candidate === first);
        if (word !== undefined) return ok(word);
        const expected = `${alone.join(", ")}, or followed by what takes its place`;
        return err({ nginx: `invalid parameter "${first}"`, expected, index: 0, words: alone });
      }
      const found = searched(first);
      if (!found.ok) return err({ nginx: found.error, expected: undefined, index: 0 });
      const value = variableText("replacement").parse(second, directive);
      if (!value.ok) return err({ ...value.error, index: 1 });
      return ok({ searched: found.value, replacement: value.value });
    },
  };
}

/** A text with variables, or behind `~` an expression, and behind `~*` one without regard to case. */
export const textOrRegex: SearchedReader = (word) => {
  if (!word.startsWith("~")) return searchedText(word);
  const caseless = word.startsWith("~*");
  return searchedRegex(word.slice(caseless ? 2 : 1), caseless);
};

/** A domain: its dot in front does not count, and expressions have no regard to case. */
export const domainOrRegex: SearchedReader = (word) =>
  word.startsWith("~") ? searchedRegex(word.slice(1), true) : searchedText(word.replace(/^\./, ""));

function searchedText(word: string): Result<Searched, string> {
  const text = variableText("string").parse(word, "");
  return text.ok ? ok({ kind: "text", text: text.value }) : err(text.error.nginx);
}

function searchedRegex(source: string, caseless: boolean): Result<Searched, string> {
  const pattern = readPattern(source, caseless);
  return pattern.ok ? ok({ kind: "regex", pattern: pattern.value }) : pattern;
}

export type CookieFlagsArgument =
  | "off"
  | { readonly cookie: Searched; readonly flags: readonly ComplexValue[] };

const cookieFlags: readonly string[] = [
  "secure", "nosecure", "httponly", "nohttponly", "samesite", "samesite=lax", "samesite=strict", "samesite=none",
  "nosamesite",
];

/** `off`, or a cookie and its flags. Deviates: nginx takes any word, and passes over those it does not know. */
export const cookieFlagsArguments: Arguments<CookieFlagsArgument> = {
  label: "off | cookie [flag ...]",
  countMin: 1,
  countMax: FLAGS_MAX + 1,
  parse: ([first = "", ...words], directive): Result<CookieFlagsArgument, ArgumentRefusal> => {
    if (words.length === 0) {
      if (first === "off") return ok("off");
      return err({ nginx: `invalid parameter "${first}"`, expected: "off, or followed by a flag", index: 0 });
    }
    const cookie = first.startsWith("~") ? searchedRegex(first.slice(1), true) : searchedText(first);
    if (!cookie.ok) return err({ nginx: cookie.error, expected: undefined, index: 0 });
    const flags: ComplexValue[] = [];
    for (const [at, word] of words.entries()) {
      const flag = variableText("flag").parse(word, directive);
      if (!flag.ok) return err({ ...flag.error, index: at + 1 });
      const constant = constantOf(flag.value);
      if (constant !== undefined && !cookieFlags.includes(constant.toLowerCase())) {
        const expected = `one of ${cookieFlags.join(", ")}`;
        return err({ nginx: `invalid parameter "${word}"`, expected, index: at + 1, words: cookieFlags });
      }
      flags.push(flag.value);
    }
    return ok({ cookie: cookie.value, flags });
  },
};

/** The name of a field that is sent. Deviates: nginx sends any text in its place. */
export function fieldName(): ArgumentType<string> {
  return {
    label: "field",
    parse: (word): Result<string, Refusal> => isFieldName(word)
      ? ok(word)
      : err({ nginx: `invalid field name "${word}"`, expected: "a field's name of letters, digits and -" }),
  };
}

/** `address [transparent] | off`. */
export interface BindArgument {
  /** Empty for "off". */
  readonly address: ComplexValue;
  readonly transparent: boolean;
}

export const bindArguments: Arguments<BindArgument> = {
  label: "address [transparent] | off",
  countMin: 1,
  countMax: 2,
  parse: ([first = "", second], directive): Result<BindArgument, ArgumentRefusal> => {
    if (first === "off" && second === undefined) return ok({ address: [], transparent: false });
    const address = variableText("address").parse(first, directive);
    if (!address.ok) return err({ ...address.error, index: 0 });
    const constant = constantOf(address.value);
    if (constant !== undefined && !isIpAddress(constant)) {
      return err({ nginx: `invalid address "${first}"`, expected: "an IP address, perhaps with a port", index: 0 });
    }
    if (second === undefined || second === "transparent") {
      return ok({ address: address.value, transparent: second !== undefined });
    }
    return err({ nginx: `invalid parameter "${second}"`, expected: "transparent", index: 1, words: ["transparent"] });
  },
};

/** What nginx takes, too: of filters that it has for upstreams, and of caches. Neither ever comes to pass here. */
const neverHappening: readonly string[] = ["denied", "updating"];

/** When another server is asked; `off`: never, whatever stands beside it, as in nginx. */
export function nextUpstreamArguments(known: readonly NextUpstream[]): Arguments<readonly NextUpstream[]> {
  const type = choice([...known, ...neverHappening, "off"]);
  return {
    label: `${type.label} ...`,
    countMin: 1,
    countMax: ARGUMENT_COUNT_MAX,
    parse: (words, directive) => {
      const found = new Set<NextUpstream>();
      for (const [index, word] of words.entries()) {
        const value = type.parse(word, directive);
        if (!value.ok) return err({ ...value.error, index, ...(type.words && { words: type.words }) });
        const condition = known.find((name) => name === value.value);
        if (condition !== undefined) found.add(condition);
      }
      return ok(words.some((word) => word.toLowerCase() === "off") ? [] : [...found]);
    },
  };
}

const accesses: Readonly<Record<string, number>> = { rw: 6, r: 4 };
const accessShifts: Readonly<Record<string, readonly number[]>> = { user: [6], group: [3], all: [0] };

/** `users:permissions ...`: the mode of a file, which its owner may always read and write. */
export const storeAccess: Arguments<number> = {
  label: "users:permissions ...",
  countMin: 1,
  countMax: 3,
  parse: (words) => {
    let mode = 0o600;
    for (const [index, word] of words.entries()) {
      const [, who = "", what = ""] = /^(user|group|all):(rw|r)$/.exec(word) ?? [];
      const [shift] = accessShifts[who] ?? [];
      if (shift === undefined) {
        const expected = "user:, group: or all: and r or rw";
        return err({ nginx: `invalid value "${word}"`, expected, index });
      }
      mode |= (accesses[what] ?? 0) << shift;
    }
    return ok(mode);
  },
};
