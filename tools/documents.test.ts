import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "./venv.ts";

const pages = globSync(["*.md", "bench/**/*.md", "docs/**/*.md"], { cwd: root });

/** Paths from the root as the pages write them, with or without a star. What is in <brackets> is not a file. */
const pathPattern = /(?<![\w/.<…-])(?:src|python|tools|tests|bench|docs|bin|examples)\/[\w./*-]*[\w*/]/g;
const linkPattern = /\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g;
/** Made when they are asked for. */
const made = new Set(["bench/results/requests.svg"]);

test("every file that a page names exists", () => {
  const missing: string[] = [];
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [path] of text.matchAll(pathPattern)) {
      const isThere = path.includes("*") ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path));
      if (!isThere && !made.has(path)) missing.push(`${page} names ${path}`);
    }
    for (const [, target = ""] of text.matchAll(linkPattern)) {
      if (!existsSync(join(root, dirname(page), target))) missing.push(`${page} links to ${target}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("bench/HOT.md declares the hot files", () => {
  const hot = readFileSync(join(root, "bench/HOT.md"), "utf8");
  assert.ok([...hot.matchAll(pathPattern)].length >= 10);
});
