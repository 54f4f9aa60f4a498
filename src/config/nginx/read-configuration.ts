/**
 * The whole way from a main file to checked directives: what `-t` asks for. Nothing throws on what operators write.
 */
import { checkTree, type CheckedTree } from "./check-tree.ts";
import type { AnyDirectiveRow } from "./directive-row.ts";
import type { LanguageDiagnostic } from "./language-diagnostic.ts";
import { readTree, type TreeInput } from "./read-tree.ts";
import type { Source } from "./source.ts";

export interface ReadConfiguration extends CheckedTree {
  /** For `-T`: every file once. */
  readonly sources: readonly Source[];
}

/** The mistakes are in the order in which somebody reads the files. */
export function readConfiguration(input: TreeInput, rows: readonly AnyDirectiveRow[]): ReadConfiguration {
  const { directives, sources, mistakes } = readTree(input);
  const checked = checkTree(directives, rows);
  const order = new Map(sources.map((source, index) => [source, index]));
  const all = [...mistakes, ...checked.mistakes].sort((a, b) => compare(a, b, order));
  return { ...checked, sources, mistakes: all };
}

/** What has no place comes first, then `-g`, which is no file, then the files as they were opened. */
function compare(a: LanguageDiagnostic, b: LanguageDiagnostic, order: ReadonlyMap<Source, number>): number {
  const rank = ({ place }: LanguageDiagnostic): number => (place === undefined ? -2 : (order.get(place.source) ?? -1));
  return rank(a) - rank(b) || (a.place?.offset ?? 0) - (b.place?.offset ?? 0);
}
