// docs/differences.md and the cases name the same differences.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../tools/venv.ts";

test("every listed difference has a case, and every case that differs is listed", () => {
  const page = readFileSync(join(root, "docs/differences.md"), "utf8");
  const listed = [...page.matchAll(/^### `([a-z0-9-]+)`/gm)].map(([, name = ""]) => name);
  const texts = globSync("*.test.ts", { cwd: import.meta.dirname })
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  const uses = texts.flatMap((text) => [...text.matchAll(/differs: "([a-z0-9-]+)"/g)]);
  const used = new Set(uses.map(([, name = ""]) => name));
  assert.deepEqual([...listed].sort(), [...used].sort());
});
