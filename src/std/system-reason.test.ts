import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemCode, systemReason } from "./system-reason.ts";

function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (problem) {
    return systemReason(problem);
  }
  throw new Error("nothing was refused");
}

test("a refusal of the system reads as C programs print it", () => {
  assert.equal(refusalOf(() => readFileSync("/nonexistent")), "2: No such file or directory");
  assert.equal(refusalOf(() => readFileSync("/")), "21: Is a directory");
  assert.equal(refusalOf(() => process.kill(2 ** 22 + 1, 0)), "3: No such process");
});

test("what glibc's words are not known for has libuv's, and what is no refusal its own", () => {
  const error = new Error("EXDEV: cross-device link not permitted, link");
  const problem = Object.assign(error, { code: "EXDEV", errno: -18 });
  assert.equal(systemReason(problem), "18: cross-device link not permitted");
  assert.equal(systemReason(new Error("odd")), "odd");
  assert.equal(systemReason("odd"), "odd");
  assert.deepEqual([problem, new Error("odd"), "odd"].map(systemCode), ["EXDEV", "", ""]);
});
