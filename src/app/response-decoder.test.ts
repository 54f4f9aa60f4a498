import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type WireValue, askPython } from "../../tests/protocol/python.ts";
import { ResponseHead } from "../http/response-head.ts";
import { MalformedFrame, MarshalReader } from "../protocol/wire/index.ts";
import { asBytes, concatBytes } from "../std/bytes.ts";
import { ResponseDecoder } from "./response-decoder.ts";

const bytes = (text: string): WireValue => ({ bytes: Buffer.from(text, "latin1").toString("hex") });
const pairs = (...fields: readonly (readonly [string, string])[]): WireValue =>
  fields.map((field) => ({ tuple: field }));

/** Heads as a worker's marshal writes them: status and headers one behind the other. */
function dump(heads: readonly (readonly [status: WireValue, headers: WireValue])[]): readonly Uint8Array[] {
  const { dumps } = askPython({ dumps: heads.flat() });
  return heads.map((_, index) => concatBytes(dumps.slice(index * 2, index * 2 + 2)));
}

function readerOf(head: Uint8Array): MarshalReader {
  return new MarshalReader(asBytes(head), 0, head.length);
}

describe("the response decoder", () => {
  test("reads WSGI's and ASGI's heads alike", () => {
    const heads = dump([
      ["200 OK", pairs(["X", "a"], ["X", "b"])],
      [200, [{ tuple: [bytes("x"), bytes("\xe9")] }]],
      ["404", []], ["200 ", []], ["200 Sch\u00f6n", []], [299, []], ["201 OK  ", pairs(["Content-Length", "5"])],
    ]).map((head) => new ResponseDecoder().decode(readerOf(head)));
    assert.deepEqual(heads.map((head) => (head instanceof ResponseHead ? [head.status, head.reason,
      head.fields] : head)), [
      [200, "OK", [["X", "a"], ["X", "b"]]], [200, "OK", [["x", "\xe9"]]], [404, "Not Found", []], [200, "", []],
      [200, "Sch\u00f6n", []], [299, "", []], [201, "OK  ", [["Content-Length", "5"]]],
    ]);
  });

  test("gives the same head for the same bytes, and another for others", () => {
    const decoder = new ResponseDecoder();
    const [first = new Uint8Array(), second = new Uint8Array()] = dump([["200 OK", pairs(["X", "a"])], ["200 OK",
      pairs(["X", "b"])]]);
    const head = decoder.decode(readerOf(first));
    assert.equal(decoder.decode(readerOf(Buffer.from(first))), head);
    assert.notEqual(decoder.decode(readerOf(second)), head);
    assert.equal(decoder.decode(readerOf(first)), head);
  });

  test("refuses what must never leave, and names no value", () => {
    const heads = dump([
      ["200 OK", pairs(["X", "a\r\nSet-Cookie: b"])], ["200 OK", pairs(["X\r\nY", "a"])], ["200 OK", pairs(["", "a"])],
      ["200 OK\r\nX: y", []], ["200 O\u20acK", []], ["200 OK", pairs(["X", "\u20ac"])], ["200 OK", pairs(["X", "\0"])],
      ["OK", []], ["", []], ["20", []], ["2000 OK", []], ["200OK", []], [" 200 OK", []], ["\u0662\u0660\u0660 OK", []],
      [0, []], [99, []], [1000, []], [-1, []],
      ["200 OK", pairs(["Content-Length", "-1"])], ["200 OK", pairs(["Content-Length", "1"], ["content-length", "2"])],
      ["200 OK", pairs(["Content-Length", "1, 1"])],
    ]);
    for (const head of heads) {
      const decoder = new ResponseDecoder();
      for (let time = 0; time < 2; time++) {
        const refused = decoder.decode(readerOf(head));
        assert.ok("refused" in refused, Buffer.from(head).toString("latin1"));
        assert.doesNotMatch(refused.refused, /Set-Cookie/);
      }
    }
  });

  test("what no worker of ours writes is malformed", () => {
    const heads = dump([
      ["200 OK", null], ["200 OK", "X: y"], [null, []], [true, []], [[], []],
      ["200 OK", [{ tuple: ["X"] }]], ["200 OK", [{ tuple: ["X", "y", "z"] }]], ["200 OK", [{ tuple: ["X", 1] }]],
      ["200 OK", [{ tuple: [null, "y"] }]], ["200 OK", [1]],
    ]);
    const [whole = new Uint8Array()] = dump([["200 OK", pairs(["X", "y"])]]);
    const more = concatBytes([whole, Buffer.from("N")]);
    for (const head of [...heads, more, whole.subarray(0, -1), whole.subarray(0, 3), new Uint8Array()]) {
      assert.throws(() => new ResponseDecoder().decode(readerOf(head)), MalformedFrame,
        Buffer.from(head).toString("latin1"));
    }
  });

  test("takes so many fields and no more", () => {
    const many = (count: number): WireValue => Array.from({ length: count }, () => ({ tuple: ["a", "b"] }));
    const [most = new Uint8Array(), beyond = new Uint8Array()] = dump([["200 OK", many(4096)], ["200 OK", many(4097)]]);
    assert.ok("status" in new ResponseDecoder().decode(readerOf(most)));
    assert.throws(() => new ResponseDecoder().decode(readerOf(beyond)), MalformedFrame);
  });

  test("remembers a bounded number of heads", () => {
    const decoder = new ResponseDecoder();
    const heads = dump(Array.from({ length: 1030 }, (_, index) => ["200 OK", pairs(["ETag", String(index)])] as const));
    const [first = new Uint8Array()] = heads;
    const head = decoder.decode(readerOf(first));
    for (const other of heads) decoder.decode(readerOf(other));
    const again = decoder.decode(readerOf(first));
    assert.notEqual(again, head);
    assert.deepEqual(again, head);
  });
});
