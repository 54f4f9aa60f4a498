import assert from "node:assert/strict";
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { FILE_SIZE_MAX, StateDirectory } from "./state-directory.ts";

describe("the directory of an issuer", () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-state-"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  function modeOf(path: string): string {
    return (statSync(path).mode & 0o777).toString(8);
  }

  test("is made with the first file, and nobody else can read it", () => {
    const state = new StateDirectory(join(directory, "deep/one"));
    assert.deepEqual(state.read("certificates/a.pem"), { ok: true, value: undefined });
    assert.deepEqual(state.list("certificates", ".pem"), []);
    assert.ok(state.write("certificates/a.pem", "text").ok);
    assert.deepEqual(state.read("certificates/a.pem"), { ok: true, value: "text" });
    assert.deepEqual(state.list("certificates", ".pem"), ["a.pem"]);
    for (const path of [state.path, state.pathOf("certificates")]) assert.equal(modeOf(path), "700");
    assert.equal(modeOf(state.pathOf("certificates/a.pem")), "600");
  });

  test("that others can look into is left so, and its files are shut when they are written again", () => {
    const path = join(directory, "open");
    mkdirSync(path);
    chmodSync(path, 0o755);
    writeFileSync(join(path, "key"), "old", { mode: 0o644 });
    const state = new StateDirectory(path);
    assert.ok(state.write("key", "new").ok);
    assert.deepEqual([state.isOpen, modeOf(path), modeOf(join(path, "key"))], [true, "755", "600"]);
    assert.equal(new StateDirectory(join(directory, "deep/one")).isOpen, false);
    assert.equal(new StateDirectory(join(directory, "nothing")).isOpen, false);
  });

  test("keeps a file that cannot be replaced, and leaves nothing behind", () => {
    const path = join(directory, "kept");
    const state = new StateDirectory(path);
    assert.ok(state.write("file", "old").ok);
    // What is in the way of the temporary file stands for a disk without room.
    mkdirSync(join(path, `file.${process.pid}.new`));
    assert.equal(state.write("file", "new").ok, false);
    assert.equal(readFileSync(join(path, "file"), "utf8"), "old");
    const blocked = new StateDirectory(join(path, "file/state"));
    assert.deepEqual(blocked.write("x", "y"), { ok: false, error: "20: Not a directory" });
    assert.equal(blocked.probe("").ok, false);
    assert.equal(state.probe("").ok, true);
    assert.deepEqual(readdirSync(path).filter((name) => name.startsWith("probe")), []);
  });

  test("reads files up to a megabyte, and puts aside what cannot be used", () => {
    const state = new StateDirectory(join(directory, "large"));
    assert.ok(state.write("file", "x".repeat(FILE_SIZE_MAX)).ok);
    assert.equal(state.read("file").ok, true);
    assert.ok(state.write("file", "x".repeat(FILE_SIZE_MAX + 1)).ok);
    assert.equal(state.read("file").ok, false);
    assert.equal(state.setAside("file"), "file.damaged");
    assert.ok(!existsSync(state.pathOf("file")) && existsSync(state.pathOf("file.damaged")));
  });
});
