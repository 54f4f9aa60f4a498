import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as rows from "../../../tests/conf/rows.ts";
import type { Block } from "./block.ts";
import { checkTree } from "./check-tree.ts";
import { parse } from "./parse.ts";

function checked(text: string): Block {
  const { directives } = parse({ path: "nginx.conf", text, isParameter: false, includedFrom: undefined });
  const { block, mistakes } = checkTree(directives, rows.testRows);
  assert.deepEqual(mistakes, []);
  return block;
}

/** The block that one reaches by these names, the first of each. */
function inner(block: Block, ...names: readonly string[]): Block {
  return names.reduce((outer, name) => {
    const found = outer.directives.find(({ row }) => row.name === name)?.block;
    assert.ok(found !== undefined, name);
    return found;
  }, block);
}

describe("what is in force in a block", () => {
  const http = inner(checked(`http {
    client_max_body_size 2m;
    proxy_set_header A a;
    proxy_set_header B b;
    server {
      root /srv;
      location / { proxy_set_header C $c; internal; keepalive_timeout 5s 10s; location /deep { root /deep; } }
    }
  }`), "http");
  const location = inner(http, "server", "location");
  const deep = inner(location, "location");

  test("is what it says itself", () => {
    assert.equal(location.optional(rows.internal), true);
    assert.deepEqual(location.one(rows.keepaliveTimeout), [5000, 10_000]);
    assert.equal(deep.optional(rows.root), "/deep");
  });

  test("or the nearest block around it", () => {
    assert.equal(location.optional(rows.root), "/srv");
    assert.equal(deep.one(rows.clientMaxBodySize), 2 * 1024 ** 2);
  });

  test("or the default", () => {
    assert.deepEqual(http.one(rows.keepaliveTimeout), [75_000, undefined]);
    assert.equal(http.optional(rows.root), undefined);
  });

  test("and nothing of a row that is not passed on", () => {
    assert.equal(deep.optional(rows.internal), undefined);
  });

  test("repeated directives are taken from one block, all of them", () => {
    const names = (block: Block): readonly string[] => block.all(rows.proxySetHeader).map(([name]) => name);
    assert.deepEqual([names(inner(http, "server")), names(location), names(deep)], [["A", "B"], ["C"], ["C"]]);
    assert.deepEqual(http.all(rows.index), []);
    assert.equal(deep.own(rows.proxySetHeader).length, 0);
  });

  test("blocks know what they are and what is around them", () => {
    assert.deepEqual([deep.context, deep.parent === location, http.parent?.context], ["location", true, "main"]);
  });
});
