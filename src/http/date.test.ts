import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "./date.ts";

test("all three forms of a date are read (RFC 9110 §5.6.7)", () => {
  for (const text of [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
  ]) assert.equal(parseHttpDate(text), 784_111_777, text);
  assert.equal(parseHttpDate("Monday, 06-Nov-34 08:49:37 GMT"), Date.UTC(2034, 10, 6, 8, 49, 37) / 1000);
});

test("what is no date is none", () => {
  for (const text of [
    "", "0", "yesterday", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "x".repeat(9000),
  ]) assert.equal(parseHttpDate(text), undefined, text);
});

test("what is written can be read", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 250_000_000_000 }), (second) => {
    assert.equal(parseHttpDate(formatHttpDate(second)), second);
  }));
});
