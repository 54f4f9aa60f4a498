// All of nginx's directives by their names and places alone: the 300 configurations with nothing to be said against
// them but what is not here, and that by its name.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { string } from "../../src/config/nginx/argument-types.ts";
import { type AnyDirectiveRow, type Content, type Context, many } from "../../src/config/nginx/directive-row.ts";
import { type KnownDirective, knownDirectives } from "../../src/config/nginx/known-directives.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { ok } from "../../src/std/result.ts";
import { corpusNames, readCase } from "./corpus.ts";

const contexts: readonly Context[] = [
  "main", "events", "http", "server", "location", "upstream", "if", "if in location", "limit_except",
];
const blocks: readonly string[] = ["events", "http", "server", "location", "upstream", "if", "limit_except"];
const lists: readonly string[] = ["types", "map", "geo", "split_clients", "charset_map"];

/** Rows that accept any words. */
function rowsOf({ name, module, contexts: known }: KnownDirective): readonly AnyDirectiveRow[] {
  const places = contexts.filter((context) => known.includes(context));
  const row = (where: readonly Context[], content?: Content): AnyDirectiveRow => ({
    name, module, contexts: where, arguments: many(string("word"), 0), mayRepeat: true, merge: "none", doc: "",
    example: `${name};`, ...(content && { content }),
  });
  if (places.length === 0 || /_(?:stream|mail)_/.test(module)) return [];
  if (lists.includes(name)) return [row(places, { kind: "entries", check: ok })];
  if (name === "if") {
    return (["server", "location"] as const).map((place) =>
      row([place], { kind: "directives", context: place === "server" ? "if" : "if in location" }));
  }
  const isBlock = blocks.includes(name) && !module.endsWith("upstream_module");
  const opened = isBlock || name === "upstream" ? contexts.find((context) => context === name) : undefined;
  return [row(places, opened && { kind: "directives", context: opened })];
}

const rows = [...knownDirectives().values()].flatMap((variants) => variants.flatMap(rowsOf));

/** What is said against them, with their names; the files that they include are empty. */
function mistakes(): readonly string[] {
  return corpusNames.flatMap((name) => {
    const path = "/the main file";
    const readText = (wanted: string): { ok: true; value: string } => ok(wanted === path ? readCase(name) : "");
    const files = { readText, glob: () => [] };
    const all = readConfiguration({ path, parameter: undefined, files }, rows).mistakes;
    return [...new Set(all.map(({ message }) => `${name}: ${message}`))];
  });
}

describe("the 300 configurations of nginx's tests", () => {
  test("have directives that exist, where they may stand, or the reason names the directive", () => {
    assert.deepEqual(mistakes(), [
      // Its parameter; only rows that accept any words take it for the directive.
      'access_log: "gzip" is read as an argument of "access_log"',
      // Not in nginx's reference.
      'post_action: unknown directive "post_action"',
      `proxy_protocol_ipv6: "stream" belongs to nginx's ngx_stream_core_module, which is not here`,
      `proxy_protocol_unix: "stream" belongs to nginx's ngx_stream_core_module, which is not here`,
    ]);
  });
});
