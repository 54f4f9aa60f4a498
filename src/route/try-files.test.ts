import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request } from "../../tests/route/facts.ts";
import type { FileFinder, FileKind } from "./files.ts";
import { type TryFilesOutcome, TryFilesList, parseTryFiles } from "./try-files.ts";

const there: Readonly<Record<string, FileKind>> = {
  "/f": "file", "/d": "directory", "/x": "executable", "/d/index": "file",
};
const now: FileFinder = (path) => there[path] ?? "none";
const later: FileFinder = async (path) => Promise.resolve(there[path] ?? "none");

/** The outcome, the same whether files are known now or later, and the path afterwards. */
async function tried(words: string, target: string): Promise<readonly [TryFilesOutcome, string]> {
  const list = new TryFilesList(must(parseTryFiles(words.split(" "))), programVariables());
  const [first, second] = [request(target), request(target)];
  const outcome = list.find(first, now);
  assert.ok(!(outcome instanceof Promise));
  assert.deepEqual(await list.find(second, later), outcome);
  assert.equal(first.path, second.path);
  return [outcome, first.path];
}

describe("try_files", () => {
  test("takes the first file or directory that is there", async () => {
    assert.deepEqual(await tried("$uri $uri/ =404", "/f"), [{ kind: "found", path: "/f" }, "/f"]);
    assert.deepEqual(await tried("$uri $uri/ =404", "/d"), [{ kind: "found", path: "/d" }, "/d"]);
    assert.deepEqual(await tried("$uri $uri/index =404", "/d"), [{ kind: "found", path: "/d/index" }, "/d/index"]);
    assert.deepEqual(await tried("$uri =404", "/x"), [{ kind: "found", path: "/x" }, "/x"]);
  });

  test("falls back to a status, a named location, or a URI with arguments", async () => {
    assert.deepEqual(await tried("$uri =404", "/n"), [{ kind: "status", status: 404 }, "/n"]);
    assert.deepEqual(await tried("$uri @app", "/n"), [{ kind: "named", name: "@app" }, "/n"]);
    assert.deepEqual(await tried("$uri /index.php?q=$uri&$args", "/n?a=1"), [
      { kind: "internal", path: "/index.php", args: "q=/n&a=1" }, "/n",
    ]);
  });

  test("needs a file and a fallback, whose status is below 1000", () => {
    for (const words of [["a"], [], ["a", "=1000"], ["a", "=x"], ["${", "b"], ["a", "$"]]) {
      assert.equal(parseTryFiles(words).ok, false, words.join(" "));
    }
    assert.equal(parseTryFiles(["a", "=999"]).ok, true);
  });
});
