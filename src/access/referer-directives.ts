/** `valid_referers`, and the sizes of its hash. */
import { number, string } from "../config/nginx/argument-types.ts";
import { type Block, read } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Context, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import { NameTable, type Pattern, byteText, parseWildcardName, translatePattern } from "../route/index.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { RefererName, RefererSettings } from "./settings.ts";

const refererModule = "ngx_http_referer_module";
const blocks: readonly Context[] = ["server", "location"];

const WITHOUT_NAME =
  'the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer';
const switches: readonly string[] = ["none", "blocked", "server_names"];

export const validReferersRow: DirectiveRow<RefererSettings> = {
  name: "valid_referers",
  contexts: blocks,
  arguments: { ...many(string("none | blocked | server_names | string")), parse: parseReferers },
  mayRepeat: true,
  merge: "nearest",
  module: refererModule,
  doc: "Where requests may come from, for $invalid_referer: none (no Referer), blocked (one without http:// or "
    + "https://), server_names, hosts with * at one end and perhaps a path, ~expressions.",
  example: "valid_referers none blocked server_names *.example.com;",
};

function hashSize(name: string, fallback: string): DirectiveRow<number> {
  return {
    name,
    contexts: blocks,
    arguments: one(number({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    merge: "nearest",
    module: refererModule,
    withoutEffect: "tables of names grow by themselves",
    doc: "nginx: how large its table of valid_referers is.",
    example: `${name} ${fallback};`,
  };
}

export const refererDirectives: readonly AnyDirectiveRow[] = [
  validReferersRow, hashSize("referer_hash_max_size", "2048"), hashSize("referer_hash_bucket_size", "64"),
];

/** What all of a block's directives say together; undefined without any: every request is valid. */
export function refererSettings(block: Block): RefererSettings | undefined {
  const all = block.all(validReferersRow);
  if (all.length === 0) return undefined;
  return {
    none: all.some(({ none }) => none),
    blocked: all.some(({ blocked }) => blocked),
    serverNames: all.some(({ serverNames }) => serverNames),
    names: all.flatMap(({ names }) => names),
    patterns: all.flatMap(({ patterns }) => patterns),
  };
}

/** Blocks that say what nginx refuses: requests without a referer are valid, and none with one. */
export function refererMistakes(http: Block): readonly PlacedMistake[] {
  const mistakes: PlacedMistake[] = [];
  const visit = (block: Block): void => {
    const own = block.own(validReferersRow);
    const said = own.map(({ directive }) => read(validReferersRow, directive));
    const isOpen = said.some(({ none, blocked }) => none || blocked);
    const [last] = own.slice(-1);
    if (last !== undefined && isOpen && !said.some(({ serverNames, names }) => serverNames || names.length > 0)) {
      mistakes.push({ place: last.directive.name, nginx: WITHOUT_NAME, hint: "name hosts, too", nginxLine: 0 });
    }
    for (const { block: inner } of block.directives) if (inner !== undefined) visit(inner);
  };
  visit(http);
  return mistakes;
}

function parseReferers(words: readonly string[]): Result<RefererSettings, ArgumentRefusal> {
  const said = new Set<string>();
  const names: RefererName[] = [];
  const patterns: Pattern[] = [];
  const taken = new NameTable<true>();
  for (const [index, word] of words.entries()) {
    const refuse = (nginx: string, expected?: string): Result<never, ArgumentRefusal> =>
      err({ nginx, expected, index, words: switches });
    if (switches.includes(word.toLowerCase())) {
      said.add(word.toLowerCase());
    } else if (word.startsWith("~")) {
      if (word === "~") return refuse(`empty regex in "${word}"`);
      // nginx: without regard to case, always.
      const pattern = translatePattern(word.slice(1), true);
      if (!pattern.ok) return refuse(`pcre2_compile() failed: ${pattern.error} in "${word.slice(1)}"`);
      patterns.push(pattern.value);
    } else {
      const [, host = "", path = ""] = /^([^/]*)(.*)$/s.exec(byteText(word)) ?? [];
      if (word === "") return refuse(`invalid referer "${word}"`);
      const name = parseWildcardName(host);
      if (!name.ok) return refuse(`invalid hostname or wildcard "${host}"`, "a host such as www.example or *.example");
      if (taken.add(name.value, true).length > 0) return refuse(`conflicting parameter "${host}"`);
      names.push({ name: name.value, path });
    }
  }
  return ok({
    none: said.has("none"), blocked: said.has("blocked"), serverNames: said.has("server_names"), names, patterns,
  });
}
