import assert from "node:assert/strict";
import { test } from "node:test";
import { closest, editDistance } from "./similar.ts";

test("the distance counts insertions, deletions, substitutions and swaps", () => {
  assert.equal(editDistance("bind", "bind"), 0);
  assert.equal(editDistance("bind", "bnd"), 1);
  assert.equal(editDistance("bind", "bnid"), 1);
  assert.equal(editDistance("", "abc"), 3);
});

test("the nearest word is found, the beginning of one counts as near", () => {
  const words = ["--workers", "--worker-processes", "--worker-connections", "--bind"];
  assert.equal(closest("--wrkers", words), "--workers");
  assert.equal(closest("--worker", words), "--workers");
  assert.equal(closest("--BIND", words), "--bind");
});

test("nothing is suggested for a word that nobody can have meant", () => {
  assert.equal(closest("--frobnicate", ["--bind", "--workers"]), undefined);
});
