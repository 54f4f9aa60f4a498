import assert from "node:assert/strict";
import { test } from "node:test";
import { err, ok } from "../../std/result.ts";
import {
  address,
  type ArgumentType,
  choice,
  either,
  number,
  offset,
  onOff,
  regex,
  size,
  string,
  time,
  variableName,
  variableText,
} from "./argument-types.ts";

/** The value, or nginx's words. */
function parsed<T>(type: ArgumentType<T>, word: string): T | string {
  const value = type.parse(word, "name");
  return value.ok ? value.value : `refused: ${value.error.nginx}`;
}

test("a switch is on or off in either case", () => {
  assert.deepEqual(["on", "OFF", "yes"].map((word) => parsed(onOff(), word)), [
    true, false, 'refused: invalid value "yes" in "name" directive, it must be "on" or "off"',
  ]);
});

test("a choice is one of its words in either case", () => {
  const type = choice(["all", "any"]);
  assert.deepEqual(["all", "ANY", "some"].map((word) => parsed(type, word)), [
    "all", "any", 'refused: invalid value "some"',
  ]);
  assert.equal(parsed(choice(["TLSv1.2", "TLSv1.3"]), "tlsv1.3"), "TLSv1.3");
  assert.deepEqual([type.label, type.words], ["all | any", ["all", "any"]]);
});

test("a number is whole and within its bounds", () => {
  const type = number({ min: 1, max: 9 });
  assert.deepEqual(["1", "9", "0", "10", "-1", "1.5", ""].map((word) => parsed(type, word)), [
    1, 9, ...Array.from({ length: 2 }, () => "refused: value must be between 1 and 9"),
    ...Array.from({ length: 3 }, () => 'refused: "name" directive invalid number'),
  ]);
});

test("sizes and times are bytes and milliseconds", () => {
  const invalid = 'refused: "name" directive invalid value';
  assert.deepEqual([parsed(size(), "8k"), parsed(size(), "1g"), parsed(offset(), "1g")], [8192, invalid, 1024 ** 3]);
  assert.deepEqual([parsed(time(), "1500ms"), parsed(time("seconds"), "1500ms")], [1500, invalid]);
  const refused = size().parse("2g", "name");
  assert.match(refused.ok ? "" : (refused.error.expected ?? ""), /2g is 2048m/);
});

test("variables are read in texts and as names", () => {
  assert.deepEqual(parsed(variableText("value"), "$a"), [{ kind: "variable", name: "a" }]);
  assert.equal(parsed(variableText("value"), "$"), "refused: invalid variable name");
  assert.deepEqual(["$Name", "name", "$a-b"].map((word) => parsed(variableName(), word)), [
    "name", 'refused: invalid variable name "name"', 'refused: invalid variable name "$a-b"',
  ]);
});

test("an expression is what its compiler accepts", () => {
  const type = regex((pattern) => (pattern === "(" ? err("missing closing parenthesis") : ok(pattern.length)));
  assert.equal(parsed(type, "abc"), 3);
  assert.equal(parsed(type, "("), 'refused: pcre2_compile() failed: missing closing parenthesis in "("');
});

test("an address names its directive when it is refused", () => {
  assert.deepEqual(parsed(address(), "80"), { kind: "tcp", host: undefined, port: 80 });
  assert.equal(parsed(address(), "x:y"), 'refused: invalid port in "x:y" of the "name" directive');
});

test("of two types the first that fits is taken, and both are named when none does", () => {
  const type = either(choice(["off"]), size());
  assert.deepEqual(["off", "8k"].map((word) => parsed(type, word)), ["off", 8192]);
  const refused = type.parse("x", "name");
  assert.ok(!refused.ok);
  assert.equal(refused.error.expected, "a size such as 4096, 64k or 10m, or off");
  assert.equal(either(string("a"), size()).words, undefined);
  assert.deepEqual(either(onOff(), choice(["auto"])).words, ["on", "off", "auto"]);
});
