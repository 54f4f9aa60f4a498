import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { describe, test } from "node:test";
import { UTF8_START, UTF8_WRONG, checkUtf8 } from "./utf8.ts";

const check = (...bytes: readonly number[]): number => checkUtf8(UTF8_START, Uint8Array.from(bytes), 0, bytes.length);

describe("UTF-8", () => {
  test("every character is text, whole, and cut anywhere it is cut", () => {
    for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 61) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const bytes = Buffer.from(String.fromCodePoint(code));
      assert.equal(checkUtf8(UTF8_START, bytes, 0, bytes.length), UTF8_START);
      for (let size = 1; size < bytes.length; size++) {
        const state = checkUtf8(UTF8_START, bytes, 0, size);
        assert.ok(state !== UTF8_START && state !== UTF8_WRONG);
        assert.equal(checkUtf8(state, bytes, size, bytes.length), UTF8_START);
      }
    }
  });

  test("says of every pair and every begun triple of bytes what the platform says", () => {
    const bytes = new Uint8Array(3);
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        bytes[0] = first;
        bytes[1] = second;
        const state = checkUtf8(UTF8_START, bytes, 0, 2);
        assert.equal(state === UTF8_START, isUtf8(bytes.subarray(0, 2)));
        for (const third of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff]) {
          bytes[2] = third;
          assert.equal(checkUtf8(UTF8_START, bytes, 0, 3) === UTF8_START, isUtf8(bytes));
        }
      }
    }
  });

  test("a wrong byte is known at once, and for ever", () => {
    assert.equal(check(0xc0), UTF8_WRONG);
    assert.equal(check(0xed, 0xa0), UTF8_WRONG);
    assert.equal(check(0xf4, 0x90), UTF8_WRONG);
    assert.equal(check(0xc0, 0x61, 0x61), UTF8_WRONG);
    assert.equal(checkUtf8(UTF8_WRONG, Uint8Array.of(0x61), 0, 1), UTF8_WRONG);
  });

  test("long text that is cut anywhere, with a character of each length at the cut, is text", () => {
    for (const character of ["a", "ä", "あ", "🎩"]) {
      const bytes = Buffer.from(`${"x".repeat(100)}${character.repeat(50)}${"y".repeat(100)}`);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const state = checkUtf8(UTF8_START, bytes, 0, cut);
        assert.equal(checkUtf8(state, bytes, cut, bytes.length), UTF8_START, `${character} cut at ${cut}`);
      }
    }
  });

  test("a wrong byte anywhere in long text is found", () => {
    for (let at = 0; at < 300; at++) {
      const bytes = Buffer.from("ä".repeat(150));
      bytes[at] = 0xff;
      assert.equal(checkUtf8(UTF8_START, bytes, 0, 300), UTF8_WRONG);
    }
  });

  test("looks at nothing outside", () => {
    const bytes = Buffer.from([0xff, ...Buffer.from("ä".repeat(100)), 0xff]);
    assert.equal(checkUtf8(UTF8_START, bytes, 1, 201), UTF8_START);
    assert.equal(checkUtf8(UTF8_START, bytes, 1, 1), UTF8_START);
  });
});
