import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { NO_BYTES, asBytes, fromUtf8 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { deflateCodec } from "./index.ts";

const BITS = 12, SIZE_MAX = 1_048_576;
const hex = (text: string): Bytes => asBytes(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Plaintext as UTF-8, or why there is none. */
function inflate(payload: Bytes, { dictionary = NO_BYTES, sizeMax = SIZE_MAX, bits = BITS } = {}): string {
  const inflated = deflateCodec.inflate(payload, bits, dictionary, sizeMax);
  return typeof inflated === "string" ? inflated : inflated.utf8Slice();
}

describe("the codec of permessage-deflate", () => {
  test("reads RFC 7692's examples", () => {
    assert.equal(inflate(hex("f2 48 cd c9 c9 07 00")), "Hello", "§7.2.3.1: one block");
    assert.equal(inflate(hex("f2 00 11 00 00"), { dictionary: fromUtf8("Hello") }), "Hello", "§7.2.3.2: one window");
    assert.equal(inflate(hex("00 05 00 fa ff 48 65 6c 6c 6f 00")), "Hello", "§7.2.3.3: a block that is stored");
    assert.equal(inflate(hex("f3 48 cd c9 c9 07 00 00")), "Hello", "§7.2.3.4: a final block");
    assert.equal(inflate(hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")), "Hello", "§7.2.3.5: two blocks");
    assert.equal(inflate(hex("00")), "", "§7.2.3.6: an empty message");
  });

  test("reads what it wrote, with any window and any dictionary", () => {
    const plain = fromUtf8(`${"once more, and ".repeat(40)}${randomBytes(300).toString("base64")}`);
    for (let bits = 9; bits <= 15; bits++) {
      for (const dictionary of [NO_BYTES, plain.subarray(0, 200), asBytes(randomBytes(1 << bits))]) {
        const payload = deflateCodec.deflate(plain, bits, dictionary);
        assert.notEqual(payload.subarray(-4).toString("hex"), "0000ffff", "the flush's tail is not sent");
        assert.equal(inflate(payload, { bits, dictionary }), plain.utf8Slice());
      }
    }
  });

  test("reads and writes nothing, one byte and a megabyte", () => {
    for (const size of [0, 1, 100, SIZE_MAX]) {
      for (const plain of [asBytes(randomBytes(size)), asBytes(Buffer.alloc(size, "ab"))]) {
        const inflated = deflateCodec.inflate(deflateCodec.deflate(plain, BITS, NO_BYTES), BITS, NO_BYTES, SIZE_MAX);
        assert.ok(typeof inflated !== "string" && inflated.equals(plain), `${size} bytes`);
      }
    }
  });

  test("a dictionary makes a repetition short", () => {
    const plain = asBytes(randomBytes(600));
    assert.ok(deflateCodec.deflate(plain, BITS, NO_BYTES).length > 600);
    assert.ok(deflateCodec.deflate(plain, BITS, plain).length < 40);
  });

  test("exactly the bound is read, one byte more is not", () => {
    for (const size of [1, 63, 64, 65, 1000, 65_536, 65_537, 200_000]) {
      const payload = deflateCodec.deflate(Buffer.alloc(size, "a"), BITS, NO_BYTES);
      assert.equal(inflate(payload, { sizeMax: size }).length, size);
      assert.equal(inflate(payload, { sizeMax: size - 1 }), "too-large");
    }
    assert.equal(inflate(hex("00"), { sizeMax: 0 }), "");
  });

  test("a bomb is stopped at the bound", () => {
    const bomb = deflateCodec.deflate(Buffer.alloc(64 * SIZE_MAX), BITS, NO_BYTES);
    const before = process.memoryUsage().arrayBuffers;
    assert.equal(inflate(bomb), "too-large");
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 * SIZE_MAX);
  });

  test("what is cut anywhere is invalid", () => {
    const payload = deflateCodec.deflate(fromUtf8("some words, some words more, and some other words"), BITS, NO_BYTES);
    for (let size = 1; size < payload.length; size++) assert.equal(inflate(payload.subarray(0, size)), "invalid");
  });

  test("what is no DEFLATE is invalid", () => {
    for (const payload of ["ff", "07", "00 05 00 fa fe 48 65 6c 6c 6f 00", "ff ff ff ff ff ff", "04 00 00 00"]) {
      assert.equal(inflate(hex(payload)), "invalid", payload);
    }
  });

  test("a distance beyond the dictionary or the window is invalid", () => {
    const dictionary = asBytes(randomBytes(4096));
    const payload = deflateCodec.deflate(dictionary.subarray(0, 100), 13, dictionary);
    assert.equal(inflate(payload, { dictionary: dictionary.subarray(2000) }), "invalid");
    assert.equal(inflate(payload, { dictionary, bits: 9 }), "invalid");
  });

  test("a message may have sixteen final blocks, not seventeen", () => {
    const hello = hex("f3 48 cd c9 c9 07 00");
    // What we append ends a block of its own.
    for (const [count, expected] of [[1, "Hello"], [15, "Hello".repeat(15)], [16, "invalid"]] as const) {
      const payload = Buffer.concat([...Array.from({ length: count }, () => hello), hex("00")]);
      assert.equal(inflate(asBytes(payload)), expected);
    }
  });

  test("behind a final block the window goes on", () => {
    assert.equal(inflate(hex("f3 48 cd c9 c9 07 00 f2 00 11 00 00")), "HelloHello");
  });
});
