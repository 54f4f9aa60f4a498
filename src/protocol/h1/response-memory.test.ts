import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { headLimits, playResponse, playResponseText } from "../../../tests/protocol/responses.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import type { ReceivedHead } from "./received-head.ts";
import { HEAD_SIZE_MAX, ResponseMemory } from "./response-memory.ts";
import { ResponseReader } from "./response-reader.ts";

/** The head that a new connection's reader gives for this response. */
function headOf(text: string, memory: ResponseMemory, role?: "script"): ReceivedHead {
  const reader = new ResponseReader(headLimits, memory, role);
  reader.expect("GET");
  reader.receive(fromLatin1(text));
  const event = reader.next();
  return typeof event === "object" && event.kind === "response" ? event : assert.fail(JSON.stringify(event));
}

const response = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 1234\r\n\r\n";

describe("the memory of response heads", () => {
  test("gives the same head again, on any connection, with what was made of it", () => {
    const memory = new ResponseMemory();
    const first = headOf(response, memory);
    const second = headOf(response, memory);
    assert.notEqual(second, first, "once is not enough");
    assert.equal(headOf(`${response}body`, memory), second);
    const reader = new ResponseReader(headLimits, memory);
    for (let time = 0; time < 3; time++) {
      reader.expect("HEAD");
      reader.receive(fromLatin1(response));
      assert.equal(reader.next(), second);
      reader.next();
    }
    assert.equal(headOf(response.replace("4", "5"), memory).contentLength, 1235);
  });

  test("finds a head that came in pieces, once it is read", () => {
    const memory = new ResponseMemory();
    headOf(response, memory);
    const kept = headOf(response, memory);
    const reader = new ResponseReader(headLimits, memory);
    reader.expect("GET");
    reader.receive(fromLatin1(response.slice(0, 40)));
    assert.equal(reader.next(), "need-data");
    reader.keepRest();
    reader.receive(fromLatin1(response.slice(40)));
    assert.equal(reader.next(), kept);
  });

  test("tells heads apart that differ in one byte anywhere, and keeps many of them", () => {
    const memory = new ResponseMemory();
    const others = Array.from({ length: 100 }, (_, number) => response.replace("1234", String(1000 + number)));
    for (let time = 0; time < 3; time++) for (const other of others) headOf(other, memory);
    const found = others.filter((other) => headOf(other, memory) === headOf(other, memory));
    assert.ok(found.length > 75, `${found.length} of 100 are found`);
    for (const other of others) {
      assert.equal(headOf(other, memory).contentLength, Number(/\d{4}(?=\r\n\r\n)/.exec(other)?.[0]));
    }
    for (let at = 17; at < response.length - 4; at++) {
      const other = `${response.slice(0, at)}9${response.slice(at + 1)}`;
      assert.deepEqual(playResponseText(other, { memory }), playResponseText(other));
    }
  });

  test("keeps nothing large", () => {
    const memory = new ResponseMemory();
    const sized = (size: number): string => `HTTP/1.1 200 OK\r\nX: ${"y".repeat(size - 24)}\r\n\r\n`;
    for (let time = 0; time < 2; time++) headOf(sized(HEAD_SIZE_MAX), memory);
    assert.equal(headOf(sized(HEAD_SIZE_MAX), memory), headOf(sized(HEAD_SIZE_MAX), memory));
    for (let time = 0; time < 2; time++) headOf(sized(HEAD_SIZE_MAX + 1), memory);
    assert.notEqual(headOf(sized(HEAD_SIZE_MAX + 1), memory), headOf(sized(HEAD_SIZE_MAX + 1), memory));
  });

  test("never takes a script's head for a server's, nor the other way round", () => {
    const memory = new ResponseMemory();
    for (let time = 0; time < 3; time++) headOf(response, memory);
    assert.equal(headOf(response, memory, "script").role, "script");
    const script = "Status: 200 OK\r\n\r\n";
    for (let time = 0; time < 3; time++) headOf(script, memory, "script");
    assert.equal(playResponseText(script, { memory }).outcome, "502 status_line");
  });

  test("a hit and a miss say the same of many random responses", () => {
    const line = fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 100 Continue", "HTTP/1.1 204 N",
      "HTTP/1.1 101 S", "HTTP/1.1 304 N");
    const name = fc.constantFrom("Server", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Status");
    const value = fc.constantFrom("", "a", "0", "2", "close", "keep-alive", "upgrade", "chunked", "a".repeat(100));
    const lines = fc.array(fc.tuple(name, value), { maxLength: 4 })
      .map((fields) => fields.map((field) => `${field.join(": ")}\r\n`).join(""));
    const rest = fc.constantFrom("", "ab", "0\r\n\r\n", "2\r\nab\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
    const text = fc.tuple(line, lines, rest).map(([first, fields, behind]) => `${first}\r\n${fields}\r\n${behind}`);
    const memory = new ResponseMemory();
    fc.assert(fc.property(text, fc.constantFrom("GET", "HEAD", "CONNECT"), fc.boolean(), (given, method, ended) => {
      const bytes = [fromLatin1(given)];
      const expected = playResponse(bytes, { method, ended });
      for (let time = 0; time < 3; time++) assert.deepEqual(playResponse(bytes, { method, ended, memory }), expected);
    }), { numRuns: 2000 });
  });
});
