import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { testRows } from "../../../tests/conf/rows.ts";
import { type CheckedTree, checkTree } from "./check-tree.ts";
import { MISTAKE_COUNT_MAX } from "./language-diagnostic.ts";
import { parse } from "./parse.ts";

function checked(text: string): CheckedTree {
  const { directives } = parse({ path: "nginx.conf", text, isParameter: false, includedFrom: undefined });
  return checkTree(directives, testRows);
}

function mistakesOf(text: string): readonly string[] {
  return checked(text).mistakes.map(({ nginx }) => nginx);
}

// What is said about each kind of mistake, word for word: tests/conf/cases/errors.
describe("a tree", () => {
  test("is accepted with its entries, and what has no effect is listed", () => {
    const { block, mistakes, withoutEffect } = checked(
      "daemon off; http { types { text/html html; } map $a $b { hostnames; default c; } server { listen 80; } }",
    );
    assert.deepEqual(mistakes, []);
    assert.deepEqual(withoutEffect.map(({ row }) => row.withoutEffect), ["the test never forks"]);
    const http = block.directives.at(-1)?.block;
    assert.deepEqual(http?.directives.map(({ row, entries }) => [row.name, entries?.length]), [
      ["types", 1], ["map", 2], ["server", undefined],
    ]);
  });

  test("is looked through to its end, in all blocks, also those of what is refused itself", () => {
    assert.deepEqual(mistakesOf("gzip on; server { rot; location { lisen; } } http { frob { gzip x; } gzip y; }"), [
      '"gzip" directive is not allowed here',
      '"server" directive is not allowed here',
      'unknown directive "rot"',
      'invalid number of arguments in "location" directive',
      'unknown directive "lisen"',
      'unknown directive "frob"',
      'invalid value "y" in "gzip" directive, it must be "on" or "off"',
    ]);
  });

  test("is looked through by the row that the braces speak for", () => {
    const [server] = testRows.filter(({ name }) => name === "server").toReversed();
    const { directives } = parse({ path: "", text: "server { gzip x; }", isParameter: false, includedFrom: undefined });
    assert.equal(checkTree(directives, [server, ...testRows].filter((row) => row !== undefined)).mistakes.length, 2);
  });

  test("holds nothing that was refused", () => {
    const { block } = checked("user a b c; pid a; pid b;");
    assert.deepEqual(block.directives.map(({ row }) => row.name), ["pid"]);
  });

  test("has the rows of the block that a directive stands in", () => {
    assert.deepEqual(mistakesOf("http { upstream a { server 127.0.0.1:80; } server { listen 80; } }"), []);
    assert.deepEqual(mistakesOf("http { upstream a { server { } } }"), ['directive "server" is not terminated by ";"']);
  });

  test("knows two kinds of if", () => {
    assert.deepEqual(mistakesOf("http { server { if ($a) { set $b c; return 200; } } }"), []);
    assert.deepEqual(mistakesOf("http { server { location / { if ($a) { set $b c; gzip on; } } } }"), []);
    assert.deepEqual(mistakesOf("http { server { if ($a) { gzip on; } } }"), ['"gzip" directive is not allowed here']);
  });

  test("takes a word for the next directive only at the beginning of a line", () => {
    const message = (text: string): string | undefined => checked(text).mistakes[0]?.message;
    assert.match(message("http { root /a\n index; }") ?? "", /"index" is read as an argument of "root"/);
    assert.match(message("http { root /a index; }") ?? "", /"root" takes 1 argument/);
  });

  test("is accepted with a warning where such a word is not refused", () => {
    const { block, mistakes } = checked("http { index a\n root b; server { index a\n pid b; } }");
    assert.deepEqual(checked("http { index a\n gzip b; }").mistakes, []);
    assert.deepEqual(mistakes.map(({ severity, nginx }) => `${severity}: ${nginx}`), [
      'warning: "root" is an argument of "index"',
    ]);
    assert.equal(block.directives[0]?.block?.directives.length, 2);
  });

  test("is not judged where its text is damaged", () => {
    assert.deepEqual(mistakesOf('frob "a"b; http "a"b { gzip x; }'), [
      'invalid value "x" in "gzip" directive, it must be "on" or "off"',
    ]);
  });

  test(`${MISTAKE_COUNT_MAX} mistakes are enough`, () => {
    assert.equal(mistakesOf("frob; ".repeat(MISTAKE_COUNT_MAX - 1)).length, MISTAKE_COUNT_MAX - 1);
    assert.equal(mistakesOf("frob; ".repeat(MISTAKE_COUNT_MAX * 2)).length, MISTAKE_COUNT_MAX);
    assert.equal(mistakesOf(`http { map $a $b { ${"a; ".repeat(MISTAKE_COUNT_MAX * 2)} } }`).length, MISTAKE_COUNT_MAX);
  });
});
