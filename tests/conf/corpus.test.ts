// nginx's public test suite as data (tests/conf/cases/nginx-tests, BSD-2-Clause) and h5bp's server configuration (MIT).
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "../../src/config/nginx/parse.ts";
import { printStatements, statementOf } from "../../src/config/nginx/print.ts";
import { casesPath, corpusNames, parseCase, type Plain, plainOf, readTreeCase, sourceOf } from "./corpus.ts";

/** crossplane lets no blank end a word behind "${name}"; nginx does, and so the suite's own test asks for it. */
const misread: readonly string[] = ["access_log"];

function corrected(tree: readonly Plain[]): readonly Plain[] {
  return tree.map((plain) => ({
    ...plain,
    args: plain.args.flatMap((word) => word.split(/(?<=\$\{\w+\}) /)),
    ...(plain.block && { block: corrected(plain.block) }),
  }));
}

describe("configurations of nginx's own tests", () => {
  test("there are 300", () => {
    assert.equal(corpusNames.length, 300);
  });

  for (const name of corpusNames) {
    test(`${name} gives the tree of an independent parser`, () => {
      const { directives, mistakes } = parseCase(name);
      assert.deepEqual(mistakes, []);
      const tree = readTreeCase(name);
      assert.deepEqual(directives.map(plainOf), misread.includes(name) ? corrected(tree) : tree);
    });
  }

  test("are the same after they were printed and read again", () => {
    for (const name of corpusNames) {
      const statements = parseCase(name).directives.map(statementOf);
      const again = parse(sourceOf(printStatements(statements)));
      assert.deepEqual(again.directives.map(statementOf), statements, name);
    }
  });
});

test("every file of h5bp's server configuration is read, and the same after it was printed", () => {
  const paths = readdirSync(join(casesPath, "h5bp"), { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => path.endsWith(".conf") || path.endsWith("mime.types"));
  assert.ok(files.length >= 35, `${files.length} files`);
  for (const path of files) {
    const { directives, mistakes } = parse(sourceOf(readFileSync(join(casesPath, "h5bp", path), "utf8")));
    assert.deepEqual(mistakes, [], path);
    const statements = directives.map(statementOf);
    assert.deepEqual(parse(sourceOf(printStatements(statements))).directives.map(statementOf), statements, path);
  }
});
