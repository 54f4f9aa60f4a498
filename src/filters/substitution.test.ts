import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromLatin1 } from "../std/bytes.ts";
import { Substitution } from "./substitution.ts";

type Pairs = readonly (readonly [search: string, replacement: string])[];

function replaced(parts: readonly string[], pairs: Pairs, once: boolean): string {
  const filter = new Substitution(pairs.map(([search, text]) => ({ search, replacement: () => text })), once);
  let out = "";
  for (const part of parts) out += filter.push(fromLatin1(part)).latin1Slice();
  return out + filter.end().latin1Slice();
}

describe("sub_filter", () => {
  // What nginx 1.22 makes of these.
  const table: readonly (readonly [body: string, pairs: Pairs, everywhere: string, once: string])[] = [
    ["ab abab xxAB aab", [["a", "1"], ["ab", "2"]], "1b 1b1b xx1B 11b", "1b 2ab xxAB aab"],
    ["ab abab xxAB aab", [["ab", "2"], ["a", "1"]], "2 22 xx2 12", "2 1bab xxAB aab"],
    ["ab abab xxAB aab", [["ab", "2"]], "2 22 xx2 a2", "2 abab xxAB aab"],
    ["xxabcdxxabcdab", [["abcd", "[]"]], "xx[]xx[]ab", "xx[]xxabcdab"],
    ["one two three one two three", [["one", "1"], ["two", "2"]], "1 2 three 1 2 three", "1 2 three one two three"],
    ["one two one", [["one", "two"], ["two", "three"]], "two three two", "two three one"],
    ["abcabcabd abcabd", [["abcabd", "X"]], "abcX X", "abcX abcabd"],
    ["abcabcabd abcabd", [["bcab", "X"], ["ab", "Y"], ["c", "Z"]], "YZYZYd YZYd", "YZaXd abcabd"],
    ["ab abab xxAB aab", [["ab", ""]], "  xx a", " abab xxAB aab"],
    ["ab abab", [["ab", "X"], ["ab", "Y"]], "X XX", "X Yab"],
    ["abcd xabcx", [["bc", "X"], ["abcd", "Y"]], "Y xaXx", "Y xaXx"],
    ["abcd xabcx", [["b", "X"], ["abcd", "Y"]], "Y xaXcx", "Y xaXcx"],
    ["abcd xabcx", [["abcz", "X"], ["bc", "Y"]], "aYd xaYx", "aYd xabcx"],
    ["xxxxabab", [["xab", "X"], ["ab", "Y"]], "xxxXY", "xxxXY"],
    ["aab", [["ab", "X"], ["a", "Y"]], "YX", "YX"],
    ["a.b*c(d", [[".b", "1"], ["*C(", "2"]], "a12d", "a12d"],
    ["\xc9\xe9\xb5 É", [["\xe9", "e"]], "\xc9e\xb5 É", "\xc9e\xb5 É"],
    ["abab", [], "abab", "abab"],
    ["", [["a", "b"]], "", ""],
  ];
  for (const [body, pairs, everywhere, once] of table) {
    test(`${body}: ${pairs.map((pair) => pair.join("→")).join(", ")}, whole and cut at every byte`, () => {
      for (const [isOnce, expected] of [[false, everywhere], [true, once]] as const) {
        assert.equal(replaced([body], pairs, isOnce), expected);
        for (let at = 0; at <= body.length; at++) {
          assert.equal(replaced([body.slice(0, at), body.slice(at)], pairs, isOnce), expected, `cut at ${at}`);
        }
        assert.equal(replaced(body.split(""), pairs, isOnce), expected, "byte by byte");
      }
    });
  }

  test("a replacement is made when it is needed, once", () => {
    let made = 0;
    const filter = new Substitution([{ search: "a", replacement: () => String(++made) }], false);
    filter.push(fromLatin1("bbb"));
    assert.equal(made, 0);
    assert.equal(filter.push(fromLatin1("aba")).latin1Slice(), "1b1");
  });

  test("a part without any of the texts passes as it is, and what is held back is less than the longest", () => {
    const filter = new Substitution([{ search: "abcdef", replacement: () => "" }], false);
    const plain = fromLatin1("xyz");
    assert.equal(filter.push(plain), plain);
    assert.equal(filter.push(fromLatin1("xyzabcde")).latin1Slice(), "xyz");
    assert.equal(filter.push(fromLatin1("abcde")).latin1Slice(), "abcde");
    assert.equal(filter.end().latin1Slice(), "abcde");
  });

  test("once every text was replaced, nothing is looked for", () => {
    const filter = new Substitution([{ search: "a", replacement: () => "b" }], true);
    assert.equal(filter.push(fromLatin1("aa")).latin1Slice(), "ba");
    const rest = fromLatin1("aaa");
    assert.equal(filter.push(rest), rest);
  });

  test("time grows with the body, not with how nearly it matches", () => {
    const search = `${"a".repeat(2000)}b`;
    const filter = new Substitution([{ search, replacement: () => "" }], false);
    const part = fromLatin1("a".repeat(16_384));
    let size = 0;
    for (let count = 0; count < 16; count++) size += filter.push(part).length;
    assert.equal(size + filter.end().length, 16 * part.length);
  });
});
