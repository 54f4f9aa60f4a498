// docs/differences.md lists nothing that no case shows.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../tools/venv.ts";

test("every listed difference has a case that shows it", () => {
  const page = readFileSync(join(root, "docs/differences.md"), "utf8");
  const listed = [...page.matchAll(/^### `([a-z0-9-]+)`/gm)].map(([, name = ""]) => name);
  const texts = globSync("*.test.ts", { cwd: import.meta.dirname })
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  assert.ok(listed.length > 0);
  // That a case's name is listed is asked where it is used (group.ts).
  const unused = listed.filter((name) => !texts.some((text) => text.includes(`"${name}": `)));
  assert.deepEqual(unused, []);
});
