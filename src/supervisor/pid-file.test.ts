import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writePidFile } from "./pid-file.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

test("the file holds the process id and goes at the end, and nothing else is left", () => {
  const path = join(directory, "a.pid");
  const file = writePidFile(path);
  assert.ok(file.ok);
  assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  assert.deepEqual(readdirSync(directory), ["a.pid"]);
  file.value.remove();
  assert.equal(existsSync(path), false);
});

test("the file of a process that runs is refused by name", () => {
  const path = join(directory, "b.pid");
  writeFileSync(path, `${process.ppid}\n`);
  const file = writePidFile(path);
  assert.ok(!file.ok);
  assert.match(file.error.message, new RegExp(`belongs to process ${process.ppid}, which is running`));
  assert.equal(readFileSync(path, "utf8"), `${process.ppid}\n`);
});

test("what a dead process left, or somebody's rubbish, is replaced", () => {
  const dead = spawnSync("true").pid;
  for (const [name, text] of Object.entries({ dead: `${dead}\n`, empty: "", words: "hello" })) {
    const path = join(directory, `${name}.pid`);
    writeFileSync(path, text);
    const file = writePidFile(path);
    assert.ok(file.ok, name);
    assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  }
});

test("a file that another process has taken over is not removed", () => {
  const path = join(directory, "c.pid");
  const file = writePidFile(path);
  assert.ok(file.ok);
  writeFileSync(path, "1\n");
  file.value.remove();
  assert.equal(existsSync(path), true);
});

test("a directory that is not there is said in a sentence", () => {
  const file = writePidFile(join(directory, "none", "a.pid"));
  assert.ok(!file.ok);
  assert.match(file.error.message, /cannot write .*ENOENT/);
});
