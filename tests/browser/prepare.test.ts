// What lies under the demo site before a browser comes: examples/prepare.py, and the shop's own tests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { root, venvPython } from "../../tools/venv.ts";

test("examples/prepare.py makes database and static files once and changes nothing when repeated", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-demo-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const environment = { ...process.env, SHOP_DATA_DIR: folder };
  const prepare = (): Buffer => {
    const run = spawnSync(venvPython, [join(root, "examples/prepare.py")], { env: environment, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /log in as admin with the password admin/);
    assert.deepEqual(readdirSync(folder).sort(), ["db.sqlite3", "static"]);
    const style = join(folder, "static/catalog/shop.css");
    assert.ok(gunzipSync(readFileSync(`${style}.gz`)).equals(readFileSync(style)));
    return Buffer.concat([readFileSync(join(folder, "db.sqlite3")), readFileSync(`${style}.gz`)]);
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
