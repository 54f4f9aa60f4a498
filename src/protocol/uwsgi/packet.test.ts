import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeUwsgi } from "./index.ts";

describe("a uwsgi packet", () => {
  test("is modifier1, the size, modifier2, and the variables", () => {
    const packet = encodeUwsgi([["REQUEST_METHOD", "GET"], ["X", ""], ["", "\xe9"]], 5, 7);
    assert.equal(packet?.latin1Slice(),
      "\x05\x1e\0\x07\x0e\0REQUEST_METHOD\x03\0GET\x01\0X\0\0\0\0\x01\0\xe9".replace("\x1e", String.fromCharCode(31)));
    assert.equal(encodeUwsgi([], 0, 0)?.latin1Slice(), "\0\0\0\0");
  });

  test("holds 65,535 bytes of variables, and no more", () => {
    const packet = encodeUwsgi([["A", "x".repeat(65_530)]], 0, 0);
    assert.equal(packet?.length, 65_539);
    assert.equal(packet.latin1Slice(0, 9), "\0\xff\xff\0\x01\0A\xfa\xff");
    assert.equal(encodeUwsgi([["A", "x".repeat(65_531)]], 0, 0), undefined);
    const many = Array.from({ length: 10_922 }, () => ["A", "b"] as const);
    assert.notEqual(encodeUwsgi(many, 0, 0), undefined);
    assert.equal(encodeUwsgi([...many, ["A", "b"]], 0, 0), undefined);
  });
});
