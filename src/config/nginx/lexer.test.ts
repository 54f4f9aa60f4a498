import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Lexer, LOST_QUOTE_COUNT_MAX, type Token, WORD_SIZE_MAX } from "./lexer.ts";
import { formatLanguageDiagnostics } from "./language-diagnostic.ts";

function lexer(text: string): Lexer {
  return new Lexer({ path: "nginx.conf", text, isParameter: false, includedFrom: undefined });
}

function tokensOf(text: string): readonly Token[] {
  const reader = lexer(text);
  const tokens: Token[] = [];
  for (let token = reader.next(); token.kind !== "end"; token = reader.next()) tokens.push(token);
  return tokens;
}

/** Words as they are, everything else in angle brackets. */
function shown(text: string): readonly string[] {
  return tokensOf(text).map(({ kind, value }) => (kind === "word" ? value : `<${value}>`));
}

function mistakesOf(text: string): readonly string[] {
  const reader = lexer(text);
  while (reader.next().kind !== "end");
  return reader.mistakes.map(({ nginx, nginxLine }) => `${nginx} in ${nginxLine}`);
}

describe("tokens", () => {
  const cases: readonly (readonly [text: string, tokens: readonly string[]])[] = [
    ["listen 80;", ["listen", "80", "<;>"]],
    ["server{listen 80;}", ["server", "<{>", "listen", "80", "<;>", "<}>"]],
    ["a b;}c}d", ["a", "b", "<;>", "<}>", "c}d"]],
    ["a#b #c\nd", ["a#b", "d"]],
    ["# only a comment", []],
    ["a\"b c'd", ["a\"b", "c'd"]],
    ["\"a b\" 'c;d{e}#f'", ["a b", "c;d{e}#f"]],
    ['"" \'\'', ["", ""]],
    ['"it\'s" \'a "b"\'', ["it's", 'a "b"']],
    ['"two\nlines";', ["two\nlines", "<;>"]],
    ['"a"{"b";', ["a", "<{>", "b", "<;>"]],
    ['("a")', ['("a")']],
    ['"a")b', ["a", ")b"]],
    ["${a} $a{ ${{b}", ["${a}", "$a", "<{>", "${{b}"]],
    ["$\\{a", ["$\\{a"]],
    ["{}", ["<{>", "<}>"]],
    ["a\r\nb\t\tc", ["a", "b", "c"]],
    ["é ü\u00a0x", ["é", "ü\u00a0x"]],
    ["\uFEFFuser", ["user"]],
    ["a\uFEFF", ["a\uFEFF"]],
  ];
  for (const [text, tokens] of cases) {
    test(`of ${JSON.stringify(text)}`, () => assert.deepEqual(shown(text), tokens));
  }

  test("backslashes protect what follows, and only a few are taken away", () => {
    const words: Readonly<Record<string, string>> = {
      "a\\ b": "a\\ b",
      "a\\;b": "a\\;b",
      "\\.php$": "\\.php$",
      "\\#a": "\\#a",
      "a\\": "a\\",
      "\"a\\\"b\"": 'a"b',
      "'a\\'b'": "a'b",
      "\"a\\'b\"": "a'b",
      "\"a\\\\\"": "a\\",
      "\"a\\tb\\rc\\nd\\qe\"": "a\tb\rc\nd\\qe",
      "a\\\\nb": "a\\nb",
      "a\\nb": "a\nb",
    };
    for (const [text, word] of Object.entries(words)) assert.deepEqual(shown(text), [word], text);
  });

  test("say where they stand", () => {
    const places = tokensOf("\uFEFFa\n\t'b\nc' d\\\ne f").map(({ line, column, offset, end }) => [
      line, column, offset, end,
    ]);
    assert.deepEqual(places, [[1, 1, 1, 2], [2, 2, 4, 9], [3, 4, 10, 14], [4, 3, 15, 16]]);
  });

  test("end in an end that stays", () => {
    const reader = lexer(" a ");
    assert.deepEqual([reader.next(), reader.next(), reader.next()].map(({ kind, offset }) => [kind, offset]), [
      ["word", 1], ["end", 3], ["end", 3],
    ]);
  });

  test("lie one behind the other, whatever the text is", () => {
    const piece = fc.constantFrom("a", " ", "\n", ";", "{", "}", "\"", "'", "\\", "$", "#", ")", "é", "\0", "\uFEFF");
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      let last = 0;
      for (const { offset, end, line } of tokensOf(text)) {
        assert.ok(last <= offset && offset < end && end <= text.length);
        assert.equal(line, text.slice(0, offset).split("\n").length);
        last = end;
      }
    }));
  });
});

