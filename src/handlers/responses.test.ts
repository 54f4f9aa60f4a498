import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, refusals, textIn } from "../../tests/conf/blocks.ts";
import { RequestReader, SectionMemory } from "../protocol/h1/index.ts";
import type { FieldSection } from "../http/field-section.ts";
import { fromLatin1 } from "../std/bytes.ts";
import { type FixedResponse, emptyGif, stubStatusResponse } from "./index.ts";
import { responsesDirectives } from "./responses-directives.ts";

const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 16_384, headSizeMax: 32_768 };

function fields(line: string): FieldSection {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`GET / HTTP/1.1\r\nHost: a\r\n${line}${line === "" ? "" : "\r\n"}\r\n`));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request");
  return event.fields;
}

describe("empty_gif", () => {
  test("is a picture of 43 bytes as nginx dates it", () => {
    const answer = emptyGif(fields(""), "exact");
    assert.ok(typeof answer === "object");
    assert.deepEqual(answer.head.fields, [
      ["Content-Type", "image/gif"], ["Content-Length", "43"], ["Last-Modified", "Mon, 28 Sep 1970 06:00:00 GMT"],
    ]);
    assert.equal(answer.body.length, 43);
    assert.equal(answer.body.subarray(0, 6).latin1Slice(), "GIF89a");
    // Width and height, and the transparent colour that the only pixel has.
    assert.deepEqual([answer.body.readUInt16LE(6), answer.body.readUInt16LE(8), answer.body[25]], [1, 1, 1]);
  });

  const since = "If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT";
  const table: readonly (readonly [line: string, mode: "exact" | "before" | "off", status: number])[] = [
    [since, "exact", 304],
    [since, "before", 304],
    [since, "off", 200],
    ["If-Modified-Since: Mon, 28 Sep 1970 06:00:01 GMT", "exact", 200],
    ["If-Modified-Since: Mon, 28 Sep 1970 06:00:01 GMT", "before", 304],
    ["Range: bytes=0-2", "exact", 200],
    ['If-Match: "x"', "exact", 412],
    ["If-Match: *", "exact", 200],
  ];
  for (const [line, mode, status] of table) {
    test(`${line}, if_modified_since ${mode}: ${status}`, () => {
      const answer: FixedResponse | number = emptyGif(fields(line), mode);
      assert.equal(typeof answer === "number" ? answer : answer.head.status, status);
    });
  }
});

test("stub_status prints what nginx prints", () => {
  const { head, body } = stubStatusResponse({
    active: 291, accepted: 16_630_948, handled: 16_630_947, requests: 31_070_465, reading: 6, writing: 179,
    waiting: 106,
  });
  assert.equal(body.latin1Slice(),
    "Active connections: 291 \nserver accepts handled requests\n 16630948 16630947 31070465 \n"
      + "Reading: 6 Writing: 179 Waiting: 106 \n");
  assert.deepEqual(head.fields, [["Content-Type", "text/plain"], ["Content-Length", String(body.length)]]);
});

test("the directives of small responses are nginx's", () => {
  assert.deepEqual(contextMistakes(responsesDirectives), []);
  assert.deepEqual(exampleMistakes(responsesDirectives), []);
  assert.deepEqual(refusals(textIn("location", "stub_status on;"), responsesDirectives), []);
  assert.deepEqual(refusals(textIn("location", "empty_gif on;"), responsesDirectives), [
    'invalid number of arguments in "empty_gif" directive',
  ]);
});
