/** Texts with variables, compiled: what a directive's value is for one request. */
import { type ComplexValue, constantOf } from "../config/nginx/complex-value.ts";
import { byteText } from "./byte-text.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Variables } from "./variables.ts";

/** The value for one request; what has no value is "". */
export type Text = (evaluation: Evaluation) => string;

/** Compiles a value. Its variables are looked up now, and must be defined before it is asked for. */
export function compileText(value: ComplexValue, variables: Variables): Text {
  const written = constantOf(value);
  if (written !== undefined) {
    const constant = byteText(written);
    return () => constant;
  }
  const parts = compileParts(value, variables);
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return (evaluation) => first(evaluation) ?? "";
  return (evaluation) => {
    let text = "";
    for (const part of parts) text += part(evaluation) ?? "";
    return text;
  };
}

/** Is the value the same for all requests with the same fields on the same connection, in the same location? */
export function isSteadyValue(value: ComplexValue, variables: Variables): boolean {
  return value.every((part) =>
    part.kind === "literal" || (part.kind === "variable" && variables.variable(part.name).isSteady()));
}

/** The parts of a value one by one, undefined where a variable has none: for logs and for escaping. */
export function compileParts(
  value: ComplexValue, variables: Variables,
): readonly ((evaluation: Evaluation) => string | undefined)[] {
  return value.map((part) => {
    switch (part.kind) {
      case "literal": {
        const literal = byteText(part.text);
        return () => literal;
      }
      case "capture": return ({ groups }) => groups[part.index - 1];
      case "variable": {
        const variable = variables.variable(part.name);
        return (evaluation) => evaluation.value(variable);
      }
    }
  });
}
