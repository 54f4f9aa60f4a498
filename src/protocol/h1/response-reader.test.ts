import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cut } from "../../../tests/protocol/engine.ts";
import {
  headLimits, playResponse, playResponseEveryWay, playResponseText,
} from "../../../tests/protocol/responses.ts";
import type { ResponseSetting } from "../../../tests/protocol/responses.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { ResponseMemory } from "./response-memory.ts";
import { INFORMATIONAL_COUNT_MAX, ResponseReader } from "./response-reader.ts";

/** A response with these field lines, and what stands behind its head. */
function withFields(lines: string, body = "", status = "HTTP/1.1 200 OK"): string {
  return `${status}\r\n${lines}\r\n${body}`;
}

function outcomeOf(text: string, setting?: ResponseSetting): string {
  return playResponseEveryWay(text, setting).outcome;
}

function newReader(): ResponseReader {
  return new ResponseReader(headLimits, new ResponseMemory());
}

describe("how a response's body ends", () => {
  test("Content-Length: behind so many bytes", () => {
    for (const [length, body, outcome] of [[5, "hello", "reusable"], [0, "", "reusable"], [5, "hell", "incomplete"],
      [5, "", "incomplete"], [5, "hello!", "surplus"], [0, "x", "surplus"], [0, "\r\n", "surplus"]] as const) {
      const played = playResponseEveryWay(withFields(`Content-Length: ${length}\r\n`, body));
      assert.deepEqual([played.outcome, played.body], [outcome, body.slice(0, length)]);
      assert.equal(played.rest, body.slice(length));
    }
  });

  test("chunked: with the last chunk and its trailer section, whose lines are given", () => {
    const head = withFields("Transfer-Encoding: chunked\r\n");
    const played = playResponseEveryWay(`${head}5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\nServer-Timing: a\r\n\r\n`);
    assert.deepEqual([played.outcome, played.body, played.trailers],
      ["reusable", "hello", [["X-Sum", "1"], ["Server-Timing", "a"]]]);
    assert.deepEqual(playResponseEveryWay(`${head}0\r\n\r\n`).trailers, []);
    for (const size of [0, 1, 2, 5, 8, 12, 14]) {
      assert.equal(outcomeOf(head + "5\r\nhello\r\n0\r\n\r\n".slice(0, size)), "incomplete");
    }
    assert.equal(outcomeOf(`${head}0\r\n\r\nx`), "surplus");
    assert.equal(outcomeOf(`${head}5\r\nhelloX`), "502 chunk_end");
    assert.equal(outcomeOf(`${head}0\r\nContent-Length: 5\r\n\r\n`), "502 trailer_section");
    assert.equal(outcomeOf(`${head}0\r\nX: ${"y".repeat(16_400)}\r\n\r\n`), "502 field_size");
  });

  test("without either: with the connection, which is not used again", () => {
    for (const status of ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK"]) {
      for (const lines of ["", "Connection: keep-alive\r\n", "Connection: close\r\n"]) {
        const text = withFields(lines, "hello", status);
        assert.equal(outcomeOf(text), "incomplete");
        const played = playResponseEveryWay(text, { ended: true });
        assert.deepEqual([played.outcome, played.body], ["closing", "hello"]);
        assert.equal(outcomeOf(withFields(lines, "", status), { ended: true }), "closing");
      }
    }
  });

  test("to HEAD, and with 204 or 304, there is none, whatever the fields say", () => {
    for (const lines of ["", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"]) {
      const bodiless: readonly (readonly [method: string, status: string])[] = [
        ["HEAD", "HTTP/1.1 200 OK"], ["GET", "HTTP/1.1 204 No Content"], ["POST", "HTTP/1.1 304 Not Modified"],
      ];
      for (const [method, status] of bodiless) {
        assert.equal(outcomeOf(withFields(lines, "", status), { method }), "reusable");
        assert.equal(outcomeOf(withFields(lines, "hello", status), { method }), "surplus");
      }
    }
  });

  test("after a CONNECT that succeeded, with the connection: it is no longer HTTP", () => {
    const text = withFields("Content-Length: 2\r\n", "hello");
    assert.equal(outcomeOf(text, { method: "CONNECT" }), "incomplete");
    assert.equal(playResponseEveryWay(text, { method: "CONNECT", ended: true }).body, "hello");
    const refused = withFields("Content-Length: 2\r\n", "no", "HTTP/1.1 403 Forbidden");
    assert.equal(outcomeOf(refused, { method: "CONNECT" }), "reusable");
  });

  test("a response that is cut at any byte is never whole", () => {
    const texts = [withFields("Content-Length: 5\r\n", "hello"),
      withFields("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
      `HTTP/1.1 100 Continue\r\n\r\n${withFields("Content-Length: 1\r\n", "x")}`];
    for (const text of texts) {
      for (let size = 0; size < text.length; size++) {
        assert.equal(playResponseText(text.slice(0, size), { ended: true }).outcome, "502 response_incomplete");
      }
      assert.equal(playResponseText(text, { ended: true }).outcome, "closing");
    }
  });
});

describe("what is refused", () => {
  test("two framings, and framings that cannot be read", () => {
    const table: readonly (readonly [string, string])[] = [
      ["Content-Length: 5\r\nContent-Length: 5\r\n", "content_length_repeated"],
      ["Content-Length: 5\r\nContent-Length: 6\r\n", "content_length_repeated"],
      ["Content-Length: 5, 5\r\n", "content_length_invalid"], ["Content-Length: \r\n", "content_length_invalid"],
      ["Content-Length: +5\r\n", "content_length_invalid"], ["Content-Length: 0x5\r\n", "content_length_invalid"],
      ["Content-Length: 5 \x0b\r\n", "field_value"], ["Content-Length: 5_0\r\n", "content_length_invalid"],
      ["Content-Length: 1000000000000000\r\n", "content_length_invalid"],
      ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "length_and_transfer_encoding"],
      ["Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "length_and_transfer_encoding"],
      ["Transfer-Encoding: gzip\r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: gzip, chunked\r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: chunked, identity\r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: identity\r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: \r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: xchunked\r\n", "transfer_encoding_invalid"],
      ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "transfer_encoding_invalid"],
    ];
    for (const [lines, reason] of table) {
      for (const method of ["GET", "HEAD"]) {
        assert.equal(outcomeOf(withFields(lines), { method }), `502 ${reason}`, lines);
      }
    }
    const old = withFields("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "HTTP/1.0 200 OK");
    assert.equal(outcomeOf(old), "502 transfer_encoding_version");
  });

  test("lines that are no field lines", () => {
    const table: readonly (readonly [string, string])[] = [
      ["X : y\r\n", "field_name"], ["X\r\n", "field_name"], [": y\r\n", "field_name"], ["X y: z\r\n", "field_name"],
      [" X: y\r\n", "obs_fold"], ["X: y\r\n z\r\n", "obs_fold"], ["X: y\r\n\tz\r\n", "obs_fold"],
      ["X\n", "field_name"], ["X: y\n z\n", "obs_fold"], ["X: \ry\r\n", "bare_cr"], ["X: y\0\r\n", "field_value"],
      ["X: y\r\n\r", "bare_cr"],
    ];
    for (const [lines, reason] of table) {
      assert.equal(outcomeOf(withFields(lines)), `502 ${reason}`, JSON.stringify(lines));
    }
  });

  test("no field for its name or for what only a request must not say", () => {
    const lines = "Content-Type: a\r\nContent-Type: b\r\nHost: a b\r\nHost:\r\nExpect: x\r\nX_Y: z\r\n1: 2\r\n" +
      "Date: never\r\n";
    const played = playResponseEveryWay(withFields(`${lines}Content-Length: 0\r\n`));
    assert.deepEqual([played.outcome, played.lines.length], ["reusable", 9]);
    assert.deepEqual(played.lines.slice(0, 3), [["Content-Type", "a"], ["Content-Type", "b"], ["Host", "a b"]]);
  });

  test("bytes before a request was sent", () => {
    const response = fromLatin1(withFields("Content-Length: 0\r\n"));
    const early = newReader();
    assert.equal(early.reusable, true);
    assert.equal(early.next(), "paused");
    early.receive(response);
    assert.equal(early.reusable, false);
    assert.deepEqual(early.next(), { kind: "violation", status: 502, reason: "response_unexpected" });
    const poisoned = newReader();
    poisoned.receive(response);
    poisoned.keepRest();
    poisoned.expect("GET");
    assert.deepEqual(poisoned.next(), { kind: "violation", status: 502, reason: "response_unexpected" });
    assert.equal(poisoned.next(), "paused");
  });

  test("bytes between two responses: what follows one is never read as the next", () => {
    const response = withFields("Content-Length: 0\r\n");
    const reader = newReader();
    reader.expect("GET");
    reader.receive(fromLatin1(response + response));
    assert.deepEqual([typeof reader.next(), typeof reader.next()], ["object", "object"]);
    assert.deepEqual([reader.reusable, reader.pendingSize], [false, response.length]);
    reader.expect("GET");
    assert.deepEqual(reader.next(), { kind: "violation", status: 502, reason: "response_unexpected" });
  });

  test("a connection that ended before", () => {
    const reader = newReader();
    reader.inputEnded();
    assert.equal(reader.reusable, false);
    reader.expect("GET");
    assert.equal(reader.begun, false);
    assert.deepEqual(reader.next(), { kind: "violation", status: 502, reason: "response_incomplete" });
  });
});

describe("the bounds", () => {
  test("of a head", () => {
    const limits = { ...headLimits, headSizeMax: 100, fieldSizeMax: 60, fieldCountMax: 4 };
    // 17 bytes of status line, 19 of length, 2 of the empty line.
    const head = (size: number): string => `X: ${"y".repeat(size - 43)}\r\nContent-Length: 0\r\n`;
    assert.equal(outcomeOf(withFields(head(100)), { limits: { ...limits, fieldSizeMax: 100 } }), "reusable");
    assert.equal(outcomeOf(withFields(head(101)), { limits: { ...limits, fieldSizeMax: 100 } }), "502 head_size");
    assert.equal(outcomeOf(withFields(head(98)), { limits }), "reusable");
    assert.equal(outcomeOf(withFields(head(99)), { limits }), "502 field_size");
    assert.equal(outcomeOf(withFields(`${"A:\r\n".repeat(3)}Content-Length: 0\r\n`), { limits }), "reusable");
    assert.equal(outcomeOf(withFields(`${"A:\r\n".repeat(4)}Content-Length: 0\r\n`), { limits }), "502 field_count");
  });

  test("of a head hold for one that was seen before with wider ones, too", () => {
    const text = withFields(`X: ${"y".repeat(60)}\r\nY: z\r\nContent-Length: 0\r\n`);
    const narrow = [{ headSizeMax: 100 }, { fieldSizeMax: 64 }, { fieldCountMax: 2 }];
    const memory = new ResponseMemory();
    for (let time = 0; time < 3; time++) playResponseText(text, { memory });
    for (const bound of narrow) {
      const limits = { ...headLimits, ...bound };
      const { outcome } = playResponseText(text, { limits });
      assert.match(outcome, /^502 (?:head_size|field_size|field_count)$/);
      assert.equal(playResponseText(text, { limits, memory }).outcome, outcome);
    }
  });

  test("of informational responses", () => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const final = withFields("Content-Length: 0\r\n");
    const played = playResponseEveryWay(early.repeat(INFORMATIONAL_COUNT_MAX) + final);
    assert.deepEqual([played.outcome, played.informational.length], ["reusable", INFORMATIONAL_COUNT_MAX]);
    assert.deepEqual(played.informational[0], [103, [["Link", "</a>"]]]);
    assert.equal(outcomeOf(early.repeat(INFORMATIONAL_COUNT_MAX + 1) + final), "502 informational_count");
  });
});

describe("informational responses", () => {
  test("are told one by one, and have no body, whatever their fields say", () => {
    const text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n" +
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\nLink: b\r\n\r\n";
    const played = playResponseEveryWay(text + withFields("Content-Length: 2\r\n", "ok"));
    const told = played.informational.map(([status, lines]) => [status, lines.length]);
    assert.deepEqual(told, [[100, 0], [102, 1], [103, 2]]);
    assert.deepEqual([played.outcome, played.body], ["reusable", "ok"]);
    assert.equal(outcomeOf(text), "incomplete");
    assert.equal(outcomeOf(text, { ended: true }), "502 response_incomplete");
    const coded = "HTTP/1.1 100 Continue\r\nTransfer-Encoding: gzip\r\n\r\n";
    assert.equal(outcomeOf(coded), "502 transfer_encoding_invalid");
  });

  test("are counted anew for each response", () => {
    const reader = newReader();
    const text = "HTTP/1.1 100 Continue\r\n\r\n".repeat(INFORMATIONAL_COUNT_MAX) + withFields("Content-Length: 0\r\n");
    for (let time = 0; time < 3; time++) {
      reader.expect("PUT");
      reader.receive(fromLatin1(text));
      for (let event = reader.next(); event !== "paused"; event = reader.next()) {
        assert.ok(typeof event === "object" && event.kind !== "violation");
      }
      assert.ok(reader.reusable);
    }
  });

  test("101 ends HTTP: what follows is the other protocol's", () => {
    const text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Foo, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    for (const lines of ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"]) {
      const played = playResponseEveryWay(`${text.slice(0, -2)}${lines}\r\n\x81\x02hi`);
      assert.deepEqual([played.outcome, played.rest, played.upgrade], ["switched", "\x81\x02hi", "websocket"]);
      assert.deepEqual(played.connectionOptions, ["foo", "upgrade"]);
    }
  });
});

describe("whether a connection is used again", () => {
  test("is what version and Connection say", () => {
    const table: readonly (readonly [version: string, lines: string, outcome: string])[] = [
      ["1.1", "", "reusable"], ["1.1", "Connection: close\r\n", "closing"], ["1.0", "", "closing"],
      ["1.0", "Connection: keep-alive\r\n", "reusable"], ["1.0", "Connection: Keep-Alive, X\r\n", "reusable"],
      ["1.1", "Connection: keep-alive\r\n", "reusable"], ["1.1", "Connection: keep-alive, CLOSE\r\n", "closing"],
      ["1.1", "Connection: x\r\nConnection: close\r\n", "closing"], ["1.0", "Connection: keepalive\r\n", "closing"],
      ["1.1", "Connection: closed\r\n", "reusable"], ["1.1", "Proxy-Connection: close\r\n", "reusable"],
    ];
    for (const [version, lines, outcome] of table) {
      const text = withFields(`${lines}Content-Length: 0\r\n`, "", `HTTP/${version} 200 OK`);
      assert.equal(outcomeOf(text), outcome, lines);
    }
  });

  test("Connection's options are given from all its lines, and Upgrade only if it names it", () => {
    const lines = "Connection: A, b\r\nUpgrade: h2c\r\nConnection: C\r\nContent-Length: 0\r\n";
    const played = playResponseEveryWay(withFields(lines));
    assert.deepEqual([played.connectionOptions, played.upgrade], [["a", "b", "c"], undefined]);
  });

  test("not when LF alone ends a line of a head, which is taken (RFC 9112 §2.2)", () => {
    const length = "Content-Length: 2";
    const heads = [`HTTP/1.1 200 OK\nX: y\n${length}\n\n`, `HTTP/1.1 200 OK\nX: y\r\n${length}\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nX: y\n${length}\r\n\r\n`, `HTTP/1.1 200 OK\r\nX: y\r\n${length}\r\n\n`,
      `HTTP/1.1 200 OK\r\nX: y\r\n${length}\n\r\n`,
      `HTTP/1.1 200 OK\nConnection: keep-alive\nX: y\n${length}\n\n`];
    for (const head of heads) {
      const played = playResponseEveryWay(`${head}ok`);
      const told = [played.head, played.body, played.outcome];
      assert.deepEqual(told, ["1.1 200 OK", "ok", "closing"], JSON.stringify(head));
      assert.deepEqual(played.lines.slice(-2), [["X", "y"], ["Content-Length", "2"]]);
      assert.equal(outcomeOf(`${head}ok!`), "surplus");
    }
    assert.equal(outcomeOf("HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 0\n\n"), "closing");
  });

  test("not when it was an informational response's head, or when that says so", () => {
    const final = withFields("Content-Length: 0\r\n");
    for (const early of ["HTTP/1.1 103 Early Hints\nLink: a\n\n", "HTTP/1.1 100 Continue\r\n\n",
      "HTTP/1.1 102 Processing\r\nConnection: close\r\n\r\n"]) {
      const played = playResponseEveryWay(early + final);
      assert.deepEqual([played.outcome, played.informational.length], ["closing", 1], early);
    }
  });

  test("LF alone ends no line of a chunked body", () => {
    const head = withFields("Transfer-Encoding: chunked\r\n");
    assert.equal(outcomeOf(`${head}5\nhello\r\n0\r\n\r\n`), "502 chunk_size");
    assert.equal(outcomeOf(`${head}5\r\nhello\n0\r\n\r\n`), "502 chunk_end");
    assert.equal(outcomeOf(`${head}0\r\nX: y\n\r\n`), "502 trailer_section");
    assert.equal(outcomeOf(`${head}0\r\n\n`), "502 trailer_section");
  });

  test("not when the peer has closed its half", () => {
    assert.equal(outcomeOf(withFields("Content-Length: 0\r\n"), { ended: true }), "closing");
  });
});

describe("a script's response", () => {
  const script = { role: "script", ended: true } as const;

  test("says its status in a field, or is 200, or 302 with a Location", () => {
    const table: readonly (readonly [string, string])[] = [
      ["Content-Type: text/html\r\n", "1.1 200 OK"], ["Location: /a\r\n", "1.1 302 Found"],
      ["Status: 404 Not Found\r\nLocation: /a\r\n", "1.1 404 Not Found"], ["status: 500\r\n", "1.1 500 "],
      ["X: y\r\nStatus: 299 a  b \r\n", "1.1 299 a  b"],
    ];
    for (const [lines, head] of table) {
      const played = playResponseEveryWay(`${lines}\r\nbody`, script);
      assert.deepEqual([played.head, played.body, played.outcome], [head, "body", "closing"]);
      assert.equal(played.lines.length, lines.split("\r\n").length - 1, "Status stays among the lines");
    }
    for (const status of ["", "20", "2000 OK", "099", "OK", "200OK", "200\tOK", "-20"]) {
      assert.equal(outcomeOf(`Status: ${status}\r\n\r\n`, script), "502 status_field", status);
    }
    assert.equal(outcomeOf("Status: 200\r\nStatus: 200\r\n\r\n", script), "502 status_field");
    assert.equal(outcomeOf("\r\nbody", script), "502 status_field", "at least one field is a must (RFC 3875 §6.2)");
  });

  test("may begin with a status line instead", () => {
    const played = playResponseEveryWay("HTTP/1.0 404 Gone away\r\nStatus: 200\r\n\r\nbody", script);
    assert.deepEqual([played.head, played.body], ["1.0 404 Gone away", "body"]);
    assert.equal(outcomeOf("HTTP/1.1 2OO OK\r\n\r\n", script), "502 status_line");
    assert.equal(outcomeOf("HTTP/2 200\r\n\r\n", script), "502 version");
    assert.equal(outcomeOf("HTT: a\r\n\r\n", script), "closing", "a field that begins like one is none");
    assert.equal(outcomeOf("HTTP", script), "502 response_incomplete");
  });

  test("may end its lines with LF (RFC 3875 §7.2)", () => {
    const texts = ["Status: 201 Made\nX: y\n\nbody", "HTTP/1.1 201 Made\nX: y\r\n\nbody",
      "Status: 201 Made\r\nX: y\n\r\nbody"];
    for (const text of texts) {
      const played = playResponseEveryWay(text, script);
      assert.deepEqual([played.head, played.lines.at(-1), played.body], ["1.1 201 Made", ["X", "y"], "body"]);
    }
    assert.equal(outcomeOf("X: y\rZ: a\n\nbody", script), "502 bare_cr");
  });

  test("ends as a server's does, and its connection carries nothing else", () => {
    assert.equal(outcomeOf("Content-Length: 5\r\n\r\nhello", { role: "script" }), "closing");
    assert.equal(outcomeOf("Content-Length: 5\r\n\r\nhell", script), "502 response_incomplete");
    assert.equal(outcomeOf("Content-Length: 5\r\n\r\nhello!", script), "surplus");
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert.equal(playResponseEveryWay(chunked, script).body, "hello");
    assert.equal(outcomeOf("Status: 204\r\n\r\n", { role: "script" }), "closing");
    assert.equal(outcomeOf("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", script),
      "502 length_and_transfer_encoding");
  });
});

describe("any response", () => {
  test("cut anywhere, comes out as it went in", () => {
    const name = fc.constantFrom("Server", "Set-Cookie", "X", "Date", "content-type");
    const value = fc.constantFrom("", "a", "a b", "\xe9", "x".repeat(200));
    const lines = fc.array(fc.tuple(name, value), { maxLength: 6 });
    const body = fc.string({ unit: fc.constantFrom("a", "b", "\r", "\n", "0", "\0", "\xff"), maxLength: 60 });
    const framing = fc.constantFrom("length", "chunked", "close");
    const cuts = fc.array(fc.nat(2000), { maxLength: 8 });
    const memory = new ResponseMemory();
    fc.assert(fc.property(lines, body, framing, cuts, fc.boolean(), (fields, content, kind, positions, hints) => {
      const text = fields.map((field) => `${field.join(": ")}\r\n`).join("");
      const framed = kind === "length" ? `Content-Length: ${content.length}\r\n\r\n${content}`
        : kind === "close" ? `\r\n${content}`
        : `Transfer-Encoding: chunked\r\n\r\n${
          content === "" ? "" : `${content.length.toString(16)}\r\n${content}\r\n`}0\r\n\r\n`;
      const early = hints ? "HTTP/1.1 103 Early Hints\r\n\r\n" : "";
      const bytes = fromLatin1(`${early}HTTP/1.1 200 OK\r\n${text}${framed}`);
      const sorted = positions.map((at) => at % bytes.length).sort((a, b) => a - b);
      const played = playResponse(cut(bytes, ...sorted), { memory, ended: kind === "close" });
      assert.deepEqual([played.outcome, played.body], [kind === "close" ? "closing" : "reusable", content]);
      assert.deepEqual(played.lines.slice(0, fields.length), fields);
      assert.equal(played.informational.length, hints ? 1 : 0);
    }), { numRuns: 1500 });
  });
});
