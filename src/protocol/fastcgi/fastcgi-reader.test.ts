import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cut } from "../../../tests/protocol/engine.ts";
import { endRequest, record, stderr, stdout } from "../../../tests/protocol/fastcgi.ts";
import {
  type PlayedResponse, type ResponseSetting, headLimits, playResponse, playResponseEveryWay, playResponseText,
} from "../../../tests/protocol/responses.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { ResponseMemory } from "../h1/index.ts";
import { IDLE_SIZE_MAX, STDERR_SIZE_MAX } from "./fastcgi-reader.ts";
import { FastCgiReader } from "./index.ts";

const kept: ResponseSetting = { reader: (bounds, memory) => new FastCgiReader(bounds, memory, true) };

function read(text: string, setting: ResponseSetting = {}): PlayedResponse {
  return playResponseEveryWay(text, { ...kept, ...setting });
}

function outcomeOf(text: string, setting: ResponseSetting = {}): string {
  return read(text, setting).outcome;
}

/** A reader that was given these records, all of them read. */
function readerOf(text: string): FastCgiReader {
  const reader = new FastCgiReader(headLimits, new ResponseMemory(), true);
  reader.expect("GET");
  reader.receive(fromLatin1(text));
  for (let event = reader.next(); event !== "need-data" && event !== "paused"; event = reader.next());
  return reader;
}

describe("a FastCGI response", () => {
  test("is a script's response in records of STDOUT, and ends with END_REQUEST", () => {
    const played = read(stdout("Status: 404 Not Found\r\nX: y\r\n\r\nbo") + stdout("dy") + endRequest());
    assert.deepEqual([played.outcome, played.head, played.body], ["reusable", "1.1 404 Not Found", "body"]);
    assert.deepEqual(played.lines, [["Status", "404 Not Found"], ["X", "y"]]);
  });

  test("may be cut into records anywhere, with any padding, also within the head", () => {
    const text = "Content-Type: text/plain\n\nhello";
    const expected = read(stdout(text) + endRequest());
    assert.equal(expected.body, "hello");
    for (let at = 0; at <= text.length; at++) {
      const records = stdout(text.slice(0, at), at % 9) + stdout("", 3) + stdout(text.slice(at), 255) + stdout("");
      assert.deepEqual(playResponseText(records + endRequest(0, 8), kept), expected);
    }
    assert.deepEqual(read(stdout(text, 7) + endRequest(0, 8)), expected);
  });

  test("without END_REQUEST is whole only if its own framing says so, and the connection is not used again", () => {
    assert.equal(outcomeOf(stdout("X:\r\n\r\nbody"), { ended: true }), "502 response_incomplete");
    assert.equal(outcomeOf(stdout("X:\r\n\r\nbody")), "incomplete");
    assert.equal(outcomeOf(stdout("Content-Length: 4\r\n\r\nbody")), "incomplete");
    assert.equal(outcomeOf(stdout("Content-Length: 4\r\n\r\nbody"), { ended: true }), "closing");
    const records = stdout("X: y\r\n\r\nbody") + stderr("oh") + endRequest(0, 4);
    for (let size = 0; size < records.length; size++) {
      const { outcome } = playResponseText(records.slice(0, size), { ...kept, ended: true });
      assert.equal(outcome, "502 response_incomplete");
    }
  });

  test("that is shorter than its Content-Length is not whole, one that is longer spoils the connection", () => {
    assert.equal(outcomeOf(stdout("Content-Length: 5\r\n\r\nbody") + endRequest()), "502 response_incomplete");
    const longer = read(stdout("Content-Length: 2\r\n\r\nbo") + stdout("dy") + endRequest());
    assert.deepEqual([longer.outcome, longer.body], ["closing", "bo"]);
    const together = playResponseText(stdout("Content-Length: 2\r\n\r\nbody") + endRequest(), kept);
    assert.deepEqual([together.outcome, together.body], ["closing", "bo"]);
    assert.equal(outcomeOf(stdout("X: y\r\n\r\nbody") + endRequest(), { method: "HEAD" }), "closing");
    assert.equal(outcomeOf(stdout("X: y\r\n\r\n") + endRequest(), { method: "HEAD" }), "reusable");
  });

  test("that never began is none", () => {
    assert.equal(outcomeOf(endRequest()), "502 response_incomplete");
    assert.equal(outcomeOf(stdout("X: y\r\n") + endRequest()), "502 response_incomplete");
    assert.equal(outcomeOf(stdout("Status: nothing\r\n\r\n")), "502 status_field");
    assert.equal(outcomeOf(stdout("Status: 101 Switching Protocols\r\n\r\n")), "502 status_field");
  });

  test("on a connection that was not to be kept is the last", () => {
    const reader: ResponseSetting = { reader: (bounds, memory) => new FastCgiReader(bounds, memory, false) };
    assert.equal(outcomeOf(stdout("X:\r\n\r\n") + endRequest(), reader), "closing");
  });

  test("what follows it is surplus, and what comes before a request is refused", () => {
    const whole = stdout("X:\r\n\r\n") + endRequest();
    assert.equal(outcomeOf(whole + stdout("x")), "surplus");
    const reader = new FastCgiReader(headLimits, new ResponseMemory(), true);
    assert.deepEqual([reader.reusable, reader.next()], [true, "paused"]);
    reader.receive(fromLatin1(whole));
    reader.keepRest();
    assert.equal(reader.reusable, false);
    reader.expect("GET");
    assert.deepEqual(reader.next(), { kind: "violation", status: 502, reason: "response_unexpected" });
  });

  test("is bounded as a server's head is, and told of informational ones", () => {
    const limits = { ...headLimits, headSizeMax: 100 };
    assert.equal(outcomeOf(stdout(`X: ${"y".repeat(93)}\r\n\r\n`) + endRequest(), { limits }), "reusable");
    assert.equal(outcomeOf(stdout(`X: ${"y".repeat(94)}\r\n\r\n`) + endRequest(), { limits }), "502 head_size");
    const early = read(stdout("Status: 103 Early Hints\r\n\r\nStatus: 200 OK\r\n\r\n") + endRequest());
    assert.deepEqual([early.informational.length, early.head], [1, "1.1 200 OK"]);
  });
});

