import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TEXT_SIZE_MAX } from "../config/nginx/read-tree.ts";
import { realFiles } from "./configuration-files.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-files-"));
after(() => rmSync(directory, { recursive: true }));
const files = realFiles();

test("files that cannot be read are refused in nginx's words", () => {
  assert.deepEqual(files.readText(join(directory, "none")), { ok: false, error: "2: No such file or directory" });
  assert.deepEqual(files.readText(directory), { ok: false, error: "21: Is a directory" });
  assert.deepEqual(files.readText("a\0b").ok, false);
});

test("a file of 16 MiB is read, and not one byte more", () => {
  const path = join(directory, "large");
  writeFileSync(path, "#".repeat(TEXT_SIZE_MAX));
  const whole = files.readText(path);
  assert.equal(whole.ok && whole.value.length, TEXT_SIZE_MAX);
  writeFileSync(path, "#".repeat(TEXT_SIZE_MAX + 1));
  assert.deepEqual(files.readText(path), { ok: false, error: "27: File too large" });
});

test("patterns find files of the disk, links to nothing too", () => {
  mkdirSync(join(directory, "conf.d"));
  for (const name of ["b.conf", "a.conf", ".c.conf", "readme"]) writeFileSync(join(directory, "conf.d", name), "");
  const at = (name: string): string => join(directory, "conf.d", name);
  assert.deepEqual(files.glob(`${directory}/conf.d/*.conf`), [at("a.conf"), at("b.conf")]);
  assert.deepEqual(files.glob(`${directory}/c*/readme`), [at("readme")]);
  symlinkSync("nowhere", at("link"));
  assert.deepEqual(files.glob(`${directory}/c*/link`), [at("link")]);
  assert.deepEqual(files.glob(`${directory}/none/*.conf`), []);
  assert.deepEqual(files.glob(`${directory}/conf.d/readme/*`), []);
});
