import assert from "node:assert/strict";
import { test } from "node:test";
import { glob, type Names } from "./glob.ts";

/** A file system of nothing but paths. */
function tree(...paths: readonly string[]): Names {
  return {
    list: (directory) => {
      const prefix = directory === "." ? "" : directory.endsWith("/") ? directory : `${directory}/`;
      const inside = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      return [...new Set(inside.map((path) => path.replace(/\/.*/, "")))];
    },
    exists: (path) => paths.some((each) => each === path || each.startsWith(`${path}/`)),
  };
}

const sites = tree(
  "/e/conf.d/b.conf", "/e/conf.d/a.conf", "/e/conf.d/.hidden.conf", "/e/conf.d/B.conf", "/e/conf.d/a.conf~",
  "/e/sites/x/site.conf", "/e/sites/y/site.conf", "/e/sites/z/none",
);

test("names that match come sorted by their bytes, hidden ones only when asked for", () => {
  assert.deepEqual(glob("/e/conf.d/*.conf", sites), ["/e/conf.d/B.conf", "/e/conf.d/a.conf", "/e/conf.d/b.conf"]);
  assert.deepEqual(glob("/e/conf.d/.*", sites), ["/e/conf.d/.hidden.conf"]);
  assert.deepEqual(glob("/e/conf.d/[.]hidden.conf", sites), []);
  assert.deepEqual(glob("*.c", tree("\u{1F600}.c", "\uFFEE.c", "z.c")), ["z.c", "\uFFEE.c", "\u{1F600}.c"]);
});

test("a pattern may stand in any part of a path, and never goes beyond its slash", () => {
  assert.deepEqual(glob("/e/*/x/*.conf", sites), ["/e/sites/x/site.conf"]);
  assert.deepEqual(glob("/e/sites/*/site.conf", sites), ["/e/sites/x/site.conf", "/e/sites/y/site.conf"]);
  assert.deepEqual(glob("/e/*.conf", sites), []);
  assert.deepEqual(glob("/none/*", sites), []);
});

test("sets have ranges, classes and their opposites, and without an end they are plain text", () => {
  const names = tree("a", "b", "c", "z", "7", "-", "]", "[a", "é");
  const found = (pattern: string): string => glob(pattern, names).join("");
  assert.equal(found("[a-c]"), "abc");
  assert.equal(found("[!a-c7]"), "-]zé");
  assert.equal(found("[^a-z]"), "-7]é");
  assert.equal(found("[[:digit:]z]"), "7z");
  assert.equal(found("[]-]"), "-]");
  assert.equal(found("[a\\-c]"), "-ac");
  assert.equal(found("[[]a"), "[a");
  assert.equal(found("\\[?"), "[a");
  assert.equal(found("[a"), "[a");
});

test("what a backslash stands before is meant itself", () => {
  assert.deepEqual(glob("a\\*", tree("a*", "ab")), ["a*"]);
  assert.deepEqual(glob("a\\*/?", tree("a*/x", "ab/y")), ["a*/x"]);
});

test("stars without end cost no more than the pattern times the name", () => {
  const name = "a".repeat(2000);
  assert.deepEqual(glob(`${"*a".repeat(500)}*b`, tree(name)), []);
  assert.deepEqual(glob(`${"*a".repeat(500)}*`, tree(name)), [name]);
});
