import assert from "node:assert/strict";
import { test } from "node:test";
import { LineCutter, outputLineSizeMax } from "./output-lines.ts";

function cutter(): { readonly cutter: LineCutter; readonly lines: string[]; readonly dropped: number[] } {
  const lines: string[] = [];
  const dropped: number[] = [];
  const sink = {
    line: (bytes: Buffer): void => void lines.push(bytes.toString("latin1")),
    dropped: (count: number): void => void dropped.push(count),
  };
  return { cutter: new LineCutter(sink), lines, dropped };
}

test("output is cut into the same lines wherever the pieces end", () => {
  const text = Buffer.from("one\ntwo\r\n\nthree \xff\0\nlast", "latin1");
  for (let size = 1; size <= text.length; size++) {
    const { cutter: one, lines } = cutter();
    for (let at = 0; at < text.length; at += size) one.push(text.subarray(at, at + size), 0);
    one.end();
    assert.deepEqual(lines, ["one", "two", "", "three \xff\0", "last"], `pieces of ${size}`);
  }
});

test("a line without an end is cut at 64 KiB", () => {
  const { cutter: one, lines } = cutter();
  one.push(Buffer.alloc(outputLineSizeMax + 10, "x"), 0);
  one.push(Buffer.from("y\n"), 0);
  assert.deepEqual(
    lines.map(({ length }) => length),
    [outputLineSizeMax, 11],
  );
});

test("what is printed too fast is dropped, counted, and said once a second", () => {
  const { cutter: one, lines, dropped } = cutter();
  const line = Buffer.from(`${"x".repeat(1023)}\n`);
  for (let count = 0; count < 3000; count++) one.push(line, 500);
  assert.equal(lines.length, 1024);
  assert.deepEqual(dropped, []);
  one.push(line, 1500);
  assert.deepEqual(dropped, [1976]);
  assert.equal(lines.length, 1025);
});
