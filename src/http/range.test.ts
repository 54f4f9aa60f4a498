import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RANGE_COUNT_MAX, formatMultipart, parseRange, type RangeOutcome } from "./range.ts";

const parse = (value: string, size = 1000): RangeOutcome => parseRange(value, size, RANGE_COUNT_MAX);
const one = (start: number, end: number): RangeOutcome => [{ start, end }];

describe("a Range", () => {
  test("is one or several parts of the representation", () => {
    assert.deepEqual(parse("bytes=0-0"), one(0, 1));
    assert.deepEqual(parse("bytes=100-"), one(100, 1000));
    assert.deepEqual(parse("bytes=-100"), one(900, 1000));
    assert.deepEqual(parse("BYTES= 1 - 2 "), one(1, 3));
    assert.deepEqual(parse("bytes=990-2000"), one(990, 1000));
    assert.deepEqual(parse("bytes=-5000"), one(0, 1000));
    assert.deepEqual(parse("bytes=5-6,0-1, -2"), [
      { start: 5, end: 7 }, { start: 0, end: 2 }, { start: 998, end: 1000 },
    ]);
  });

  test("of another unit is ignored, and so is none at all", () => {
    for (const value of ["", "bytes", "bytes=", "lines=1-2", "bytes 1-2"]) assert.equal(parse(value), "whole", value);
  });

  test("that is nonsense, or lies behind the end, cannot be satisfied", () => {
    for (const value of ["bytes=a-b", "bytes=1", "bytes=--1", "bytes=1-2-3", "bytes=1-2,", "bytes=,1-2", "bytes=1000-",
      "bytes=1001-1002", "bytes=5-4", "bytes=99999999999999999999-", "bytes=1-2;3-4", "bytes=\t1-2"])
      assert.equal(parse(value), "unsatisfiable", value);
  });

  test("behind the end is passed over where another is not", () => {
    assert.deepEqual(parse("bytes=2000-3000,1-2"), one(1, 3));
  });

  test("that is more than the whole gives the whole", () => {
    assert.equal(parse("bytes=0-,0-"), "whole");
    assert.equal(parse("bytes=0-999,1-1"), "whole");
    assert.equal(parse("bytes=0-", 0), "whole");
    assert.equal(parse("bytes=-5", 0), "whole");
  });

  test("is bounded by the number of its parts", () => {
    const ranges = (count: number): string => `bytes=${Array.from({ length: count }, (_, n) => `${n}-${n}`).join()}`;
    assert.equal(parse(ranges(RANGE_COUNT_MAX)).length, RANGE_COUNT_MAX);
    assert.equal(parse(ranges(RANGE_COUNT_MAX + 1)), "whole");
    assert.equal(parseRange("bytes=0-0", 10, 0), "whole");
    assert.equal(parseRange("bytes=0-0,1-1", 10, 1), "whole");
  });

  test("never asks for more than there is, whatever is written", () => {
    const part = fc.oneof(
      fc.tuple(fc.nat(3000), fc.nat(3000)).map(([a, b]) => `${a}-${b}`),
      fc.nat(3000).map((n) => `-${n}`), fc.nat(3000).map((n) => `${n}-`), fc.string({ maxLength: 6 }),
    );
    fc.assert(fc.property(fc.array(part, { maxLength: 30 }), fc.nat(2000), (parts, size) => {
      const outcome = parse(`bytes=${parts.join(",")}`, size);
      if (typeof outcome === "string") return;
      let sum = 0;
      for (const { start, end } of outcome) {
        assert.ok(start >= 0 && start < end && end <= size);
        sum += end - start;
      }
      assert.ok(sum <= size && outcome.length <= RANGE_COUNT_MAX && outcome.length > 0);
    }));
  });
});

test("a multipart body names each part, and its size is exact", () => {
  const ranges = [{ start: 0, end: 2 }, { start: 5, end: 6 }];
  const { openings, closing, size, contentType } = formatMultipart({
    ranges, size: 10, contentType: "text/plain", boundary: "00000000000000000001",
  });
  assert.equal(contentType, "multipart/byteranges; boundary=00000000000000000001");
  const body = `${openings[0] ?? ""}ab${openings[1] ?? ""}f${closing}`;
  assert.equal(
    body,
    "\r\n--00000000000000000001\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\nab" +
      "\r\n--00000000000000000001\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-5/10\r\n\r\nf" +
      "\r\n--00000000000000000001--\r\n",
  );
  assert.equal(size, body.length);
});
