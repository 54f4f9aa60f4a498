// One version, in the three places that need it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../src/std/version.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("package.json, the program and its Python package have the same version", () => {
  const manifest: unknown = JSON.parse(read("package.json"));
  assert.ok(typeof manifest === "object" && manifest !== null && "version" in manifest);
  assert.equal(manifest.version, VERSION);
  assert.equal(/__version__ = "([^"]+)"/.exec(read("python/tricorn/__init__.py"))?.[1], VERSION);
});
