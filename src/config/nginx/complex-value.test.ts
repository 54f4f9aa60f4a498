import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { constantOf, parseComplexValue, type ValuePart, variablesOf } from "./complex-value.ts";

/** Literals as they are, variables and captures in angle brackets. */
function shown(text: string): string | readonly string[] {
  const value = parseComplexValue(text);
  if (!value.ok) return value.error;
  return value.value.map((part) => {
    if (part.kind === "literal") return part.text;
    return part.kind === "variable" ? `<${part.name}>` : `<${part.index}>`;
  });
}

describe("text with variables", () => {
  test("is literals, variables and captures in their order", () => {
    const cases: Readonly<Record<string, readonly string[]>> = {
      "": [],
      "plain": ["plain"],
      "$host": ["<host>"],
      "$Host": ["<host>"],
      "a$b-c": ["a", "<b>", "-c"],
      "${a}b${c}": ["<a>", "b", "<c>"],
      "$a$b": ["<a>", "<b>"],
      "$1$2": ["<1>", "<2>"],
      "$10": ["<1>", "0"],
      "$0": ["<0>"],
      "${1}": ["<1>"],
      "$a}{": ["<a>", "}{"],
      "$http_x_ü": ["<http_x_>", "ü"],
    };
    for (const [text, parts] of Object.entries(cases)) assert.deepEqual(shown(text), parts, text);
  });

  test("is refused in nginx's words", () => {
    const cases: Readonly<Record<string, string>> = {
      "$": "invalid variable name",
      "5$": "invalid variable name",
      "$-": "invalid variable name",
      "$$a": "invalid variable name",
      "${": "invalid variable name",
      "${}": "invalid variable name",
      "${a": 'the closing bracket in "a" variable is missing',
      "${a-b}": 'the closing bracket in "a" variable is missing',
      "${-}": 'the closing bracket in "" variable is missing',
      "$é": "invalid variable name",
    };
    for (const [text, error] of Object.entries(cases)) assert.equal(shown(text), error, text);
  });

  test("loses nothing: its parts are the text again", () => {
    const pieces = fc.array(fc.constantFrom("a", "$", "{", "}", "1", "0", "_", "-", "$a", "${b}", "é"));
    fc.assert(fc.property(pieces, (parts) => {
      const text = parts.join("");
      const value = parseComplexValue(text);
      if (!value.ok) return;
      const join = (part: ValuePart): string =>
        part.kind === "literal" ? part.text : part.kind === "variable" ? `$${part.name}` : `$${part.index}`;
      assert.equal(value.value.map(join).join(""), text.replaceAll(/\$\{(\w+)\}/g, "$$$1"));
    }));
  });
});

test("a value without variables is a constant, and the names of variables are listed", () => {
  const value = (text: string): readonly ValuePart[] => {
    const result = parseComplexValue(text);
    assert.ok(result.ok);
    return result.value;
  };
  assert.deepEqual(["", "a", "$a", "a$1"].map((text) => constantOf(value(text))), ["", "a", undefined, undefined]);
  assert.deepEqual(variablesOf(value("$a-${b}$1$a")), ["a", "b", "a"]);
});
