import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readRecords } from "../../../tests/protocol/fastcgi.ts";
import { END_OF_STDIN, RECORD_SIZE_MAX, encodeBeginAndParams, encodeStdinHeader } from "./index.ts";

/** Reads name-value pairs (FastCGI 1.0 §3.4). */
function readPairs(bytes: Buffer): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  let at = 0;
  const size = (): number => {
    const first = bytes.readUInt8(at);
    at += first < 128 ? 1 : 4;
    return first < 128 ? first : bytes.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const nameSize = size();
    const valueSize = size();
    const text = bytes.toString("latin1", at, at + nameSize + valueSize);
    pairs.push([text.slice(0, nameSize), text.slice(nameSize)]);
    at += nameSize + valueSize;
  }
  return pairs;
}

describe("a FastCGI request", () => {
  test("begins as a responder's, and says whether the connection is kept", () => {
    assert.equal(encodeBeginAndParams([["A", "bc"]], false).latin1Slice(),
      "\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\x01\x04\0\x01\0\x05\0\0\x01\x02Abc\x01\x04\0\x01\0\0\0\0");
    assert.equal(encodeBeginAndParams([], true).latin1Slice(),
      "\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\0\0\0");
  });

  test("sizes above 127 take four bytes", () => {
    const text = encodeBeginAndParams([["A", "x".repeat(127)], ["B", "y".repeat(128)]], false).latin1Slice(24);
    assert.ok(text.startsWith("\x01\x7fAx"));
    assert.ok(text.includes("x\x01\x80\0\0\x80By"));
  });

  test("more than a record holds goes on in the next, and the stream is ended", () => {
    for (const size of [RECORD_SIZE_MAX - 6, RECORD_SIZE_MAX - 5, 3 * RECORD_SIZE_MAX]) {
      const params = [["A", "x".repeat(size)]] as const;
      const [begin, ...records] = readRecords(encodeBeginAndParams(params, false));
      assert.deepEqual([begin?.type, begin?.content.length], [1, 8]);
      assert.ok(records.every(({ type, id }) => type === 4 && id === 1));
      assert.deepEqual(records.filter(({ content }) => content.length === 0), records.slice(-1));
      assert.deepEqual(readPairs(Buffer.concat(records.map(({ content }) => content))), params);
    }
  });

  test("any params come out as they went in", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\xff", "\0", "x".repeat(70)), maxLength: 5 });
    fc.assert(fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (params) => {
      const [, ...records] = readRecords(encodeBeginAndParams(params, true));
      assert.deepEqual(readPairs(Buffer.concat(records.map(({ content }) => content))), params);
    }));
  });

  test("its body is records of STDIN", () => {
    assert.equal(encodeStdinHeader(RECORD_SIZE_MAX), "\x01\x05\0\x01\xff\xff\0\0");
    assert.equal(encodeStdinHeader(258), "\x01\x05\0\x01\x01\x02\0\0");
    assert.equal(END_OF_STDIN.latin1Slice(), "\x01\x05\0\x01\0\0\0\0");
  });
});
