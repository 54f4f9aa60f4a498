// docs/support.md names a test for each section; a name that is gone is a claim without proof.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const rows = readFileSync(join(root, "docs/support.md"), "utf8").split("\n").filter((line) => /^\| \d/.test(line));

test("every row of docs/support.md names a test that exists", () => {
  assert.ok(rows.length > 60, `${rows.length} rows`);
  for (const row of rows) {
    const [section = "", , support = "", proof = ""] = row.slice(2, -2).split(" | ");
    assert.match(support, /^(?:yes|no|strict|application|deviates)(?:: .+)?$/, section);
    const match = /^`([^`]+)`: (.+)$/.exec(proof);
    assert.ok(match !== null, `${section}: ${proof}`);
    const [, path = "", name = ""] = match;
    const text = readFileSync(join(root, path), "utf8");
    assert.ok(text.includes(JSON.stringify(name).slice(1, -1)), `${path} has no test "${name}"`);
  }
});
