import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ResponseHead } from "../../http/response-head.ts";
import {
  CONTINUE, LAST_CHUNK, chooseFraming, formatChunkSize, formatHeadLines, formatInformational, formatTrailers,
} from "./response-writer.ts";

describe("the response writer", () => {
  test("writes a status line and field lines in their order, each with its CRLF", () => {
    const fields = [["Set-Cookie", "a=b"], ["X", ""], ["Set-Cookie", "c=\xe9"]] as const;
    assert.equal(formatHeadLines(200, "OK", fields),
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX: \r\nSet-Cookie: c=\xe9\r\n");
    // RFC 9112 §4: the reason may be empty, its space may not be missing.
    assert.equal(formatHeadLines(299, "", []), "HTTP/1.1 299 \r\n");
  });

  test("writes informational responses whole", () => {
    assert.equal(CONTINUE, "HTTP/1.1 100 Continue\r\n\r\n");
    assert.equal(formatInformational(103, [["Link", "</a>"]]), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  });

  test("writes chunks and trailers", () => {
    assert.deepEqual([1, 10, 255, 65_536].map(formatChunkSize), ["1\r\n", "a\r\n", "ff\r\n", "10000\r\n"]);
    assert.equal(formatTrailers([]), LAST_CHUNK);
    assert.equal(formatTrailers([["X", "y"]]), "0\r\nX: y\r\n\r\n");
  });

  test("chooses the framing that RFC 9112 §6.3 allows", () => {
    const unknown = new ResponseHead(200, "OK", []);
    const known = new ResponseHead(200, "OK", [["content-length", "5"]]);
    assert.deepEqual(chooseFraming(known, false, 1, 5), { kind: "none" });
    assert.deepEqual(chooseFraming(known, true, 1, -1), { kind: "length", length: 5 });
    assert.deepEqual(chooseFraming(known, true, 1, 7), { kind: "length", length: 5 });
    assert.deepEqual(chooseFraming(unknown, true, 0, 7), { kind: "length", length: 7 });
    assert.deepEqual(chooseFraming(unknown, true, 1, 0), { kind: "length", length: 0 });
    assert.deepEqual(chooseFraming(unknown, true, 1, -1), { kind: "chunked" });
    assert.deepEqual(chooseFraming(unknown, true, 0, -1), { kind: "close" });
  });
});
