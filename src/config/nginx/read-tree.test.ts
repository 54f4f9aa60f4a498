import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { err, ok } from "../../std/result.ts";
import { printStatements, statementOf } from "./print.ts";
import {
  DIRECTIVE_COUNT_MAX,
  FILE_COUNT_MAX,
  INCLUDE_DEPTH_MAX,
  readTree,
  TEXT_SIZE_MAX,
  type Tree,
} from "./read-tree.ts";
import { expand } from "./tree.ts";

interface Read extends Tree {
  /** What was opened, in order. */
  readonly opened: readonly string[];
}

/** Reads /etc/nginx/nginx.conf among these files; a pattern matches what begins like it. */
function readFrom(texts: Readonly<Record<string, string>>, parameter?: string): Read {
  const opened: string[] = [];
  const tree = readTree({
    path: "/etc/nginx/nginx.conf",
    parameter,
    files: {
      readText: (path) => {
        opened.push(path);
        const text = texts[path];
        return text === undefined ? err("2: No such file or directory") : ok(text);
      },
      glob: (pattern) => Object.keys(texts).filter((path) => path.startsWith(pattern.split("*")[0] ?? "")).sort(),
    },
  });
  return { ...tree, opened };
}

/** The directives with their includes filled in, on one line. */
function shown({ directives }: Tree): string {
  return printStatements(expand(directives).map(statementOf)).replaceAll(/\s+/g, " ").trim();
}

function mistakesOf({ mistakes }: Tree): readonly string[] {
  return mistakes.map(({ message, place }) => `${place?.source.path ?? ""}:${place?.line ?? 0}: ${message}`);
}

describe("an include", () => {
  test("stands for the directives of its file, relative to the directory of the main file", () => {
    const tree = readFrom({
      "/etc/nginx/nginx.conf": "a; include sites/one.conf; d;",
      "/etc/nginx/sites/one.conf": "b; include sites/two.conf;",
      "/etc/nginx/sites/two.conf": "c;",
    });
    assert.equal(shown(tree), "a; b; c; d;");
    assert.deepEqual(tree.sources.map(({ path }) => path), tree.opened);
    assert.deepEqual(tree.sources.at(-1)?.includedFrom?.source.path, "/etc/nginx/sites/one.conf");
  });

  test("takes all files of a pattern in their order, and none is no mistake", () => {
    const tree = readFrom({
      "/etc/nginx/nginx.conf": "include /conf.d/*.conf; include /nothing/*; d;",
      "/conf.d/b.conf": "b;",
      "/conf.d/a.conf": "a;",
    });
    assert.equal(shown(tree), "a; b; d;");
    assert.deepEqual(mistakesOf(tree), []);
  });

  test("works in blocks with entries, but in those that have none", () => {
    const tree = readFrom({
      "/etc/nginx/nginx.conf":
        'map $a $b { include "entries"; \\include c; } types { include entries; } split_clients $a $b { include c; }',
      "/etc/nginx/entries": "x y;",
    });
    assert.deepEqual(tree.opened, ["/etc/nginx/nginx.conf", "/etc/nginx/entries"]);
    const [map, types] = tree.directives.map(({ block }) => expand(block ?? []).map(({ name }) => name.value));
    assert.deepEqual([map, types], [["x", "\\include"], ["x"]]);
  });

  test("with another number of words, or a block, is left for the checks", () => {
    const tree = readFrom({ "/etc/nginx/nginx.conf": "include a b; include; include a { }" });
    assert.deepEqual([tree.opened.length, mistakesOf(tree)], [1, []]);
  });

  test("of a file that cannot be read says which and why, once", () => {
    const tree = readFrom({ "/etc/nginx/nginx.conf": "a;\ninclude none;\ninclude none; b;" });
    assert.deepEqual(mistakesOf(tree), [
      '/etc/nginx/nginx.conf:2: "/etc/nginx/none" cannot be read (2: No such file or directory)',
    ]);
    assert.equal(shown(tree), "a; b;");
  });

  test("that leads back is refused", () => {
    const tree = readFrom({ "/etc/nginx/nginx.conf": "a; include b;", "/etc/nginx/b": "b; include nginx.conf; c;" });
    assert.equal(shown(tree), "a; b; c;");
    assert.match(mistakesOf(tree)[0] ?? "", /^\/etc\/nginx\/b:1: this file includes itself/);
  });

  test("of a file that was read before reads and parses it no more", () => {
    const tree = readFrom({ "/etc/nginx/nginx.conf": "a { include b; } c { include b; }", "/etc/nginx/b": "d;" });
    assert.deepEqual(tree.opened, ["/etc/nginx/nginx.conf", "/etc/nginx/b"]);
    const [first, second] = tree.directives.map(({ block }) => expand(block ?? [])[0]);
    assert.ok(first !== undefined && first === second);
  });
});

