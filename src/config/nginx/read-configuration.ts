/**
 * The whole way from a main file to checked directives: what `-t` asks for. Nothing throws on what operators write.
 */
import { checkTree, type CheckedTree } from "./check-tree.ts";
import type { AnyDirectiveRow } from "./directive-row.ts";
import type { LanguageDiagnostic } from "./language-diagnostic.ts";
import { parse } from "./parse.ts";
import { readTree, type TreeInput } from "./read-tree.ts";
import type { Source } from "./source.ts";
import { type Directive, expand } from "./tree.ts";

export interface ReadConfiguration extends CheckedTree {
  /** For `-T`: every file once. */
  readonly sources: readonly Source[];
}

export interface ConfigurationInput extends TreeInput {
  /** Directives of the main context that hold where no file and no `-g` says another of their name: "daemon on;". */
  readonly defaults?: string;
}

/** The mistakes are in the order in which somebody reads the files. */
export function readConfiguration(input: ConfigurationInput, rows: readonly AnyDirectiveRow[]): ReadConfiguration {
  const { directives, sources, mistakes } = readTree(input);
  const checked = checkTree([...missing(input.defaults ?? "", directives), ...directives], rows);
  const order = new Map(sources.map((source, index) => [source, index]));
  const all = [...mistakes, ...checked.mistakes].sort((a, b) => compare(a, b, order));
  return { ...checked, sources, mistakes: all };
}

function missing(defaults: string, directives: readonly Directive[]): readonly Directive[] {
  const written = new Set(expand(directives).map(({ name }) => name.value));
  const source: Source = { path: "defaults", text: defaults, isParameter: true, includedFrom: undefined };
  return parse(source).directives.filter(({ name }) => !written.has(name.value));
}

/** What has no place comes first, then `-g`, which is no file, then the files as they were opened. */
function compare(a: LanguageDiagnostic, b: LanguageDiagnostic, order: ReadonlyMap<Source, number>): number {
  const rank = ({ place }: LanguageDiagnostic): number => (place === undefined ? -2 : (order.get(place.source) ?? -1));
  return rank(a) - rank(b) || (a.place?.offset ?? 0) - (b.place?.offset ?? 0);
}
