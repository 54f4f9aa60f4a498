import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HpackDecoder, TABLE_SIZE_MAX } from "../../src/protocol/h2/hpack-decoder.ts";
import { encodeBlock } from "../../src/protocol/h2/hpack-encoder.ts";
import type { HpackField } from "../../src/protocol/h2/hpack-field.ts";
import { HuffmanDecoder, huffmanSize, writeHuffman } from "../../src/protocol/h2/huffman.ts";
import { allocate, asBytes, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { huffmanFile, huffmanPath } from "../../tools/gen-huffman.ts";

const hex = (text: string): Bytes => asBytes(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
const wide = { fieldCountMax: 10_000, listSizeMax: 10_000_000 };

function decode(decoder: HpackDecoder, bytes: Bytes): readonly string[] | string {
  const fields: HpackField[] = [];
  const outcome = decoder.decode(bytes, 0, bytes.length, fields);
  if (typeof outcome === "object") return outcome.error;
  return outcome === "ok" ? fields.map(({ name, value }) => `${name}: ${value}`) : outcome;
}

const once = (text: string): readonly string[] | string => decode(new HpackDecoder(wide), hex(text));

describe("the examples of RFC 7541 appendix C", () => {
  const requests = [
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
  ];
  const date = "Mon, 21 Oct 2013 20:13";
  const responses = [
    [":status: 302", "cache-control: private", `date: ${date}:21 GMT`, "location: https://www.example.com"],
    [":status: 307", "cache-control: private", `date: ${date}:21 GMT`, "location: https://www.example.com"],
    [":status: 200", "cache-control: private", `date: ${date}:22 GMT`, "location: https://www.example.com",
      "content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ];
  const series: readonly (readonly [string, readonly string[], readonly (readonly string[])[]])[] = [
    ["C.3, requests without Huffman code", [
      "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ], requests],
    ["C.4, requests in Huffman code", [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ], requests],
    // A table of 256 bytes, in which entries have to go.
    ["C.6, responses in Huffman code", [
      "3fe101 488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae"
        + "43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f"
        + "3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ], responses],
  ];
  for (const [name, blocks, expected] of series) {
    test(name, () => {
      const decoder = new HpackDecoder(wide);
      assert.deepEqual(blocks.map((block) => decode(decoder, hex(block))), expected);
    });
  }

  test("C.1 and C.2: integers and single fields", () => {
    // 1337 with a prefix of five bits is no size that we allow.
    assert.equal(once(`3f9a0a ${"82"}`)[0], ":method: GET");
    assert.deepEqual(once("400a637573746f6d2d6b65790d637573746f6d2d686561646572"), ["custom-key: custom-header"]);
    assert.deepEqual(once("040c2f73616d706c652f70617468"), [":path: /sample/path"]);
    assert.deepEqual(once("100870617373776f726406736563726574"), ["password: secret"]);
  });
});

describe("a header block", () => {
  test("that breaks RFC 7541 is an error, whatever it breaks", () => {
    const table: Readonly<Record<string, string>> = {
      "index 0": "80", "an index that nobody has": "be", "a name's index that nobody has": "7f8001 00",
      "an integer without its end": "ff", "an integer of more than 28 bits": "ffffffffffff01",
      "a string that is cut": "400a6375", "a string that is missing": "40",
      "a value that is missing": "400161", "padding of more than seven bits": "418161ff",
      "padding of zeros": "418110", "EOS": "4184fffffffc", "a table that is larger than allowed": "3fe21f",
      "a change of size behind a field": "8220", "three changes of size": "202020 82",
    };
    for (const [what, block] of Object.entries(table)) assert.equal(typeof once(block), "string", what);
  });

  test("may change the table's size twice, and an entry that is too large empties it", () => {
    assert.deepEqual(once("203fe11f82"), [":method: GET"]);
    const decoder = new HpackDecoder(wide);
    decode(decoder, hex("400161 0162"));
    assert.deepEqual(decode(decoder, hex("be")), ["a: b"]);
    const large = concatBytes([hex("4001617f81 1f"), fromLatin1("x".repeat(127 + 1 + 31 * 128))]);
    assert.ok(Array.isArray(decode(decoder, large)));
    assert.equal(typeof decode(decoder, hex("be")), "string");
  });

  test("at the limits is read, beyond them it is too large and the table is in order", () => {
    const fields = { fieldCountMax: 3, listSizeMax: 3 * 34 };
    const table: readonly (readonly [string, boolean])[] = [
      ["0001610162".repeat(3), true], ["0001610162".repeat(4), false], ["0001610162".repeat(2) + "000161026262", false],
    ];
    for (const [block, isRead] of table) {
      const decoder = new HpackDecoder(fields);
      assert.equal(decode(decoder, hex(block)) === "too-large", !isRead, block);
    }
    const decoder = new HpackDecoder(fields);
    assert.equal(decode(decoder, hex("0001610162".repeat(4) + "4001630164")), "too-large");
    assert.deepEqual(decode(decoder, hex("be")), ["c: d"]);
  });

  test("has pseudo-header fields and a cookie's crumbs beside the fields that are counted", () => {
    const decoder = new HpackDecoder({ fieldCountMax: 2, listSizeMax: 10_000 });
    const lines = [[":method", "GET"], ["cookie", "a"], [":path", "/"], ["cookie", "b"], ["x", "y"]] as const;
    assert.equal(decode(decoder, encodeBlock(lines)).length, 5);
    assert.equal(decode(decoder, encodeBlock([...lines, ["x", "y"]])), "too-large");
  });

  test("of thousands of indices keeps nothing beyond the limits", () => {
    const decoder = new HpackDecoder({ fieldCountMax: 1000, listSizeMax: 32_768 });
    const value = "x".repeat(TABLE_SIZE_MAX - 33);
    decode(decoder, concatBytes([hex("400161"), hex("7fe01e"), fromLatin1(value)]));
    const fields: HpackField[] = [];
    const bomb = allocate(60_000).fill(0xbe);
    assert.equal(decoder.decode(bomb, 0, bomb.length, fields), "too-large");
    assert.ok(fields.length < 10);
  });

  test("that is written is read as it was", () => {
    const name = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/);
    const value = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(fc.property(fc.array(fc.tuple(name, value), { maxLength: 30 }), (lines) => {
      const block = encodeBlock(lines);
      assert.deepEqual(decode(new HpackDecoder(wide), block), lines.map(([n, v]) => `${n}: ${v}`));
    }));
  });

  test("of any bytes is read or refused, and never thrown at", () => {
    const decoder = new HpackDecoder({ fieldCountMax: 100, listSizeMax: 16_384 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      decode(decoder, asBytes(bytes));
    }), { numRuns: 500 });
  });
});

describe("the Huffman code", () => {
  test("is what its tool makes of it", () => {
    assert.equal(readFileSync(huffmanPath, "utf8"), huffmanFile(), "run node tools/gen-huffman.ts");
  });

  test("gives every text back, and its size before", () => {
    const decoder = new HuffmanDecoder();
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
    const check = (given: string): void => {
      const out = allocate(given.length * 4 + 8);
      const end = writeHuffman(out, 3, given);
      assert.equal(end - 3, huffmanSize(given));
      assert.equal(decoder.decode(out, 3, end), given);
    };
    check(all);
    fc.assert(fc.property(text, check));
  });
});
