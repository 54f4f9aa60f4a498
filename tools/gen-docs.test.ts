import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { optionsPage, optionsPath } from "./gen-docs.ts";
import { directivePages, writtenPages } from "./gen-docs-directives.ts";
import { root } from "./venv.ts";

test("docs/options.md says what the option rows say (renew it with `npm run docs`)", () => {
  assert.equal(readFileSync(join(root, optionsPath), "utf8"), optionsPage());
});

test("docs/directives says what the rows of directives say, page by page (renew it with `npm run docs`)", () => {
  const pages = directivePages();
  const written = writtenPages();
  assert.deepEqual([...written.keys()].sort(), [...pages.keys()].sort());
  for (const [path, text] of pages) assert.equal(written.get(path), text, path);
});
