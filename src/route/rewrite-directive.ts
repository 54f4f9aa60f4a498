/** What the directives of nginx's rewrite module say: set, if, rewrite, return and break, as data. */
import { type ComplexValue, parseComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { Condition } from "./condition.ts";
import { isAbsoluteText } from "./location-field.ts";
import { type Pattern, readPattern } from "./regex.ts";

export type RewriteDirective =
  | { readonly kind: "set"; readonly variable: string; readonly value: ComplexValue }
  | Rewrite
  | Return
  | { readonly kind: "break" }
  | {
    readonly kind: "if";
    readonly condition: Condition;
    /** Number of the pseudo-location whose settings apply from then on; the last one wins. */
    readonly location: number;
    readonly directives: readonly RewriteDirective[];
  };

export interface Rewrite {
  readonly kind: "rewrite";
  readonly pattern: Pattern;
  /** Before its first "?", and after it, without a "?" at the end. */
  readonly path: ComplexValue;
  readonly args: ComplexValue | undefined;
  /** Do the request's own arguments follow? A "?" at the end says no. */
  readonly keepsArgs: boolean;
  readonly flag: "last" | "break" | "redirect" | "permanent" | undefined;
}

export interface Return {
  readonly kind: "return";
  readonly status: number;
  /** The body, or the Location of a redirect. */
  readonly text: ComplexValue | undefined;
}

/** Largest status that `return` takes. */
const STATUS_MAX = 999;

/** Reads the words behind `rewrite`: expression, replacement, flag. */
export function parseRewrite(words: readonly string[]): Result<Rewrite, string> {
  const [source, replacement, flagWord, ...rest] = words;
  if (source === undefined || replacement === undefined || rest.length > 0) {
    return err("invalid number of arguments in \"rewrite\" directive");
  }
  if (replacement === "") return err("empty replacement");
  const flag = flagOf(flagWord, replacement);
  if (!flag.ok) return flag;
  const pattern = readPattern(source, false);
  if (!pattern.ok) return pattern;
  const keepsArgs = !replacement.endsWith("?");
  const text = keepsArgs ? replacement : replacement.slice(0, -1);
  const question = text.indexOf("?");
  const path = parseComplexValue(question < 0 ? text : text.slice(0, question));
  if (!path.ok) return path;
  const args = question < 0 ? ok(undefined) : parseComplexValue(text.slice(question + 1));
  if (!args.ok) return args;
  return ok({
    kind: "rewrite", pattern: pattern.value, path: path.value, args: args.value, keepsArgs, flag: flag.value,
  });
}

/** A replacement that names another server is a redirect without being told. */
function flagOf(word: string | undefined, replacement: string): Result<Rewrite["flag"], string> {
  switch (word) {
    case "redirect": case "permanent": return ok(word);
    case "last": case "break": return ok(isAbsoluteText(replacement) ? "redirect" : word);
    case undefined: return ok(isAbsoluteText(replacement) ? "redirect" : undefined);
    default: return err(`invalid parameter "${word}"`);
  }
}

/** Reads the words behind `return`: a status, a status and a text or URL, or a URL. */
export function parseReturn(words: readonly string[]): Result<Return, string> {
  const [first = "", second, ...rest] = words;
  if (words.length === 0 || rest.length > 0) return err("invalid number of arguments in \"return\" directive");
  const status = /^\d{1,9}$/.test(first) ? Number(first) : undefined;
  if (status === undefined ? second !== undefined || !isAbsoluteText(first) : status > STATUS_MAX) {
    return err(`invalid return code "${first}"`);
  }
  const textWord = status === undefined ? first : second;
  if (textWord === undefined) return ok({ kind: "return", status: status ?? 302, text: undefined });
  const text = parseComplexValue(textWord);
  if (!text.ok) return text;
  // An empty text is none: an error shows its own page.
  return ok({ kind: "return", status: status ?? 302, text: text.value.length === 0 ? undefined : text.value });
}

/** Every `if` in it, to any depth; their locations' numbers are in use. */
export function conditionalLocations(directives: readonly RewriteDirective[]): readonly number[] {
  return directives.flatMap((directive) =>
    directive.kind === "if" ? [directive.location, ...conditionalLocations(directive.directives)] : []);
}
