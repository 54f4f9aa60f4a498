import assert from "node:assert/strict";
import { test } from "node:test";
import { isCloseCode } from "./close-code.ts";

test("of all closing codes those may be sent that are registered, or for libraries and applications", () => {
  const allowed: number[] = [];
  for (let code = 0; code < 65_536; code++) if (isCloseCode(code)) allowed.push(code);
  const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  assert.deepEqual(allowed, [...registered, ...Array.from({ length: 2000 }, (_, index) => 3000 + index)]);
});

test("what is no integer is no code", () => {
  for (const code of [-1000, 1000.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(isCloseCode(code), false);
});