describe("a configuration", () => {
  test("without a main file is one mistake without a place", () => {
    const tree = readFrom({});
    assert.deepEqual(tree.mistakes.map(({ nginx, place }) => [nginx, place]), [
      ['open() "/etc/nginx/nginx.conf" failed (2: No such file or directory)', undefined],
    ]);
  });

  test("begins with the directives of -g", () => {
    const tree = readFrom({ "/etc/nginx/nginx.conf": "b;" }, "a; daemon off");
    assert.equal(shown(tree), "a; daemon off; b;");
    assert.deepEqual(mistakesOf(tree), ["command line:1: a ; is missing after \"off\""]);
    assert.deepEqual(tree.sources.map(({ path }) => path), ["/etc/nginx/nginx.conf"]);
  });

  test(`has includes ${INCLUDE_DEPTH_MAX} deep at most`, () => {
    const chain = (depth: number): Readonly<Record<string, string>> => ({
      ...Object.fromEntries(Array.from({ length: depth }, (_, index) => [`/${index}`, `include /${index + 1};`])),
      [`/${depth}`]: "",
      "/etc/nginx/nginx.conf": "include /0;",
    });
    assert.deepEqual(mistakesOf(readFrom(chain(INCLUDE_DEPTH_MAX - 2))), []);
    assert.match(mistakesOf(readFrom(chain(INCLUDE_DEPTH_MAX))).join(), /nested more than 32 deep$/);
  });

  test(`has ${FILE_COUNT_MAX} files at most`, () => {
    const files = (count: number): Readonly<Record<string, string>> => ({
      ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`/conf/${index}`, ""])),
      "/etc/nginx/nginx.conf": "include /conf/*;",
    });
    assert.deepEqual(mistakesOf(readFrom(files(FILE_COUNT_MAX - 1))), []);
    assert.deepEqual(mistakesOf(readFrom(files(FILE_COUNT_MAX))), [
      `/etc/nginx/nginx.conf:1: these are more than ${FILE_COUNT_MAX} files`,
    ]);
  });

  test(`has ${DIRECTIVE_COUNT_MAX} directives at most, however often its files include each other`, () => {
    const texts: Record<string, string> = { "/20": "a;", "/etc/nginx/nginx.conf": "include /0;" };
    for (let level = 0; level < 20; level++) texts[`/${level}`] = `include /${level + 1};`.repeat(10);
    const tree = readFrom(texts);
    assert.ok(tree.mistakes.length > 0);
    assert.match(mistakesOf(tree)[0] ?? "", /these are more than 2000000 directives$/);
  });

  test(`has files of ${TEXT_SIZE_MAX} characters at most`, () => {
    const text = (size: number): Tree => readFrom({ "/etc/nginx/nginx.conf": "#".repeat(size) });
    assert.deepEqual(mistakesOf(text(TEXT_SIZE_MAX)), []);
    assert.match(mistakesOf(text(TEXT_SIZE_MAX + 1))[0] ?? "", /is larger than 16777216 characters$/);
  });
});
