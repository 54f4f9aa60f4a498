import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cut, limits, play, playEveryWay, playText } from "../../../tests/protocol/engine.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { RequestReader } from "./request-reader.ts";
import { SectionMemory } from "./section-memory.ts";

function post(lines: string, rest = "", version = "HTTP/1.1"): string {
  return `POST / ${version}\r\nHost: a\r\n${lines}\r\n${rest}`;
}

function byteText(byte: number): string {
  return String.fromCharCode(byte);
}

describe("Content-Length", () => {
  test("accepts exactly one to fifteen digits", () => {
    const odd = fc.constantFrom(...Array.from("0123456789+-_,.xe \t\0\x0b\xa0\xb2\r"));
    const digits = fc.string({ unit: fc.constantFrom(...Array.from("0123456789")), maxLength: 18 });
    fc.assert(fc.property(fc.oneof(digits, fc.string({ unit: odd, maxLength: 17 })), (value) => {
      const { outcome, requests } = playText(post(`Content-Length:${value}\r\n`));
      const given = value.replace(/^[ \t]+|[ \t]+$/g, "");
      if (/^[0-9]{1,15}$/.test(given)) {
        assert.equal(requests[0]?.semantics.contentLength, Number(given));
        assert.equal(outcome, Number(given) === 0 ? "idle" : "incomplete");
      } else {
        assert.match(outcome, /^400 (?:content_length_invalid|field_value|bare_cr)$/, JSON.stringify(value));
      }
    }), { numRuns: 5000 });
    for (const digits of ["9".repeat(15), "0".repeat(14) + "5"]) {
      assert.equal(playEveryWay(post(`Content-Length: ${digits}\r\n`)).outcome, "incomplete");
    }
    for (const digits of ["1".repeat(16), "0".repeat(15) + "5", "9007199254740993", "18446744073709551621"]) {
      assert.equal(playEveryWay(post(`Content-Length: ${digits}\r\n`)).outcome, "400 content_length_invalid");
    }
  });

  test("any byte in, before or behind it is refused unless it is a digit or a blank at the ends", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const value of [`${text}5`, `1${text}5`, `5${text}`]) {
        const { outcome } = playText(post(`Content-Length: ${value}\r\n`));
        const isAccepted = /^[ \t]*[0-9]+[ \t]*$/.test(value);
        if (isAccepted) assert.equal(outcome, "incomplete", JSON.stringify(value));
        else assert.match(outcome, /^400 /, JSON.stringify(value));
      }
    }
  });

  test("a second one is refused, equal or not", () => {
    for (const second of ["5", "6", "", "05"]) {
      const lines = `Content-Length: 5\r\nX: y\r\ncontent-length: ${second}\r\n`;
      assert.equal(playEveryWay(post(lines, "hello")).outcome, "400 content_length_repeated");
    }
  });

  test("the body is exactly so long, and the next request begins behind it", () => {
    for (const size of [0, 1, 2, 100]) {
      const text = post(`Content-Length: ${size}\r\n`, "x".repeat(size));
      const { requests, outcome } = playEveryWay(`${text}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.deepEqual([requests[0]?.body.length, requests[1]?.target, outcome], [size, "/next", "idle"]);
      assert.equal(requests[0]?.hasBody, size > 0);
    }
  });

  test("a body is read with every method and both versions", () => {
    for (const method of ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "X"]) {
      const text = post("Content-Length: 5\r\n", "hello").replace("POST", method);
      assert.equal(playEveryWay(text).requests[0]?.body, "hello");
    }
    assert.equal(playEveryWay(post("Content-Length: 5\r\n", "hello", "HTTP/1.0")).requests[0]?.body, "hello");
  });
});

describe("Transfer-Encoding", () => {
  const line = "Transfer-Encoding: chunked\r\n";

  test("with Content-Length is refused, whatever the order and the values", () => {
    for (const length of ["0", "5"]) {
      for (const lines of [`Content-Length: ${length}\r\n${line}`, `${line}Content-Length: ${length}\r\n`]) {
        assert.equal(playEveryWay(post(lines, "0\r\n\r\n")).outcome, "400 length_and_transfer_encoding");
      }
    }
  });

  test("in HTTP/1.0 is refused", () => {
    assert.equal(playEveryWay(post(line, "0\r\n\r\n", "HTTP/1.0")).outcome, "400 transfer_encoding_version");
  });

  test("is chunked alone, once, in any case", () => {
    for (const value of ["chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked\t"]) {
      assert.equal(playEveryWay(post(`transfer-ENCODING:${value}\r\n`, "0\r\n\r\n")).outcome, "idle", value);
    }
    const refused = ["", "identity", "gzip", "chunked, identity", "identity, chunked", "gzip, chunked",
      "chunked, chunked",
      ",chunked", "chunked,", "xchunked", "chunkedx", "chunked;q=1", "chunked ;", "\"chunked\"", "chun ked", "chunk",
      "c"];
    for (const value of refused) {
      const { outcome } = playEveryWay(post(`Transfer-Encoding: ${value}\r\n`, "0\r\n\r\n"));
      assert.equal(outcome, "400 transfer_encoding_invalid", value);
    }
    for (const second of ["chunked", "identity", ""]) {
      const { outcome } = playEveryWay(post(`${line}Transfer-Encoding: ${second}\r\n`, "0\r\n\r\n"));
      assert.equal(outcome, "400 transfer_encoding_invalid", second);
    }
  });

  test("no change of one byte in its line makes its framing silently another", () => {
    const mutations: string[] = [];
    for (let at = 0; at < line.length; at++) {
      mutations.push(line.slice(0, at) + line.slice(at + 1));
      for (let byte = 0; byte < 256; byte++) {
        mutations.push(line.slice(0, at) + byteText(byte) + line.slice(at + 1));
        mutations.push(line.slice(0, at) + byteText(byte) + line.slice(at));
      }
    }
    let refusedCount = 0;
    for (const mutated of mutations) {
      const { outcome, requests } = playText(post(mutated, "0\r\n\r\n"));
      if (outcome.startsWith("4")) {
        refusedCount++;
      } else if (/^Transfer-Encoding:[ \t]*chunked[ \t]*\r\n$/i.test(mutated)) {
        assert.deepEqual([requests[0]?.semantics.chunked, outcome], [true, "idle"], JSON.stringify(mutated));
      } else {
        // Another field's name, spelled with tokens: then it is no framing, for us and for every application.
        const name = requests[0]?.fields[1]?.[0] ?? "";
        assert.equal(requests[0]?.semantics.chunked, false, JSON.stringify(mutated));
        assert.ok(name.toLowerCase() !== "transfer-encoding" && /^[!-~]+$/.test(name), JSON.stringify(mutated));
      }
    }
    assert.ok(refusedCount > mutations.length / 2, `${refusedCount} of ${mutations.length} are refused`);
  });

  test("spelled with an underscore is no framing", () => {
    const { requests,
      outcome } = playEveryWay(post("Transfer_Encoding: chunked\r\nContent_Length: 9\r\nContent-Length: 2\r\n", "ab"));
    assert.deepEqual([requests[0]?.body, outcome], ["ab", "idle"]);
  });
});

describe("the reader", () => {
  test("ignores up to four empty lines before a request, however they arrive", () => {
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const [count, outcome] of [[1, "idle"], [4, "idle"], [5, "400 request_line"]] as const) {
      assert.equal(playEveryWay("\r\n".repeat(count) + request).outcome, outcome);
      assert.equal(playEveryWay(request + "\r\n".repeat(count) + request).outcome, outcome);
    }
    for (const text of ["\n", "\r", "\r\r\n", "\n\r\n", " \r\n", "\r\n\n", "\r\n "]) {
      assert.match(playEveryWay(text + request).outcome, /^400 /, JSON.stringify(text));
    }
  });

  test("answers requests that were sent ahead in their order, each with its own body", () => {
    const texts = Array.from({ length: 20 }, (_, index) => [
      `GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`,
      `POST /${index} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n${String(index).padStart(2, "0")}`,
      `PUT /${index} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`
        + `2\r\n${String(index).padStart(2, "0")}\r\n0\r\n\r\n`,
    ][index % 3] ?? "");
    const { requests, outcome } = play(cut(fromLatin1(texts.join("")), 1, 100, 101, 500));
    assert.equal(outcome, "idle");
    assert.deepEqual(requests.map(({ target }) => target), texts.map((_, index) => `/${index}`));
    for (const [index, { body }] of requests.entries()) {
      assert.equal(body, index % 3 === 0 ? "" : String(index).padStart(2, "0"));
    }
  });

  test("reads nothing of the next request before the cycle of the one before is over", () => {
    const reader = new RequestReader(limits, new SectionMemory());
    reader.receive(fromLatin1("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nthis is no request\r\n\r\n"));
    const first = reader.next();
    assert.ok(typeof first === "object" && first.kind === "request");
    assert.equal(reader.next(), "paused");
    assert.equal(reader.next(), "paused");
    assert.ok(reader.pendingSize > 0);
    reader.startNextCycle();
    const second = reader.next();
    assert.ok(typeof second === "object" && second.kind === "violation");
  });

  test("is idle between requests only", () => {
    const reader = new RequestReader(limits, new SectionMemory());
    assert.ok(reader.idle);
    for (const text of ["GET / HT", "TP/1.1\r\n", "Host: a\r\n", "\r"]) {
      reader.receive(fromLatin1(text));
      assert.equal(reader.next(), "need-data");
      reader.keepRest();
      assert.ok(!reader.idle);
    }
    reader.receive(fromLatin1("\n"));
    assert.notEqual(reader.next(), "need-data");
    assert.ok(!reader.idle);
    reader.startNextCycle();
    assert.ok(reader.idle);
    assert.equal(reader.pendingSize, 0);
  });

  test("never copies a body: its data are views of what was received", () => {
    const reader = new RequestReader(limits, new SectionMemory());
    const bytes = fromLatin1(post("Content-Length: 5\r\n", "hello"));
    reader.receive(bytes);
    reader.next();
    const event = reader.next();
    assert.ok(typeof event === "object" && event.kind === "data");
    assert.equal(event.bytes.buffer, bytes.buffer);
  });

  test("says the same of any mixture of requests and faults, however it is cut", () => {
    const line = fc.constantFrom("GET / HTTP/1.1", "POST /a?b HTTP/1.1", "GET /x HTTP/1.0", "OPTIONS * HTTP/1.1",
      "GET / HTTP/2.0",
      "get / HTTP/1.1", "PUT http://b/c HTTP/1.1", "G@T / HTTP/1.1", `GET /${"a".repeat(300)} HTTP/1.1`);
    const field = fc.constantFrom("Host: a", "Host: b", "Content-Length: 3", "Transfer-Encoding: chunked",
      "Connection: close",
      "Connection: keep-alive", "X: y", `X: ${"y".repeat(80)}`, "X : y", " folded", "Expect: 100-continue",
      "Cookie: a=b",
      "User-Agent: test", "Bad\0Name: x", "X: bad\0value", "X: lf\nin value");
    const body = fc.constantFrom("", "abc", "3\r\nabc\r\n0\r\n\r\n", "2;x=\"y\"\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n",
      "zz\r\n", "\r\n");
    const message = fc.tuple(line, fc.array(field, { maxLength: 6 }), body)
      .map(([first, lines, last]) => `${[first, ...lines].join("\r\n")}\r\n\r\n${last}`);
    const valid = fc.tuple(fc.constantFrom("GET / HTTP/1.1", "POST /a HTTP/1.1"), fc.constantFrom("", "X: y\r\n",
      "Cookie: a=b\r\n"))
      .map(([first, lines]) => `${first}\r\nHost: a\r\n${lines}Content-Length: 3\r\n\r\nabc`);
    const small = { requestLineSizeMax: 200, fieldCountMax: 5, fieldSizeMax: 64, headSizeMax: 256 };
    const messages = fc.array(fc.oneof(message, valid), { minLength: 1, maxLength: 5 });
    const cuts = fc.array(fc.nat(2000), { maxLength: 12 });
    fc.assert(fc.property(messages, cuts, fc.boolean(), (texts, positions, isSmall) => {
      const bytes = fromLatin1(texts.join(""));
      const setting = { limits: isSmall ? small : limits };
      const whole = play([bytes], setting);
      const sorted = positions.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b);
      assert.deepEqual(play(cut(bytes, ...sorted), setting), whole);
      const memory = new SectionMemory();
      for (let time = 0; time < 3; time++) assert.deepEqual(play([bytes], { ...setting, memory }), whole);
      assert.deepEqual(play(cut(bytes, ...sorted), { ...setting, memory }), whole);
    }), { numRuns: 1500 });
  });
});
