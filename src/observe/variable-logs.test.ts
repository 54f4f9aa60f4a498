import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../tests/support/wait.ts";
import { VariableLogs, WAITING_PATHS_MAX } from "./variable-logs.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

test("as many paths wait as are allowed; lines to more are dropped", async () => {
  const logs = new VariableLogs(undefined, assert.fail);
  const folder = mkdtempSync(join(directory, "case-"));
  for (let n = 0; n <= WAITING_PATHS_MAX; n++) logs.add({ path: join(folder, `${n}.log`), root: "", line: "a" });
  logs.add({ path: join(folder, "0.log"), root: "", line: "b" });
  assert.equal(logs.droppedCount, 1);
  await logs.close();
  assert.equal(readdirSync(folder).length, WAITING_PATHS_MAX);
  assert.equal(readFileSync(join(folder, "0.log"), "latin1"), "a\nb\n");
});

test("no more than 4 MiB wait, and no path with a zero byte is asked for", async () => {
  const logs = new VariableLogs(undefined, assert.fail);
  const path = join(directory, "large.log");
  const line = "x".repeat(65_535);
  for (let n = 0; n < 70; n++) logs.add({ path, root: "", line });
  assert.equal(logs.droppedCount, 6);
  logs.add({ path: `${path}\0`, root: "", line: "" });
  assert.equal(logs.droppedCount, 7);
  await logs.close();
  assert.equal(readFileSync(path).length, 64 * 65_536);
});

test("a cache keeps no more descriptors than it may", async () => {
  const logs = new VariableLogs({ max: 3, inactiveMs: 60_000, minUses: 1, validMs: 60_000 }, assert.fail);
  for (let n = 0; n < 10; n++) logs.add({ path: join(directory, `${n}.log`), root: directory, line: "a" });
  const isWritten = (): boolean => existsSync(join(directory, "9.log"));
  await eventually("all are written, and some are closed again", 5000, () => isWritten() && logs.openCount === 3);
  await logs.close();
  assert.equal(logs.openCount, 0);
});