describe("mistakes in words", () => {
  test("a quoted word must end at its quote", () => {
    assert.deepEqual(mistakesOf('a "b"c;'), ['unexpected "c" in 1']);
    assert.deepEqual(shown('a "b"c;'), ["a", "b", "c", "<;>"]);
  });

  test("a quote that is never closed is taken to end with its line", () => {
    assert.deepEqual(shown('a "b c;\nd e;'), ["a", "b c", "<;>", "d", "e", "<;>"]);
    assert.deepEqual(shown("a 'b {\nd e;"), ["a", "b", "<{>", "d", "e", "<;>"]);
    assert.deepEqual(mistakesOf('a "b c;\nd e;'), ['unexpected end of file, expecting ";" or "}" in 2']);
  });

  test("a quote that another one closes lines below ends with its line, too", () => {
    assert.deepEqual(shown('a "b;\nc "d";'), ["a", "b", "<;>", "c", "d", "<;>"]);
    assert.deepEqual(mistakesOf('a "b;\nc "d";'), ['unexpected "d" in 2']);
  });

  test(`${LOST_QUOTE_COUNT_MAX} quotes without an end are enough`, () => {
    const lost = (count: number): number => mistakesOf('a "b;\n'.repeat(2 * count).slice(0, -1) + "x").length;
    assert.equal(lost(4), 8);
    assert.equal(lost(LOST_QUOTE_COUNT_MAX), LOST_QUOTE_COUNT_MAX);
  });

  test(`a word has at most ${WORD_SIZE_MAX} bytes, its quote and what follows included`, () => {
    const fits = ["x".repeat(4095), `"${"x".repeat(4094)}"`, "é".repeat(2047), `#${"x".repeat(9999)}\n`];
    for (const word of fits) assert.deepEqual(mistakesOf(`${word};`), [], word.slice(0, 10));
    const started = (word: string): string => `too long parameter "${word}..." started in 1`;
    const missing = 'too long parameter, probably missing terminating """ character in 1';
    assert.deepEqual(mistakesOf(`${"x".repeat(4096)};`), [started("xxxxxxxxxx")]);
    assert.deepEqual(mistakesOf(`"${"x".repeat(4095)}";`), [started("xxxxxxxxxx")]);
    assert.deepEqual(mistakesOf(`"${"x".repeat(4096)}";`), [missing]);
    assert.deepEqual(mistakesOf(`${"é".repeat(2048)};`), [started("ééééé")]);
    assert.deepEqual(mistakesOf(`"${"x".repeat(5000)}`), [missing]);
  });

  test("NUL and what is not UTF-8 are refused in words, and let alone in comments", () => {
    assert.deepEqual(mistakesOf("# \0 \uFFFD\na b;"), []);
    assert.equal(mistakesOf("a\0 b\uFFFD;").length, 2);
  });

  test("control characters of a file do not reach the terminal", () => {
    const reader = lexer('"\x1b[2J"x\x07;');
    while (reader.next().kind !== "end");
    assert.doesNotMatch(formatLanguageDiagnostics(reader.mistakes), /[\x07\x1b]/);
  });
});

describe("a block in Lua", () => {
  const ends: Readonly<Record<string, string>> = {
    " } a": " a",
    " { } } a": " a",
    ' "}" } a': " a",
    " '\\'}' } a": " a",
    " -- }\n} a": " a",
    " [[ } ]] } a": " a",
    ' "open }\n } a': " a",
    " never": "",
    " [[ never }": "",
  };
  for (const [text, rest] of Object.entries(ends)) {
    test(`ends in ${JSON.stringify(text)}`, () => {
      const reader = lexer(`{${text}`);
      reader.next();
      reader.skipForeignBlock();
      assert.equal(reader.next().value, rest.trim());
    });
  }
});
