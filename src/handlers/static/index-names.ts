/** The names of `index`, which may have variables, for one request. */
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import { type Evaluation, type Variables, compileText } from "../../route/index.ts";

/** Compiles StaticSettings.variableIndex to what StaticRequest.index wants. Names that are empty are left out. */
export function compileIndex(
  index: readonly ComplexValue[], variables: Variables,
): (evaluation: Evaluation) => readonly string[] {
  const names = index.map((name) => compileText(name, variables));
  return (evaluation) => names.map((name) => name(evaluation)).filter((name) => name !== "");
}
