import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VariableLogs } from "./variable-logs.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

const cache = { max: 3, inactiveMs: 60_000, minUses: 1, validMs: 60_000 };

test("a line is in its file at once, and none is asked for whose name has a zero byte", () => {
  const told: string[] = [];
  const logs = new VariableLogs(undefined, (_, text) => told.push(text));
  const path = join(directory, "one.log");
  logs.add({ path, root: directory, line: "a" });
  logs.add({ path, root: "", line: "b" });
  assert.equal(readFileSync(path, "latin1"), "a\nb\n");
  assert.deepEqual([logs.openCount, logs.droppedCount, told], [0, 0, []]);
  logs.add({ path: `${path}\0`, root: "", line: "" });
  logs.add({ path, root: join(directory, "nowhere"), line: "c" });
  assert.equal(logs.droppedCount, 2);
  assert.equal(readFileSync(path, "latin1"), "a\nb\n");
  assert.equal(told.length, 1);
});

test("a cache keeps no more descriptors than it may", () => {
  const logs = new VariableLogs(cache, assert.fail);
  for (let n = 0; n < 10; n++) {
    logs.add({ path: join(directory, `${n}.log`), root: directory, line: "a" });
    assert.equal(logs.openCount, Math.min(n + 1, 3));
  }
  logs.close();
  assert.equal(logs.openCount, 0);
});

test("a file stays open once it was used often enough, and the one that was used longest ago goes first", () => {
  const told: string[] = [];
  const logs = new VariableLogs({ ...cache, minUses: 2 }, (_, text) => told.push(text));
  const folder = mkdtempSync(join(directory, "case-"));
  const add = (name: string): void => logs.add({ path: join(folder, name), root: "", line: "a" });
  for (const name of ["oldest", "oldest", "once", "first", "first", "second", "second"]) add(name);
  assert.equal(logs.openCount, 2);
  renameSync(folder, `${folder}-moved`);
  for (const name of ["oldest", "once", "first", "second"]) add(name);
  assert.equal(logs.droppedCount, 2);
  assert.match(told[0] ?? "", /ENOENT/);
  logs.close();
  const size = (name: string): number => readFileSync(join(`${folder}-moved`, name)).length;
  assert.deepEqual(["oldest", "once", "first", "second"].map(size), [4, 2, 6, 6]);
});

test("a file is opened anew when it was left alone, or its name is another file's", () => {
  const path = join(directory, "moved.log");
  const write = (settings: typeof cache): string => {
    const logs = new VariableLogs(settings, assert.fail);
    logs.add({ path, root: "", line: "a" });
    renameSync(path, `${path}.1`);
    logs.add({ path, root: "", line: "b" });
    logs.close();
    return readFileSync(`${path}.1`, "latin1");
  };
  assert.equal(write(cache), "a\nb\n");
  rmSync(`${path}.1`);
  assert.equal(write({ ...cache, validMs: 0 }), "a\n");
});
