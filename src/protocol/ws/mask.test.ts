import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { turnKey, unmask } from "./mask.ts";

const KEYS = [0, 1, 0x37fa213d, 0x80000000, -1, -0x12345678];
const keyByte = (key: number, index: number): number => (key >>> (24 - (index % 4) * 8)) & 255;

describe("masking", () => {
  test("XORs each byte with its byte of the key, at any place and of any size, and touches no other", () => {
    const plain = randomBytes(400);
    for (const key of KEYS) {
      for (let start = 0; start < 9; start++) {
        for (const size of [0, 1, 2, 3, 4, 5, 31, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 300, 391 - start]) {
          const bytes = Buffer.from(plain);
          unmask(bytes, start, start + size, key);
          const expected = plain.map((byte, at) =>
            at >= start && at < start + size ? byte ^ keyByte(key, at - start) : byte);
          assert.ok(bytes.equals(expected), `${size} bytes at ${start}`);
        }
      }
    }
  });

  test("of a view into other memory, wherever that begins", () => {
    const memory = Buffer.alloc(300, 1);
    for (let offset = 0; offset < 9; offset++) {
      unmask(memory.subarray(offset, offset + 200), 0, 200, 0x01010101);
      assert.ok(memory.subarray(offset, offset + 200).every((byte) => byte === 0));
      memory.fill(1);
    }
  });

  test("twice is nothing", () => {
    const bytes = randomBytes(1000);
    const copy = Buffer.from(bytes);
    unmask(bytes, 3, 999, 0x37fa213d);
    unmask(bytes, 3, 999, 0x37fa213d);
    assert.ok(bytes.equals(copy));
  });

  test("goes on in the middle with the key turned", () => {
    for (const key of KEYS) {
      for (let cut = 0; cut <= 40; cut++) {
        const whole = Buffer.alloc(40, 7);
        const parts = Buffer.alloc(40, 7);
        unmask(whole, 0, 40, key);
        unmask(parts, 0, cut, key);
        unmask(parts, cut, 40, turnKey(key, cut));
        assert.ok(parts.equals(whole), `cut at ${cut}`);
      }
    }
  });

  test("never calls ASCII what is none", () => {
    for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 127, 128, 129, 1000]) {
      const ascii = Buffer.alloc(size, "a");
      unmask(ascii, 0, size, 0x37fa213d);
      const ored = unmask(ascii, 0, size, 0x37fa213d);
      if (size < 128) assert.ok(ored < 128, "short ASCII is known as such");
      for (let at = 0; at < size; at++) {
        const bytes = Buffer.alloc(size, "a");
        bytes[at] = 0x80;
        assert.ok(unmask(bytes, 0, size, 0) > 127, `${size} bytes, ${at}`);
      }
    }
  });
});
