/**
 * The texts that a configuration is made of, and places in them.
 *
 * Invariant: a place lies in its source: 0 <= offset <= end <= text.length, and `text[offset]` stands in `line`.
 */

/** One text of the nginx language. */
export interface Source {
  /** The file as it was opened, which is how messages name it; "command line" for `-g`. */
  readonly path: string;
  readonly text: string;
  /** The directives of `-g`: no blocks, and nginx speaks of a "parameter" where it ends. */
  readonly isParameter: boolean;
  /** The `include` that opened it first; undefined for the main file. */
  readonly includedFrom: Place | undefined;
}

/** A stretch of a source. */
export interface Place {
  readonly source: Source;
  /** From 1; lines end at LF. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count; a tab is one. */
  readonly column: number;
  /** From 0, in UTF-16 units. */
  readonly offset: number;
  /** The offset behind the last character. */
  readonly end: number;
}

/** @returns the line of the text in which `place` begins, without its end */
export function lineOf({ source, offset, column }: Place): string {
  const start = offset - (column - 1);
  const end = source.text.indexOf("\n", start);
  return source.text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "");
}
