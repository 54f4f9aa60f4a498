/** A rule that looks for a text at the beginning of another one, or for a match, and puts something in its place. */
import { compileText } from "../../route/index.ts";
import type { Evaluation, Matcher, Text, Variables } from "../../route/index.ts";
import type { Replacement, Searched } from "./settings.ts";

/** What is looked for, compiled. */
export type Search =
  | { readonly kind: "text"; readonly text: Text }
  | { readonly kind: "regex"; readonly matcher: Matcher };

export function compileSearch(searched: Searched, variables: Variables): Search {
  return searched.kind === "text"
    ? { kind: "text", text: compileText(searched.text, variables) }
    : { kind: "regex", matcher: variables.matcher(searched.pattern) };
}

/** Replaces the beginning that a rule names; a match of an expression stands for the whole text. */
export class PrefixReplacer {
  readonly #search: Search;
  readonly #replacement: Text;

  constructor({ searched, replacement }: Replacement, variables: Variables) {
    this.#search = compileSearch(searched, variables);
    this.#replacement = compileText(replacement, variables);
  }

  /** @returns undefined where the rule does not apply */
  replace(text: string, evaluation: Evaluation): string | undefined {
    const search = this.#search;
    if (search.kind === "regex") {
      return search.matcher.matches(text, evaluation) ? this.#replacement(evaluation) : undefined;
    }
    const from = search.text(evaluation);
    return text.startsWith(from) ? this.#replacement(evaluation) + text.slice(from.length) : undefined;
  }
}
