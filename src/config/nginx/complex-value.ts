/**
 * Text with variables in it: `$name`, `${name}`, and `$1` to `$9` for what an expression has captured.
 *
 * Which variables exist is not this file's question: variablesOf() lists the names for whoever knows.
 */
import { err, ok, type Result } from "../../std/result.ts";

export type ValuePart =
  | { readonly kind: "literal"; readonly text: string }
  /** The name in lower case: `$Host` and `$host` are one variable. */
  | { readonly kind: "variable"; readonly name: string }
  /** From 1 to 9: `$10` is `$1` and a zero. */
  | { readonly kind: "capture"; readonly index: number };

/** Neighbouring literals are joined, none is empty; the empty text has no parts. */
export type ComplexValue = readonly ValuePart[];

/** The parts of `text`, or nginx's words for what is wrong. */
export function parseComplexValue(text: string): Result<ComplexValue, string> {
  const parts: ValuePart[] = [];
  let literalStart = 0;
  for (let at = text.indexOf("$"); at !== -1; at = text.indexOf("$", literalStart)) {
    variablePattern.lastIndex = at;
    const [whole, capture, bracketed, bracket, name] = variablePattern.exec(text) ?? [];
    // nginx misses the name first where the text ends behind the opening bracket.
    const isCut = whole === "${" && at + whole.length === text.length;
    if (whole === undefined || isCut) return err("invalid variable name");
    if (bracket === "") return err(`the closing bracket in "${bracketed}" variable is missing`);
    if (bracketed === "") return err("invalid variable name");
    if (at > literalStart) parts.push({ kind: "literal", text: text.slice(literalStart, at) });
    if (capture !== undefined) parts.push({ kind: "capture", index: Number(capture) });
    else parts.push({ kind: "variable", name: (bracketed ?? name ?? "").toLowerCase() });
    literalStart = at + whole.length;
  }
  if (literalStart < text.length) parts.push({ kind: "literal", text: text.slice(literalStart) });
  return ok(parts);
}

/** A capture, a name in brackets with the closing one if it is there, or a bare name. */
const variablePattern = /\$(?:([1-9])|\{(\w*)(\}?)|(\w+))/y;

/** @returns the text of a value without variables and captures, undefined for any other */
export function constantOf(value: ComplexValue): string | undefined {
  const [first, second] = value;
  if (first === undefined) return "";
  return first.kind === "literal" && second === undefined ? first.text : undefined;
}

/** @returns the names of all variables in it, in order, those that occur twice twice */
export function variablesOf(value: ComplexValue): readonly string[] {
  return value.flatMap((part) => (part.kind === "variable" ? [part.name] : []));
}
