import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { optionsPage, optionsPath } from "./gen-docs.ts";
import { root } from "./venv.ts";

test("docs/options.md says what the option rows say (renew it with `npm run docs`)", () => {
  assert.equal(readFileSync(join(root, optionsPath), "utf8"), optionsPage());
});
