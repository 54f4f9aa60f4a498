import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEnvFile } from "./env-file.ts";

test("a file of variables is read as python-dotenv reads it", () => {
  const text = [
    "# a comment",
    "",
    "PLAIN=one two  # not part of it",
    "export EXPORTED = yes",
    "EMPTY=",
    "HASH=a#b",
    "SINGLE='$not \\n touched # here'",
    'DOUBLE="line\\nend \\"quoted\\"" # comment',
    'LONG="first',
    'second"',
    "URL=postgres://u:p@h/db?x=1",
  ].join("\r\n");
  assert.deepEqual(parseEnvFile(`\uFEFF${text}`), {
    ok: true,
    value: [
      ["PLAIN", "one two"],
      ["EXPORTED", "yes"],
      ["EMPTY", ""],
      ["HASH", "a#b"],
      ["SINGLE", "$not \\n touched # here"],
      ["DOUBLE", 'line\nend "quoted"'],
      ["LONG", "first\nsecond"],
      ["URL", "postgres://u:p@h/db?x=1"],
    ],
  });
});

test("a line that is no variable is named by its number", () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ["A=1\nnonsense\n", 2, /NAME=VALUE/],
    ["A=1\n\nB='open\nfor ever", 3, /value of B has no end/],
    ['A="x"y', 1, /text after/],
    ["1A=x", 1, /NAME=VALUE/],
  ];
  for (const [text, line, message] of cases) {
    const result = parseEnvFile(text);
    assert.ok(!result.ok, text);
    assert.equal(result.error.line, line);
    assert.match(result.error.message, message);
  }
});

test("a long line is read in time proportional to its length", () => {
  assert.equal(parseEnvFile(`A=${" ".repeat(200_000)}x`).ok, true);
  assert.equal(parseEnvFile(`A="${"\\".repeat(200_000)}`).ok, false);
});
