import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asBytes } from "../../std/bytes.ts";
import { MalformedFrame, MarshalReader } from "./marshal-reader.ts";

function readerOf(hex: string): MarshalReader {
  const bytes = asBytes(Buffer.from(hex, "hex"));
  return new MarshalReader(bytes, 0, bytes.length);
}

/** What each method of the reader takes: the type codes of marshal.c. */
const methods: Readonly<Record<string, readonly [read: (reader: MarshalReader) => unknown, types: string]>> = {
  sequence: [(reader) => reader.sequence(), ")(["],
  list: [(reader) => reader.list(), "["],
  unicode: [(reader) => reader.unicode(), "u"],
  skipUnicode: [(reader) => reader.skipUnicode(), "u"],
  int: [(reader) => reader.int(), "i"],
  bool: [(reader) => reader.bool(), "TF"],
  bytes: [(reader) => reader.bytes(), "s"],
  skipBytes: [(reader) => reader.skipBytes(), "s"],
  text: [(reader) => reader.text(), "utsaAzZ"],
};

describe("the marshal reader", () => {
  for (const [name, [read, types]] of Object.entries(methods)) {
    test(`${name} takes its own types and no other of 256`, () => {
      for (let type = 0; type < 256; type++) {
        const reader = readerOf(`${type.toString(16).padStart(2, "0")}0000000000`);
        if (types.includes(String.fromCharCode(type))) assert.doesNotThrow(() => read(reader));
        else assert.throws(() => read(reader), MalformedFrame, `type ${type}`);
      }
    });

    test(`${name} never reads beyond its frame, though there are bytes behind it`, () => {
      for (const type of types) {
        const bytes = asBytes(Buffer.from(`${type}\x04\0\0\0abcdef`, "latin1"));
        const size = /[[(]/.test(type) ? 1 + 4 + 4 : type === ")" ? 2 : type === "i" ? 5 : /[TF]/.test(type) ? 1
          : /[zZ]/.test(type) ? 1 + 1 + 4 : 1 + 4 + 4;
        assert.doesNotThrow(() => read(new MarshalReader(bytes, 0, size)), type);
        for (let end = 0; end < size; end++) {
          assert.throws(() => read(new MarshalReader(bytes, 0, end)), MalformedFrame, `${type}, ${end} bytes`);
        }
      }
    });
  }

  test("a count is never larger than what is left, so that nobody makes room for it", () => {
    for (const type of ["28", "5b"]) {
      assert.equal(readerOf(`${type}020000004e4e`).sequence(), 2);
      for (const count of ["030000004e4e", "ffffffff4e4e", "0000008000"]) {
        assert.throws(() => readerOf(type + count).sequence(), MalformedFrame);
      }
    }
  });

  test("numbers have a sign", () => {
    assert.deepEqual(["00000000", "ffffffff", "ffffff7f", "00000080"].map((hex) => readerOf(`69${hex}`).int()),
      [0, -1, 0x7fffffff, -0x80000000]);
  });

  test("bytes as text are latin-1, Unicode is UTF-8, and what is neither is replaced", () => {
    assert.equal(readerOf("7302000000e9ff").text(), "\xe9\xff");
    assert.equal(readerOf("7502000000c3a9").text(), "\xe9");
    assert.equal(readerOf("750100000061").text(), "a");
    assert.equal(readerOf("7502000000e9ff").text(), "\ufffd\ufffd");
    // A lone surrogate, as Python's marshal writes it.
    assert.match(readerOf("7503000000eda080").text(), /^\ufffd+$/);
  });

  test("None and int are seen without being taken for something else", () => {
    const reader = readerOf("4e690100000054");
    assert.deepEqual([reader.peekInt(), reader.takeNone(), reader.peekInt(), reader.takeNone()], [false, true, true,
      false]);
    assert.deepEqual([reader.int(), reader.bool(), reader.atEnd], [1, true, true]);
    assert.deepEqual([reader.takeNone(), reader.peekInt()], [false, false]);
  });

  test("the rest is a key: a character a byte", () => {
    const reader = readerOf("4e00ff41");
    reader.takeNone();
    assert.equal(reader.restAsKey(), "\0\xffA");
  });
});
