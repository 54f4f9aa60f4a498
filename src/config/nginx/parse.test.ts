import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MISTAKE_COUNT_MAX } from "./language-diagnostic.ts";
import { BLOCK_DEPTH_MAX, type Parsed, parse } from "./parse.ts";
import { printStatements, statementOf } from "./print.ts";

function parsed(text: string, isParameter: boolean = false): Parsed {
  return parse({ path: "nginx.conf", text, isParameter, includedFrom: undefined });
}

/** What was understood, on one line. */
function shown(text: string): string {
  return printStatements(parsed(text).directives.map(statementOf)).replaceAll(/\s+/g, " ").trim();
}

function mistakesOf(text: string, isParameter: boolean = false): readonly string[] {
  return parsed(text, isParameter).mistakes.map(({ nginx, nginxLine, place }) =>
    `${nginx} in ${nginxLine}, at ${place?.line ?? 0}:${place?.column ?? 0}`,
  );
}

describe("a text in nginx's language", () => {
  test("is directives with words and blocks", () => {
    assert.equal(shown("a; b c\n d; e f{g;h{}}"), "a; b c d; e f { g; h {} }");
    assert.equal(parsed("a; b { c; d { e; } }").directiveCount, 5);
    assert.deepEqual(mistakesOf(""), []);
    assert.deepEqual(mistakesOf("# nothing but a comment"), []);
  });

  test("a directive knows where it begins and ends", () => {
    const [directive] = parsed("listen\n  80\n;").directives;
    assert.deepEqual([directive?.name.line, directive?.args[0]?.line, directive?.terminator.line], [1, 2, 3]);
  });
});

describe("reading goes on", () => {
  test("behind a ; and a brace without words", () => {
    assert.equal(shown(";; a; { b; } c;"), "a; c;");
    assert.deepEqual(mistakesOf("a;\n; {\n}"), ['unexpected ";" in 2, at 2:1', 'unexpected "{" in 2, at 2:3']);
  });

  test("behind a } without a block", () => {
    assert.equal(shown("a; } b;"), "a; b;");
    assert.deepEqual(mistakesOf("a;\n}"), ['unexpected "}" in 2, at 2:1']);
  });

  test("behind a directive without its ;, which is pointed at", () => {
    assert.equal(shown("a { b c }\nd;"), "a { b c; } d;");
    assert.deepEqual(mistakesOf("a { b c\n}"), ['unexpected "}" in 2, at 1:8']);
    assert.deepEqual(mistakesOf("a { b 'c\nd'\n}"), ['unexpected "}" in 3, at 1:7']);
  });

  test("to the end of the text, which closes what is open", () => {
    assert.equal(shown("a { b { c"), "a { b { c; } }");
    assert.deepEqual(mistakesOf("a\n"), ['unexpected end of file, expecting ";" or "}" in 2, at 1:2']);
    assert.deepEqual(mistakesOf("a {\n b {\n"), ['unexpected end of file, expecting "}" in 3, at 2:2']);
  });

  test("and the block that lacks its } is the one whose indentation says so", () => {
    const text = "a {\n  b {\n    c;\n}\nd {\n}\n";
    assert.deepEqual(mistakesOf(text), ['unexpected end of file, expecting "}" in 7, at 2:3']);
  });

  test("behind Lua", () => {
    assert.equal(shown("a { access_by_lua_block { x = { } } b; }"), "a { b; }");
    assert.deepEqual(mistakesOf("a_by_lua_block\n{ }"), ['unknown directive "a_by_lua_block" in 2, at 1:1']);
  });

  test("what is damaged is marked, so that nobody judges it", () => {
    const { directives } = parsed('a "b"c; d e; f "g\n;');
    assert.deepEqual(directives.map(({ isDamaged }) => isDamaged), [true, false, true]);
  });
});

describe("bounds", () => {
  test(`blocks are nested ${BLOCK_DEPTH_MAX} deep, and what is deeper is dropped`, () => {
    const nested = (depth: number): string => "a { ".repeat(depth) + "b; " + "} ".repeat(depth);
    assert.deepEqual(mistakesOf(nested(BLOCK_DEPTH_MAX)), []);
    assert.deepEqual(mistakesOf(nested(BLOCK_DEPTH_MAX + 9)), [
      `blocks are nested more than ${BLOCK_DEPTH_MAX} deep in 1, at 1:${4 * BLOCK_DEPTH_MAX + 1}`,
    ]);
    assert.equal(shown(`${nested(BLOCK_DEPTH_MAX + 9)} c;`).includes("b;"), false);
    assert.match(shown(`${nested(BLOCK_DEPTH_MAX + 9)} c;`), / c;$/);
  });

  test(`${MISTAKE_COUNT_MAX} mistakes are enough`, () => {
    assert.equal(mistakesOf(";".repeat(MISTAKE_COUNT_MAX - 1)).length, MISTAKE_COUNT_MAX - 1);
    assert.equal(mistakesOf(";".repeat(2 * MISTAKE_COUNT_MAX)).length, MISTAKE_COUNT_MAX);
  });
});

test("the directives of -g have no blocks, and their end is a parameter's", () => {
  assert.deepEqual(mistakesOf("daemon off; pid a;", true), []);
  assert.deepEqual(mistakesOf("daemon off", true), ['unexpected end of parameter, expecting ";" in 1, at 1:11']);
  assert.deepEqual(mistakesOf("events { a }; b;", true), [
    "block directives are not supported in -g option in 1, at 1:1",
    'unexpected ";" in 1, at 1:13',
  ]);
});
