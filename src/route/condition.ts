/** The condition of an `if`, as words and as a question to a request. */
import { type ComplexValue, parseComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { Evaluation } from "./evaluation.ts";
import type { FileFinder, FileKind } from "./files.ts";
import { compileQuotable } from "./quotable-text.ts";
import { type Pattern, readPattern } from "./regex.ts";
import type { Variables } from "./variables.ts";

export type Condition =
  /** True unless it is "", "0" or has no value. */
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "equal"; readonly name: string; readonly value: ComplexValue; readonly negative: boolean }
  | { readonly kind: "match"; readonly name: string; readonly pattern: Pattern; readonly negative: boolean }
  | { readonly kind: "file"; readonly test: FileTest; readonly path: ComplexValue; readonly negative: boolean };

/** -f, -d, -e and -x */
export type FileTest = "file" | "directory" | "exists" | "executable";

const fileTests: Readonly<Record<string, FileTest>> = { f: "file", d: "directory", e: "exists", x: "executable" };

/**
 * Reads the words between `if` and its brace, with the parentheses.
 * @returns nginx's words for what is wrong
 */
export function parseCondition(words: readonly string[]): Result<Condition, string> {
  const inner = withoutParentheses(words);
  if (inner === undefined) {
    // nginx names the first word behind the parenthesis.
    const first = (words[0] ?? "").replace("(", "");
    return err(`invalid condition "${first === "" ? (words[1] ?? "") : first}"`);
  }
  const [first = "", operator, value, ...rest] = inner;
  if (rest.length > 0) return err(`invalid condition "${first}"`);
  if (first.startsWith("$") && first.length > 1) return variableCondition(first, operator, value);
  const test = /^(!?)-([fdex])$/.exec(first);
  if (test === null || operator === undefined || value !== undefined) return err(`invalid condition "${first}"`);
  const path = parseComplexValue(operator);
  if (!path.ok) return path;
  return ok({ kind: "file", test: fileTests[test[2] ?? ""] ?? "exists", path: path.value, negative: test[1] === "!" });
}

/** The parentheses may stand by themselves or touch the first and last word. */
function withoutParentheses(words: readonly string[]): readonly string[] | undefined {
  const first = words[0];
  const last = words.at(-1);
  if (first?.startsWith("(") !== true || last?.endsWith(")") !== true) return undefined;
  const inner = [...words];
  inner[0] = first.slice(1);
  inner[inner.length - 1] = (inner.at(-1) ?? "").slice(0, -1);
  const kept = inner.filter((word, index) => word !== "" || (index > 0 && index < inner.length - 1));
  return kept.length === 0 ? undefined : kept;
}

function variableCondition(
  variable: string, operator: string | undefined, value: string | undefined,
): Result<Condition, string> {
  const parsed = parseComplexValue(variable);
  if (!parsed.ok) return parsed;
  const [part, more] = parsed.value;
  if (part?.kind !== "variable" || more !== undefined) return err(`invalid condition "${variable}"`);
  const { name } = part;
  if (operator === undefined) return ok({ kind: "variable", name });
  if (!/^!?(?:=|~\*?)$/.test(operator)) return err(`unexpected "${operator}" in condition`);
  if (value === undefined) return err(`invalid condition "${variable}"`);
  const negative = operator.startsWith("!");
  if (operator.endsWith("=")) {
    const expected = parseComplexValue(value);
    return expected.ok ? ok({ kind: "equal", name, value: expected.value, negative }) : expected;
  }
  const pattern = readPattern(value, operator.endsWith("*"));
  return pattern.ok ? ok({ kind: "match", name, pattern: pattern.value, negative }) : pattern;
}

/** What a condition needs besides the request. */
export interface ConditionContext {
  readonly files: FileFinder;
  /** Are groups in values escaped? (quotable-text.ts) */
  readonly quotes: boolean;
}

export type CompiledCondition = (evaluation: Evaluation, context: ConditionContext) => boolean | Promise<boolean>;

export function compileCondition(condition: Condition, variables: Variables): CompiledCondition {
  if (condition.kind === "file") return compileFileTest(condition, variables);
  const variable = variables.variable(condition.name);
  switch (condition.kind) {
    case "variable":
      return (evaluation) => {
        const value = evaluation.value(variable) ?? "";
        return value !== "" && value !== "0";
      };
    case "equal": {
      const expected = compileQuotable(condition.value, variables);
      return (evaluation, { quotes }) => {
        const isEqual = (evaluation.value(variable) ?? "") === expected(evaluation, quotes);
        return isEqual !== condition.negative;
      };
    }
    case "match": {
      const matcher = variables.matcher(condition.pattern);
      return (evaluation) =>
        matcher.matchesOrEmpties(evaluation.value(variable) ?? "", evaluation) !== condition.negative;
    }
  }
}

function compileFileTest(
  { test, path, negative }: Extract<Condition, { kind: "file" }>, variables: Variables,
): CompiledCondition {
  const text = compileQuotable(path, variables);
  return (evaluation, { files, quotes }) => {
    const kind = files(text(evaluation, quotes));
    if (typeof kind === "object") return kind.then((known) => passes(known, test) !== negative);
    return passes(kind, test) !== negative;
  };
}

function passes(kind: FileKind, test: FileTest): boolean {
  switch (test) {
    case "exists": return kind !== "none";
    case "file": return kind === "file" || kind === "executable";
    case "directory": return kind === "directory";
    // A directory can hardly be without the bit, and be of use.
    case "executable": return kind === "executable" || kind === "directory";
  }
}
