import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkArrows } from "./arrows.ts";

/** @returns what tidy says about one file of that path and text */
function check(path: string, text: string, packages: readonly string[] = []): readonly string[] {
  return checkArrows([{ path, text }], packages).map((finding) => `${finding.line}: ${finding.what}`);
}

describe("import arrows", () => {
  test("a room imports from the rooms below it, through their doors", () => {
    const text = 'import { a } from "../net/index.ts";\nimport { b } from "../protocol/h1/index.ts";\n';
    assert.deepEqual(check("src/edge/exchange.ts", text), []);
  });

  test("a room does not import from above", () => {
    const text = '\nimport {\n  type A,\n} from "../edge/index.ts";\n';
    assert.deepEqual(check("src/net/listener.ts", text), ["2: net must not import edge"]);
  });

  test("rooms of one level do not know each other", () => {
    assert.deepEqual(check("src/cache/key.ts", 'export { a } from "../access/index.ts";'), [
      "1: cache must not import access",
    ]);
  });

  test("no room imports the files that compose them", () => {
    assert.deepEqual(check("src/cli/help.ts", 'import { rows } from "../directives.ts";'), [
      "1: cli must not import main",
    ]);
  });

  test("only doors lead into another room", () => {
    assert.deepEqual(check("src/edge/exchange.ts", 'import { a } from "../net/clock.ts";'), [
      "1: src/net/clock.ts is not a door of src/net/",
    ]);
    assert.deepEqual(check("src/edge/exchange.ts", 'import { a } from "../http/status.ts";'), []);
  });

  test("a side door is for the process that must not load the whole room", () => {
    assert.deepEqual(check("src/supervisor/master.ts", 'import { a } from "../edge/messages.ts";'), []);
  });

  test("only what composes the rooms takes the rows of their directives", () => {
    assert.deepEqual(check("src/directives.ts", 'import { rows } from "./edge/directives.ts";'), []);
    assert.deepEqual(check("src/supervisor/master.ts", 'import { rows } from "../edge/directives.ts";'), [
      "1: src/edge/directives.ts is not a door of src/edge/",
    ]);
  });

  test("observe is for edge, supervisor, cli and main only", () => {
    assert.deepEqual(check("src/edge/exchange.ts", 'import { a } from "../observe/index.ts";'), []);
    assert.deepEqual(check("src/app/pool.ts", 'import { a } from "../observe/index.ts";'), [
      "1: app must not import observe",
    ]);
  });

  test("tests look behind every door", () => {
    assert.deepEqual(check("src/net/clock.test.ts", 'import { a } from "../edge/exchange.ts";'), []);
    assert.deepEqual(check("tests/wsgi.test.ts", 'import { a } from "../src/edge/exchange.ts";'), []);
  });

  test("the program does not import tests or tools", () => {
    assert.deepEqual(check("src/net/clock.ts", 'import { a } from "../../tools/needs.ts";'), [
      "1: src/ must not import tools/needs.ts",
    ]);
  });

  test("a room that stands in no row is named once", () => {
    const files = ["src/attic/a.ts", "src/attic/b.ts"].map((path) => ({ path, text: "" }));
    assert.deepEqual(
      checkArrows(files, []).map(({ what }) => what),
      ["nobody knows the room src/attic/"],
    );
  });

  test("pure rooms import nothing of Node's, except one file its Buffer", () => {
    assert.deepEqual(check("src/http/date.ts", 'import { hrtime } from "node:process";'), [
      "1: src/http/ is pure and must not import node:process",
    ]);
    assert.deepEqual(check("src/std/bytes.ts", 'import { Buffer } from "node:buffer";\nBuffer.alloc(1);'), []);
    assert.deepEqual(check("src/std/units.ts", "// Buffer.alloc\nBuffer.alloc(1);"), [
      "2: a pure room must not touch Buffer",
    ]);
    assert.deepEqual(check("src/net/clock.ts", 'import net from "node:net";'), []);
  });

  test("packages are those that the program depends on", () => {
    const text = 'import { a } from "@redis/client/cluster";\nimport b from "left-pad";';
    assert.deepEqual(check("src/net/clock.ts", text, ["@redis/client"]), [
      "2: left-pad is no dependency of the program",
    ]);
  });
});
