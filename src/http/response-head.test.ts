import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FieldLine } from "./response-head.ts";
import { ResponseHead, findFault } from "./response-head.ts";

describe("a response head", () => {
  test("knows what its fields say about the message", () => {
    const head = new ResponseHead(200, "OK", [["Content-Length", "5"], ["CONNECTION", "x, Close"]]);
    assert.deepEqual([head.contentLength, head.close, head.unbuffered], [5, true, false]);
    const plain = new ResponseHead(200, "OK", [["Connection", "closed"], ["X-Accel-Buffering", "yes"]]);
    assert.deepEqual([plain.contentLength, plain.close, plain.unbuffered], [-1, false, false]);
  });

  test("is unbuffered for an event stream and by request", () => {
    for (const field of [["content-type", "text/event-stream; charset=utf-8"], ["X-Accel-Buffering",
      " No "]] as const) {
      assert.equal(new ResponseHead(200, "OK", [field]).unbuffered, true);
    }
    assert.equal(new ResponseHead(200, "OK", [["Content-Type", "text/event-streams"]]).unbuffered, false);
  });
});

describe("what must not leave in a response head", () => {
  test("any control character in a value or a reason, any byte that is no token in a name", () => {
    for (let code = 0; code < 0x180; code++) {
      const text = String.fromCharCode(code);
      const isValue = code === 9 || (code >= 32 && code < 256 && code !== 127);
      assert.equal(findFault(200, "OK", [["X", `a${text}b`]]) === undefined, isValue, `value ${code}`);
      assert.equal(findFault(200, `a${text}b`, []) === undefined, isValue, `reason ${code}`);
      const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(text);
      assert.equal(findFault(200, "OK", [[`a${text}b`, ""]]) === undefined, isName, `name ${code}`);
    }
    assert.notEqual(findFault(200, "OK", [["", "a"]]), undefined);
  });

  test("the sentence names the field, never its value", () => {
    assert.equal(findFault(200, "OK", [["Set-Cookie", "secret\r\nX: y"]]),
      "the value of Set-Cookie contains a control character");
  });

  test("a status outside 100 to 999", () => {
    for (const status of [0, 99, 1000, -200, 200.5, Number.NaN]) assert.notEqual(findFault(status, "", []), undefined);
    for (const status of [100, 200, 299, 999]) assert.equal(findFault(status, "", []), undefined);
  });

  test("a Content-Length that is no number, or a second one that differs", () => {
    const fault = (...values: readonly string[]): string | undefined =>
      findFault(200, "OK", values.map((value): FieldLine => ["content-LENGTH", value]));
    for (const value of ["", "+5", "-5", "5.0", "0x5", " 5", "5 ", "5,5", "1".repeat(16), "\u0665"]) {
      assert.notEqual(fault(value), undefined, value);
    }
    assert.notEqual(fault("5", "6"), undefined);
    assert.deepEqual([fault("5"), fault("5", "5"), fault("0")], [undefined, undefined, undefined]);
  });
});
