import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, text } from "../../tests/route/facts.ts";
import { compileText } from "./evaluate.ts";
import { type MapBlock, checkMap, compileMap, parseMapKey } from "./map.ts";

function block(entries: Readonly<Record<string, string>>, said: Partial<MapBlock> = {}): MapBlock {
  const hostnames = said.hostnames ?? false;
  return {
    variable: "result", source: text("$arg_x"), hostnames, isVolatile: false, defaultValue: text("none"),
    entries: Object.entries(entries).map(([key, value]) => (
      { key: must(parseMapKey(key, hostnames)), value: text(value) }
    )),
    ...said,
  };
}

/** What the map makes of each argument. */
function values(map: MapBlock, ...keys: readonly string[]): readonly string[] {
  const variables = programVariables();
  must(variables.define(compileMap(map, variables)));
  const result = compileText(text("$result"), variables);
  return keys.map((key) => result(request(`/?x=${key}`)));
}

describe("map", () => {
  test("finds plain keys without case before expressions, and those in their order", () => {
    const map = block({ "~^a": "expression", abc: "plain", "~*^B(.)": "group $1", "~b": "later", "": "empty" });
    assert.deepEqual(values(map, "ABC", "abd", "Abd", "bcd", "xb", "x", ""), [
      "plain", "expression", "later", "group c", "later", "none", "empty",
    ]);
  });

  test("takes a backslash for a plain key", () => {
    assert.deepEqual(values(block({ "\\default": "1", "\\~a": "2" }), "default", "~a", "a"), ["1", "2", "none"]);
  });

  test("finds host names by their wildcards", () => {
    const names = { ".example.com": "1", "*.example.org": "2", "mail.*": "3", "example.org": "4" };
    const map = block(names, { hostnames: true });
    const keys = ["example.com", "WWW.example.com", "a.example.org", "example.org.", "mail.net", "net"];
    assert.deepEqual(values(map, ...keys), ["1", "1", "2", "4", "3", "none"]);
    assert.deepEqual(parseMapKey("a.*.b", true), { ok: false, error: "invalid hostname or wildcard \"a.*.b\"" });
    assert.deepEqual(values(block({ "*.a": "1" }), "x.a", "*.a"), ["none", "1"]);
  });

  test("evaluates what it finds, named groups included", () => {
    assert.deepEqual(values(block({ "~^(?<part>.)x": "$part-$request_method" }), "yx"), ["y-GET"]);
    assert.deepEqual(values(block({}, { defaultValue: text("$arg_x!") }), "a"), ["a!"]);
  });

  test("compares and gives bytes", () => {
    assert.deepEqual(values(block({ é: "ü$arg_x" }), "\xc3\xa9"), ["\xc3\xbc\xc3\xa9"]);
  });

  test("names keys that are there twice", () => {
    const entries = [...block({ a: "1", b: "2" }).entries, ...block({ A: "3" }).entries];
    assert.deepEqual(checkMap(block({}, { entries })), [{ entry: 2, message: "conflicting parameter \"a\"" }]);
  });

  test("keeps its value for the request unless it is volatile", () => {
    for (const isVolatile of [false, true]) {
      const variables = programVariables();
      must(variables.define(compileMap(block({ a: "1", b: "2" }, { source: text("$args"), isVolatile }), variables)));
      const result = compileText(text("$result"), variables);
      const evaluation = request("/?a");
      assert.equal(result(evaluation), "1");
      evaluation.args = "b";
      assert.equal(result(evaluation), isVolatile ? "2" : "1");
    }
  });
});
