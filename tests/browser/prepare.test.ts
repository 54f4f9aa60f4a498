// What lies under the demo site before a browser comes: examples/prepare.py, and the shop's own tests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root, venvPython } from "../../tools/venv.ts";

test("examples/prepare.py makes the shop's database once and changes nothing when it is repeated", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-demo-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const environment = { ...process.env, SHOP_DATA_DIR: folder };
  const prepare = (): Buffer => {
    const run = spawnSync(venvPython, [join(root, "examples/prepare.py")], { env: environment, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /log in as admin with the password admin/);
    assert.deepEqual(readdirSync(folder), ["db.sqlite3"]);
    return readFileSync(join(folder, "db.sqlite3"));
  };
  assert.ok(prepare().equals(prepare()));
});

test("the shop's migrations match its models, and its own tests pass", () => {
  for (const command of [["makemigrations", "--check", "--dry-run"], ["test"]]) {
    const cwd = join(root, "examples/django");
    const run = spawnSync(venvPython, ["manage.py", ...command], { cwd, encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout + run.stderr);
  }
});