describe("FastCGI records", () => {
  test("of another version, request or type are refused", () => {
    const wrong = [
      record(6, "x", { version: 0 }), record(6, "x", { version: 2 }), record(6, "x", { id: 0 }),
      record(6, "x", { id: 2 }), record(6, "x", { id: 257 }),
      ...[0, 1, 2, 4, 5, 8, 9, 10, 11, 255].map((type) => record(type, "12345678")),
      record(3, ""), record(3, "1234567"), record(3, "123456789"), "HTTP/1.1 200 OK\r\n\r\n",
    ];
    for (const text of wrong) {
      assert.equal(outcomeOf(text), "502 fastcgi_record", JSON.stringify(text));
      assert.equal(outcomeOf(stdout("X:\r\n\r\n") + text), "502 fastcgi_record", JSON.stringify(text));
    }
  });

  test("END_REQUEST that says anything but complete is a refusal", () => {
    for (const protocolStatus of [1, 2, 3, 255]) {
      assert.equal(outcomeOf(stdout("X:\r\n\r\n") + endRequest(protocolStatus)), "502 fastcgi_refused");
    }
  });

  test("STDERR is kept for the log, for this request only", () => {
    const text = stderr("PHP \xc3") + stdout("X:\r\n\r\n", 2) + stderr("\xa9 message", 5) + endRequest();
    assert.equal(outcomeOf(text), "reusable");
    const reader = readerOf(text);
    assert.equal(reader.stderr, "PHP é message");
    reader.expect("GET");
    assert.equal(reader.stderr, "");
  });

  test("STDERR is kept up to its bound", () => {
    assert.equal(readerOf(stderr("x".repeat(STDERR_SIZE_MAX))).stderr.length, STDERR_SIZE_MAX);
    const reader = readerOf(stderr("x".repeat(STDERR_SIZE_MAX - 1)) + stderr("yz".repeat(100)));
    assert.equal(reader.stderr, `${"x".repeat(STDERR_SIZE_MAX - 1)}y`);
  });

  test("STDERR with a word that is caught refuses the response, if it came before the head's end", () => {
    const catching: ResponseSetting = {
      reader: (bounds, memory) => new FastCgiReader(bounds, memory, true, ["Fatal \xc3\xa9", "Oops"]),
    };
    const answer = stdout("X: y\r\n\r\nbody") + endRequest();
    assert.equal(playResponseEveryWay(stderr("a Fatal \xc3") + stderr("\xa9!") + answer, catching).outcome,
      "502 fastcgi_stderr");
    for (const text of [stderr("fatal") + answer, stdout("X: y\r\n\r\n") + stderr("Oops") + answer, answer]) {
      assert.equal(playResponseText(text, catching).outcome, "reusable");
    }
    assert.equal(outcomeOf(stderr("Oops") + answer), "reusable");
  });

  test("that bring the response no further have an end", () => {
    const empty = Math.floor(IDLE_SIZE_MAX / 8);
    for (const text of [stdout(""), stdout("").replace("\x06", "\x07")]) {
      const last = stdout("X:\r\n\r\n") + endRequest();
      // The last record's header counts, too.
      assert.equal(playResponseText(text.repeat(empty - 1) + last, kept).outcome, "reusable");
      assert.equal(playResponseText(text.repeat(empty) + last, kept).outcome, "502 fastcgi_record");
    }
    const flood = stderr("x".repeat(65_000)).repeat(18);
    assert.equal(playResponseText(flood, kept).outcome, "502 fastcgi_record");
    const between = stderr("x".repeat(65_000)).repeat(10);
    const text = between + stdout("X:\r\n\r\n") + between + stdout("a") + between + endRequest();
    assert.equal(playResponseText(text, kept).outcome, "reusable");
  });

  test("cut anywhere say the same", () => {
    const unit = fc.constantFrom("a", "\r", "\n", "\0", "\xff");
    const part = fc.tuple(fc.string({ unit, maxLength: 12 }), fc.nat(255), fc.boolean());
    const cuts = fc.array(fc.nat(4000), { maxLength: 8 });
    fc.assert(fc.property(fc.array(part, { maxLength: 6 }), cuts, (parts, positions) => {
      const records = parts.map(([text, padding, isOut]) => (isOut ? stdout : stderr)(text, padding));
      const bytes = fromLatin1(stdout("X: y\r\n\r\n") + records.join("") + endRequest());
      const sorted = positions.map((at) => at % bytes.length).sort((a, b) => a - b);
      const played = playResponse(cut(bytes, ...sorted), kept);
      const body = parts.map(([text, , isOut]) => (isOut ? text : "")).join("");
      assert.deepEqual([played.outcome, played.body], ["reusable", body]);
    }));
  });
});
