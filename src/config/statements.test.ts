import assert from "node:assert/strict";
import { test } from "node:test";
import { DOLLAR_BLOCK, sizeWord, timeWord, withoutVariables } from "./statements.ts";
import { printStatements } from "./nginx/print.ts";
import { parseSizeText, parseTimeText } from "./nginx/units.ts";

test("sizes and times are written as nginx reads them, the short way", () => {
  assert.deepEqual([0, 8190, 65_536, 10 * 1024 ** 2, 1024 ** 3].map((size) => sizeWord(size)), [
    "0", "8190", "64k", "10m", "1024m",
  ]);
  assert.equal(sizeWord(10 * 1024 ** 3, true), "10g");
  assert.deepEqual([0, 1, 1500, 3_600_000].map(timeWord), ["0s", "1ms", "1500ms", "3600s"]);
  for (const value of [0, 1, 1024, 4097, 1024 ** 2, 3 * 1024 ** 3]) {
    assert.equal(parseSizeText(sizeWord(value, true), true), value);
    assert.equal(parseTimeText(timeWord(value), "milliseconds"), value);
  }
});

test("a dollar sign that means itself is a variable whose value it is", () => {
  assert.equal(withoutVariables("a $1 $b"), "a ${dollar}1 ${dollar}b");
  assert.equal(printStatements([DOLLAR_BLOCK]), "geo $dollar {\n    default $;\n}\n");
});
