import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseExtensions } from "./extensions.ts";

describe("Sec-WebSocket-Extensions", () => {
  test("is a list of names with parameters", () => {
    assert.deepEqual(parseExtensions("foo"), [{ name: "foo", parameters: [] }]);
    assert.deepEqual(parseExtensions("foo, bar; baz=2"), [
      { name: "foo", parameters: [] }, { name: "bar", parameters: [["baz", "2"]] },
    ]);
    assert.deepEqual(parseExtensions("a;b;b;c=d"), [
      { name: "a", parameters: [["b", undefined], ["b", undefined], ["c", "d"]] },
    ]);
  });

  test("may have blanks around each part", () => {
    const expected = [{ name: "a", parameters: [["b", "c"], ["d", undefined]] }, { name: "e", parameters: [] }];
    assert.deepEqual(parseExtensions("a;b=c;d,e"), expected);
    assert.deepEqual(parseExtensions(" \ta ; b = c\t; d ,\te "), expected);
    assert.deepEqual(parseExtensions('a;b="c";d,e'), expected);
    assert.deepEqual(parseExtensions('a;b= "\\c" ;d,e'), expected);
  });

  test("may have any token", () => {
    const token = "!#$%&'*+-.^_`|~09azAZ";
    assert.deepEqual(parseExtensions(`${token};${token}=${token}`), [{ name: token, parameters: [[token, token]] }]);
  });

  test("is refused when it is not of the grammar", () => {
    const wrong = ["", " ", ",", "a,", ",a", "a,,b", "a;", ";a", "a;;b", "a;b=", "a;=b", "a b", "a;b c", "a;b=c d",
      "a;b=\"", "a;b=\"\"", "a;b=\"c", "a;b=\"c d\"", "a;b=\"c\\\"", "a;b=\"c\"d", "a;b='c d'", "a=b", "\"a\"",
      "a;\"b\"",
      "a\x00", "a;b=c\x00", "a\x0b", "ä", "a;b=ä", "a;b=\"ä\"", "a(b)", "a/b", "a@b", "a\r\nb", "a;b=\"c\n\""];
    for (const value of wrong) assert.equal(parseExtensions(value), undefined, JSON.stringify(value));
  });

  test("takes time that is linear in its size", () => {
    const start = performance.now();
    const size = 300_000;
    assert.equal(parseExtensions(`a;b="${"\\".repeat(size)}`), undefined);
    assert.equal(parseExtensions(`a${" ".repeat(size)}=`), undefined);
    assert.equal(parseExtensions("a; ".repeat(size)), undefined);
    assert.equal(parseExtensions(`${"a".repeat(size)}\x00`), undefined);
    // Some milliseconds; the square of it would be minutes.
    assert.ok(performance.now() - start < 5000);
  });
});
