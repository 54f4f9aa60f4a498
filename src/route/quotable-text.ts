/**
 * Values within a script of rewrite directives. Their groups are the only ones that nginx escapes: in the arguments of
 * a rewrite and in redirects, and in the values of `set` and `if` as long as no `rewrite` of the same script has
 * matched.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { type Text, compileText } from "./evaluate.ts";
import type { Evaluation } from "./evaluation.ts";
import { escapeUri } from "./uri.ts";
import type { Variables } from "./variables.ts";

/** @param quotes are groups escaped, if the target had escapes? */
export type QuotableText = (evaluation: Evaluation, quotes: boolean) => string;

export function compileQuotable(value: ComplexValue, variables: Variables): QuotableText {
  if (!value.some(({ kind }) => kind === "capture")) return compileText(value, variables);
  const parts = value.map((part): { readonly text: Text; readonly isGroup: boolean } => ({
    text: compileText([part], variables),
    isGroup: part.kind === "capture",
  }));
  return (evaluation, quotes) => {
    const escapes = quotes && evaluation.quoted;
    let text = "";
    for (const part of parts) {
      const value = part.text(evaluation);
      text += escapes && part.isGroup ? escapeUri(value, "args") : value;
    }
    return text;
  };
}
