import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "./parse.ts";
import { printSources, printStatements, quote, type Statement, statementOf } from "./print.ts";
import type { Source } from "./source.ts";

function sourceOf(text: string): Source {
  return { path: "/etc/nginx.conf", text, isParameter: false, includedFrom: undefined };
}

function read(text: string): readonly Statement[] {
  const { directives, mistakes } = parse(sourceOf(text));
  assert.deepEqual(mistakes, []);
  return directives.map(statementOf);
}

const letters = ["a", "b", "t", "r", "n", " ", "\n", "\t", "\r", ";", "{", "}", "\"", "'", "\\", "$", "#", "(", ")",
  "~", "^", ".", "*", "é", "\u00a0", "😀", "\uFEFF"];
const word = fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((parts) => parts.join(""));

const statements = fc.letrec<{ statement: Statement; block: readonly Statement[] }>((tie) => ({
  statement: fc.record({
    name: word,
    args: fc.array(word, { maxLength: 4 }),
    block: fc.option(tie("block"), { nil: undefined, depthSize: "small" }),
  }, { noNullPrototype: true }),
  block: fc.array(tie("statement"), { maxLength: 4 }),
})).block;

describe("statements", () => {
  test("are printed one a line, blocks indented", () => {
    const text = "http { server {\nlisten 80;}upstream a{} } include *.conf;";
    const printed = "http {\n    server {\n        listen 80;\n    }\n    upstream a {}\n}\ninclude *.conf;\n";
    assert.equal(printStatements(read(text)), printed);
  });

  test("are the same when they are read again, whatever their words are", () => {
    fc.assert(fc.property(statements, (given) => {
      assert.deepEqual(read(printStatements(given)), given);
    }), { numRuns: 1000 });
  });
});

test("a word is quoted only where it must be", () => {
  const spellings: Readonly<Record<string, string>> = {
    "/srv/www": "/srv/www",
    "\\.php$": "\\.php$",
    "$host$request_uri": "$host$request_uri",
    "a#b}c": "a#b}c",
    "": '""',
    "a b": '"a b"',
    "#a": '"#a"',
    "}": '"}"',
    "it's": "\"it's\"",
    'a"b': '"a\\"b"',
    "a\\nb": '"a\\\\nb"',
    "a\nb": '"a\\nb"',
    "\\": '"\\\\"',
    "\\d+\\.\\w{2}": '"\\d+\\.\\w{2}"',
  };
  for (const [given, spelling] of Object.entries(spellings)) assert.equal(quote(given), spelling);
});

test("files are printed as nginx -T does", () => {
  const sources = [sourceOf("events { }\n"), { ...sourceOf("pid a;"), path: "/etc/b.conf" }];
  assert.equal(printSources(sources),
    "# configuration file /etc/nginx.conf:\nevents { }\n\n# configuration file /etc/b.conf:\npid a;\n");
});
