import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIELD_VALUE, HEX, HOST, IP_LITERAL, METHOD, REQUEST_TARGET, TOKEN } from "./characters.ts";
import { formatHttpDate } from "./date.ts";
import { mayHaveBody, reasonPhrase } from "./status.ts";

describe("character tables", () => {
  test("agree with their grammars, byte for byte", () => {
    const table: readonly (readonly [string, Uint8Array, RegExp])[] = [
      ["tchar", TOKEN, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/],
      ["method", METHOD, /^[!#$%&'*+\-.^_`|~0-9A-Z]$/],
      ["field value", FIELD_VALUE, /^[\t\x20-\x7e\x80-\xff]$/],
      ["request-target", REQUEST_TARGET, /^[!-"$-~]$/],
      ["reg-name", HOST, /^[A-Za-z0-9\-._~%!$&'()*+;=]$/],
      ["IPv6address", IP_LITERAL, /^[0-9A-Fa-f:.]$/],
    ];
    for (const [name, bytes, grammar] of table) {
      assert.equal(bytes.length, 256);
      for (let byte = 0; byte < 256; byte++) {
        assert.equal(bytes[byte] === 1, grammar.test(String.fromCharCode(byte)), `${name}: ${byte}`);
      }
    }
  });

  test("a hexadecimal digit has its value, everything else 255", () => {
    for (let byte = 0; byte < 256; byte++) {
      const at = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
      assert.equal(HEX[byte], at >= 0 ? at : 255);
    }
  });
});

describe("small nouns of HTTP", () => {
  test("a date is IMF-fixdate", () => {
    assert.equal(formatHttpDate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
  });

  test("HEAD, 1xx, 204 and 304 have no body", () => {
    assert.deepEqual([100, 103, 199, 204, 304].map((status) => mayHaveBody("GET", status)), [false, false, false,
      false, false]);
    assert.deepEqual([200, 205, 206, 404, 500].map((status) => mayHaveBody("GET", status)), [true, true, true, true,
      true]);
    assert.equal(mayHaveBody("HEAD", 200), false);
  });

  test("a code without a registered phrase has none", () => {
    assert.deepEqual([reasonPhrase(200), reasonPhrase(299)], ["OK", ""]);
  });
});
