/**
 * A configuration as it was written: directives with their words and blocks, nothing interpreted yet.
 */
import type { Token } from "./lexer.ts";
import type { Source } from "./source.ts";

export interface Directive {
  readonly name: Token;
  readonly args: readonly Token[];
  /** The `;` or `{` behind the words; where one is missing, what stands in its place. nginx's errors name its line. */
  readonly terminator: Token;
  /** Undefined for a directive that ends in `;`. Entries of `map`, `types` and the like are directives, too. */
  readonly block: readonly Directive[] | undefined;
  /** For an `include`: what it brought, one for each file. */
  readonly included: readonly IncludedFile[] | undefined;
  /** A mistake was found in its words already, so that they are not to be judged any further. */
  readonly isDamaged: boolean;
}

export interface IncludedFile {
  readonly source: Source;
  readonly directives: readonly Directive[];
  /** Directives in it, those in its blocks and in the files that it includes counted. */
  readonly directiveCount: number;
}

/** @returns the directives with what their includes brought in place of the includes */
export function expand(directives: readonly Directive[]): readonly Directive[] {
  if (directives.every(({ included }) => included === undefined)) return directives;
  return directives.flatMap((directive) =>
    directive.included === undefined ? [directive] : directive.included.flatMap((file) => expand(file.directives)),
  );
}
