import assert from "node:assert/strict";
import { test } from "node:test";
import { optionRows } from "../options.ts";
import { helpText } from "./help.ts";

test("every option is in the help, with its sentence, its aliases and its example", () => {
  const text = helpText(optionRows, { isTerminal: false, environment: {} });
  const words = text.replaceAll(/\s+/g, " ");
  for (const { name, aliases = [], doc, example } of optionRows) {
    for (const alias of aliases) assert.ok(words.includes(`also --${alias}`), alias);
    for (const part of [name, doc, example]) assert.ok(words.includes(part), part);
  }
});

test("it fits a terminal of 100 columns but for examples, and is coloured only there", () => {
  const plain = helpText(optionRows, { isTerminal: false, environment: {} });
  assert.ok(!plain.includes("\x1b"));
  const long = plain.split("\n").filter((line) => line.length > 100 && !line.trim().startsWith("tricorn "));
  assert.deepEqual(long, []);
  assert.ok(helpText(optionRows, { isTerminal: true, environment: {} }).includes("\x1b"));
  assert.ok(!helpText(optionRows, { isTerminal: true, environment: { NO_COLOR: "1" } }).includes("\x1b"));
});
