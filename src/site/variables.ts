/**
 * The blocks that make variables, and the question whether every variable that is referred to exists.
 */
import { validReferersRow } from "../access/directives.ts";
import type { Block, CheckedDirective } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import { parseComplexValue, variablesOf } from "../config/nginx/complex-value.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { Site } from "../edge/model.ts";
import { passPatterns } from "../handlers/directives.ts";
import {
  type EntryMistake, geoRow, ifInLocationRow, ifRow, locationRow, mapRow, readGeo, readMap, readSplitClients,
  rewriteRow, serverNameRow, setRow, splitClientsRow,
} from "../route/directives.ts";
import {
  Variables, builtinPrefixes, builtinVariables, compileGeo, compileMap, compileSplitClients, patternWarnings,
} from "../route/index.ts";
import type { Pattern, VariableDefinition } from "../route/index.ts";

export interface VariableBlocks extends Pick<Site, "maps" | "geos" | "splitClients"> {
  readonly mistakes: readonly PlacedMistake[];
}

/** The map, geo and split_clients blocks of `http { }`, and what is wrong with variables anywhere in it. */
export function variableBlocks(http: Block): VariableBlocks {
  const mistakes: PlacedMistake[] = [];
  const variables = new Variables(builtinVariables, builtinPrefixes);
  const maps: Site["maps"][number][] = [];
  const geos: Site["geos"][number][] = [];
  const splitClients: Site["splitClients"][number][] = [];
  const define = (at: CheckedDirective, definition: VariableDefinition, wrong: readonly EntryMistake[]): void => {
    const defined = variables.define(definition);
    if (!defined.ok) mistakes.push({ place: at.directive.args.at(-1) ?? at.directive.name, nginx: defined.error });
    for (const { entry, ...mistake } of wrong) mistakes.push({ place: entry.name, ...mistake });
  };
  for (const at of http.directives) {
    const { row, directive, entries = [] } = at;
    if (row === mapRow) {
      const { block, mistakes: wrong } = readMap(read(mapRow, directive), entries);
      maps.push(block);
      define(at, compileMap(block, variables), wrong);
    } else if (row === geoRow) {
      const { block, mistakes: wrong } = readGeo(read(geoRow, directive), entries);
      geos.push(block);
      define(at, compileGeo(block, variables), wrong);
    } else if (row === splitClientsRow) {
      const { block, mistakes: wrong } = readSplitClients(read(splitClientsRow, directive), entries);
      splitClients.push(block);
      define(at, compileSplitClients(block, variables), wrong);
    }
  }
  declareAll(http, variables, mistakes);
  checkReferences(http, variables, mistakes);
  return { maps, geos, splitClients, mistakes };
}

/** What `set` and named groups make; and what there is to know about expressions. */
function declareAll(block: Block, variables: Variables, mistakes: PlacedMistake[]): void {
  for (const at of block.directives) {
    const { row, directive, block: inner } = at;
    const [first] = directive.args;
    if (row === setRow) {
      const declared = variables.declare(read(setRow, directive)[0]);
      if (!declared.ok) mistakes.push({ place: first ?? directive.name, nginx: declared.error });
    }
    for (const pattern of patternsOf(at)) {
      for (const nginx of variables.conflicts(pattern)) mistakes.push({ place: first ?? directive.name, nginx });
      const place = directive.args.find(({ value }) => value.includes(pattern.source)) ?? directive.name;
      for (const nginx of patternWarnings(pattern)) mistakes.push({ severity: "warning", place, nginx });
    }
    if (inner !== undefined) declareAll(inner, variables, mistakes);
  }
}

function patternsOf(at: CheckedDirective): readonly Pattern[] {
  const { row, directive } = at;
  const passed = passPatterns(at);
  if (passed.length > 0) return passed;
  // Most locations and names are plain texts.
  if (row !== rewriteRow && !directive.args.some(({ value }) => /^!?~/.test(value))) return [];
  switch (row) {
    case locationRow: {
      const match = read(locationRow, directive);
      return match.kind === "regex" ? [match.pattern] : [];
    }
    case serverNameRow:
      return read(serverNameRow, directive).flatMap((name) => (name.kind === "regex" ? [name.pattern] : []));
    case validReferersRow: return read(validReferersRow, directive).patterns;
    case rewriteRow: return [read(rewriteRow, directive).pattern];
    case ifRow: case ifInLocationRow: {
      const condition = read(ifRow, directive);
      return condition.kind === "match" ? [condition.pattern] : [];
    }
    default: return [];
  }
}

/** nginx: `unknown "name" variable`. */
function checkReferences(block: Block, variables: Variables, mistakes: PlacedMistake[]): void {
  for (const { row, directive, block: inner, entries } of block.directives) {
    const words = [...directive.args, ...(entries ?? []).flatMap(({ name, args }) => [name, ...args])];
    if (words.some(({ value }) => value.includes("$"))) {
      const found = new Set<string>();
      const value = row.arguments.parse(directive.args.map((arg) => arg.value), row.name);
      if (value.ok) gatherNames(value.value, found);
      for (const { args } of entries ?? []) {
        if (row === mapRow) for (const arg of args) gatherText(arg.value, found);
      }
      for (const name of found) {
        if (variables.knows(name)) continue;
        const place = words.find((word) => word.value.toLowerCase().includes(name)) ?? directive.name;
        mistakes.push({ place, nginx: `unknown "${name}" variable` });
      }
    }
    if (inner !== undefined) checkReferences(inner, variables, mistakes);
  }
}

/** Names in what a row made of its words: texts with variables, and conditions. */
function gatherNames(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) gatherNames(item, found);
  } else if (typeof value === "object" && value !== null) {
    const kind: unknown = Reflect.get(value, "kind");
    const name: unknown = Reflect.get(value, "name");
    const isReference = kind === "variable" || kind === "equal" || kind === "match";
    if (isReference && typeof name === "string") found.add(name);
    for (const item of Object.values(value)) gatherNames(item, found);
  }
}

function gatherText(text: string, found: Set<string>): void {
  if (!text.includes("$")) return;
  const value = parseComplexValue(text);
  if (value.ok) for (const name of variablesOf(value.value)) found.add(name);
}
