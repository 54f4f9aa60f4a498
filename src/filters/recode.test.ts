import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromLatin1, fromUtf8 } from "../std/bytes.ts";
import { Recoders } from "./recode.ts";

const recoders = new Recoders([
  { from: "koi8-r", to: "UTF-8", pairs: [[0xc0, "\xd1\x8e"], [0xc1, "\xd0\xb0"], [0x80, "\xe2\x82\xac"]] },
  { from: "koi8-r", to: "windows-1251", pairs: [[0xc0, "\xfe"], [0xc1, "\xe0"]] },
]);

function recoded(from: string, to: string, parts: readonly string[]): string {
  const filter = recoders.find(from, to)?.start();
  assert.ok(filter !== undefined, "there is a way");
  let out = "";
  for (const part of parts) out += filter.push(fromLatin1(part)).latin1Slice();
  return out + filter.end().latin1Slice();
}

describe("charset_map", () => {
  // As nginx 1.22 recodes.
  const table: readonly (readonly [from: string, to: string, body: string, expected: string])[] = [
    ["koi8-r", "utf-8", "A\xc0\xc1\xff\x80B", "A\xd1\x8e\xd0\xb0?\xe2\x82\xacB"],
    ["koi8-r", "windows-1251", "A\xc0\xc1\xff\x80B", "A\xfe\xe0??B"],
    ["windows-1251", "koi8-r", "A\xfe\xe0\xc0\xff\x80B", "A\xc0\xc1???B"],
    ["utf-8", "KOI8-R", fromUtf8("Aюаяя€😀B").latin1Slice(), "A\xc0\xc1&#1103;&#1103;\x80&#128512;B"],
    ["utf-8", "koi8-r", "", ""],
    // RFC 3629 §10: each broken sequence is one replacement; nginx 1.22 loses what follows.
    ["utf-8", "koi8-r", "B\xff\xc0\x80Z\xd1", "B???Z?"],
  ];
  for (const [from, to, body, expected] of table) {
    test(`${from} to ${to}: ${JSON.stringify(body)}, whole and cut at every byte`, () => {
      assert.equal(recoded(from, to, [body]), expected);
      for (let at = 0; at <= body.length; at++) {
        assert.equal(recoded(from, to, [body.slice(0, at), body.slice(at)]), expected, `cut at ${at}`);
      }
      assert.equal(recoded(from, to, body.split("")), expected, "byte by byte");
    });
  }

  test("leads only where it is written", () => {
    assert.equal(recoders.find("windows-1251", "utf-8"), undefined);
    assert.equal(recoders.find("koi8-r", "koi8-r"), undefined);
  });

  test("bodies of single bytes keep their length", () => {
    assert.equal(recoders.find("koi8-r", "windows-1251")?.changesLength, false);
    assert.equal(recoders.find("utf-8", "koi8-r")?.changesLength, true);
  });

  test("a character reference is the longest that a byte grows to", () => {
    const worst = "\xdf\xbf".repeat(1000);
    assert.equal(recoded("utf-8", "koi8-r", [worst]), "&#2047;".repeat(1000));
  });
});
