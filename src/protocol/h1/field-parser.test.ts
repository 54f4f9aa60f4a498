import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type PlayedRequest, limits, playEveryWay, playText } from "../../../tests/protocol/engine.ts";

/** A request with these field lines behind Host. */
function withFields(lines: string, version = "HTTP/1.1"): string {
  return `GET / ${version}\r\nHost: a\r\n${lines}\r\n`;
}

function requestOf(text: string): PlayedRequest {
  const { requests, outcome } = playText(text);
  assert.equal(requests.length, 1, outcome);
  return requests[0] ?? assert.fail(outcome);
}

function byteText(byte: number): string {
  return String.fromCharCode(byte);
}

describe("field lines, byte for byte", () => {
  test("a name is a token, and nothing else", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const name of [`${text}ab`, `a${text}b`, `ab${text}`]) {
        // A colon ends the name, and the rest is value; a CR at the start may end the section.
        if (text === ":" && name !== ":ab") continue;
        const { requests, outcome } = playText(withFields(`${name}: v\r\n`));
        if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(text)) assert.deepEqual(requests[0]?.fields[1], [name, "v"]);
        else assert.match(outcome, /^400 (?:field_name|bare_lf|bare_cr|obs_fold)$/, JSON.stringify(name));
      }
    }
  });

  test("a value has no control character but HTAB, and every other byte comes out as it went in", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const value of [`${text}b`, `a${text}b`, `a${text}`]) {
        const { requests, outcome } = playText(withFields(`X: ${value}\r\n`));
        if (byte === 9 || (byte >= 32 && byte !== 127)) {
          assert.deepEqual(requests[0]?.fields[1], ["X", value.replace(/^[ \t]+|[ \t]+$/g, "")]);
        } else {
          assert.match(outcome, /^400 (?:field_value|bare_lf|bare_cr)$/, JSON.stringify(value));
        }
      }
    }
  });

  test("only SP and HTAB are trimmed from a value", () => {
    const table: readonly (readonly [string, string])[] = [
      ["", ""], [" ", ""], ["\t \t", ""], [" a ", "a"], ["\ta\t", "a"], ["a  b", "a  b"], ["\x85a\xa0", "\x85a\xa0"],
      [" \xa0 ", "\xa0"], ["a:b", "a:b"], [":", ":"],
    ];
    for (const [given, value] of table) {
      assert.deepEqual(requestOf(withFields(`X:${given}\r\n`)).fields[1], ["X", value]);
      playEveryWay(withFields(`X:${given}\r\n`));
    }
  });
});

describe("line ends", () => {
  const head = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";

  test("a CR, an LF or a CRLF put anywhere never makes another request of it", () => {
    const original = requestOf(head);
    for (let at = 0; at <= head.length; at++) {
      for (const end of ["\r", "\n", "\r\n"]) {
        const text = head.slice(0, at) + end + head.slice(at);
        const { requests, outcome } = playEveryWay(text);
        if (/^[45]/.test(outcome)) continue;
        // What is left: empty lines in front, bytes behind, or a CRLF that ends the section or a line early.
        assert.equal(end === "\r\n" || at === 0 || at >= head.length - 1, true, JSON.stringify(text));
        const fields = requests[0]?.fields ?? [];
        assert.deepEqual(fields, original.fields.slice(0, fields.length), JSON.stringify(text));
      }
    }
  });

  test("a CR or an LF missing anywhere is refused or waited for", () => {
    for (let at = 0; at < head.length; at++) {
      if (head[at] !== "\r" && head[at] !== "\n") continue;
      const { outcome } = playEveryWay(head.slice(0, at) + head.slice(at + 1));
      assert.match(outcome, /^(?:400 |incomplete)/, String(at));
      assert.equal(outcome === "incomplete", at === head.length - 1, outcome);
    }
  });

  test("any other byte in the place of a CR or LF is refused, or is part of the value", () => {
    for (let at = 0; at < head.length; at++) {
      if (head[at] !== "\r" && head[at] !== "\n") continue;
      for (let byte = 0; byte < 256; byte++) {
        const text = head.slice(0, at) + byteText(byte) + head.slice(at + 1);
        if (text === head) continue;
        const { outcome } = playText(text);
        assert.match(outcome, at >= head.length - 2 ? /^(?:400 |incomplete)/ : /^400 /, JSON.stringify(text));
      }
    }
  });

  test("folding is refused wherever it stands", () => {
    for (const lines of [" X: y\r\n", "\tX: y\r\n", "X: y\r\n z\r\n", "X: y\r\n\tz\r\n", "X:\r\n z\r\n",
      "X: y\r\n \r\n"]) {
      assert.equal(playEveryWay(withFields(lines)).outcome, "400 obs_fold");
    }
    assert.equal(playEveryWay("GET / HTTP/1.1\r\n Host: a\r\n\r\n").outcome, "400 obs_fold");
  });

  test("whitespace before the colon, an empty name and a line without a colon are refused", () => {
    for (const line of ["X : y", "X\t: y", ": y", "X", "X y", "Content-Length : 5", "Transfer-Encoding\x0b: chunked"]) {
      assert.equal(playEveryWay(withFields(`${line}\r\n`)).outcome, "400 field_name", line);
    }
  });
});

describe("Host", () => {
  test("HTTP/1.1 needs exactly one, HTTP/1.0 at most one", () => {
    assert.equal(playEveryWay("GET / HTTP/1.1\r\n\r\n").outcome, "400 host_missing");
    assert.equal(playEveryWay("GET http://a/ HTTP/1.1\r\n\r\n").outcome, "400 host_missing");
    assert.equal(playEveryWay("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").outcome, "400 host_repeated");
    assert.equal(playEveryWay("GET / HTTP/1.1\r\nhost: a\r\nX: y\r\nHOST: b\r\n\r\n").outcome, "400 host_repeated");
    assert.equal(playEveryWay("GET / HTTP/1.0\r\n\r\n").outcome, "closed");
    assert.equal(playEveryWay("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").outcome, "400 host_repeated");
  });

  /** RFC 3986 §3.2.2 and §3.2.3 as a regular expression: reg-name, IPv6 literal or IPvFuture, and a port. */
  const literal = /\[(?:[0-9A-Fa-f:.]{2,}|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\]/;
  const grammar = new RegExp(
    `^(?:(?:[A-Za-z0-9\\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+|${literal.source})(?::(\\d{0,5}))?$`,
  );

  function isHost(value: string): boolean {
    const match = grammar.exec(value);
    return match !== null && value.length <= 255 && Number(match[1] ?? 0) <= 65_535;
  }

  test("its value is a host and a port, byte for byte", () => {
    const shapes = ["?", "a?", "?a", "a?b", "a:?", "a:8?", "[?]", "[::?]", "[::1]?", "[::1]:?", "a%?1", "a%1?",
      "a:80?", "[v?.x]", "[v1?x]", "[v1.?]", "[?1.x]", "[V1.x?", "[v1.x]?"];
    for (const shape of shapes) {
      for (let byte = 0; byte < 256; byte++) {
        const value = shape.replace("?", byteText(byte));
        const given = value.replace(/^[ \t]+|[ \t]+$/g, "");
        const { outcome } = playText(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`);
        if (isHost(given)) assert.equal(outcome, "idle", JSON.stringify(value));
        else assert.match(outcome, /^400 (?:host_invalid|field_value|bare_cr|bare_lf)$/, JSON.stringify(value));
      }
    }
  });

  test("what poisons URLs or lists hosts is refused", () => {
    const hosts = ["", "a,b", "a b", "a/", "a?b", "a#b", "u@a", "u:p@a", "a:b", "a:80:80", "a:-1", "a:+80", "a:65536",
      "a:999999", ":80", "[::1", "::1", "[]", "[:]", "[[::1]]", "[::1]a", "[v1.]", "[v.a]", "[vg.a]", "[v1]",
      "[v1.a", "[v1.%41]", "[v1.a]b", "[v1.[]]", "[fe80::1%25eth0]", "a\\b", "a%",
      "a%4",
      "a%zz", "<a>", "\"a\"", "a".repeat(256), "\u00e9"];
    for (const host of hosts) {
      assert.equal(playEveryWay(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).outcome, "400 host_invalid", host);
    }
  });

  test("what names a host passes", () => {
    const hosts = ["a", "a:", "a:0", "a:80", "a:65535", "example.com", "127.0.0.1:8000", "[::1]", "[::1]:8000",
      "[::ffff:1.2.3.4]", "[v1.a]", "[VF0.a:b]:80", "[v0123.!$&'()*+,;=-._~:aZ9]",
      "xn--a", "a_b", "a%20b", "0.0.0.0=5000", "a".repeat(255)];
    for (const host of hosts) {
      assert.equal(playText(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).outcome, "idle", host);
    }
  });
});

describe("what fields mean", () => {
  test("a Connection field's options are taken whole, whatever their case and blanks", () => {
    const table: readonly (readonly [string, boolean, boolean])[] = [
      ["close", true, false], ["CLOSE", true, false], ["keep-alive", false, true], ["Keep-Alive, Close", true, true],
      ["x, close ,y", true, false], [",,close,", true, false], ["closed", false, false], ["x-close", false, false],
      ["close\xa0", false, false], ["clo se", false, false], ["keep_alive", false, false], ["", false, false],
    ];
    for (const [value, close, keepAlive] of table) {
      const { semantics } = requestOf(withFields(`Connection: ${value}\r\n`));
      assert.deepEqual([semantics.close, semantics.keepAlive], [close, keepAlive], value);
    }
    const both = requestOf(withFields("Connection: x\r\nConnection: close\r\n"));
    assert.equal(both.semantics.close, true);
  });

  test("a connection persists as RFC 9112 §9.3 says", () => {
    const table: readonly (readonly [string, string, boolean])[] = [
      ["HTTP/1.1", "", true], ["HTTP/1.1", "Connection: keep-alive\r\n", true], ["HTTP/1.1", "Connection: close\r\n",
      false],
      ["HTTP/1.0", "", false], ["HTTP/1.0", "Connection: keep-alive\r\n", true],
      ["HTTP/1.0", "Connection: keep-alive, close\r\n", false], ["HTTP/1.1", "Connection: keep-alive, close\r\n",
      false],
    ];
    for (const [version, lines, persistent] of table) {
      assert.equal(requestOf(withFields(lines, version)).persistent, persistent, version + lines);
    }
  });

  test("an upgrade is asked for by both fields or not at all", () => {
    const upgrade = (lines: string): string | undefined => requestOf(withFields(lines)).semantics.upgrade;
    assert.equal(upgrade("Connection: Upgrade\r\nUpgrade: WebSocket\r\n"), "websocket");
    assert.equal(upgrade("Upgrade: h2c\r\nConnection: keep-alive, upgrade\r\n"), "h2c");
    assert.equal(upgrade("Upgrade: websocket\r\n"), undefined);
    assert.equal(upgrade("Connection: upgrade\r\n"), undefined);
  });

  test("an upgrade request's body and what follows it stay HTTP", () => {
    const text = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\nContent-Length: 2\r\n\r\nabGET ";
    const { requests, outcome } = playEveryWay(text);
    assert.deepEqual([requests[0]?.body, outcome], ["ab", "incomplete"]);
  });

  test("only 100-continue may be expected, and HTTP/1.0 expects nothing", () => {
    const table: readonly (readonly [string, string])[] = [
      ["100-continue", "idle"], ["100-Continue", "idle"], ["100-continue, x", "417 expectation"], ["",
      "417 expectation"],
      ["100-continue\xa0", "417 expectation"], ["200-ok", "417 expectation"], ["100-continue;q=1", "417 expectation"],
    ];
    for (const [value, outcome] of table) {
      assert.equal(playEveryWay(withFields(`Expect: ${value}\r\n`)).outcome, outcome, value);
      const { requests, outcome: ofOld } = playText(withFields(`Expect: ${value}\r\n`, "HTTP/1.0"));
      assert.deepEqual([requests[0]?.semantics.expectContinue, ofOld], [false, "closed"]);
    }
    assert.equal(requestOf(withFields("Expect: 100-continue\r\n")).semantics.expectContinue, true);
  });

  test("a second Content-Type is refused", () => {
    const lines = "Content-Type: a/b\r\ncontent-type: a/b\r\n";
    assert.equal(playEveryWay(withFields(lines)).outcome, "400 content_type_repeated");
  });

  test("forwarding fields are noticed", () => {
    assert.equal(requestOf(withFields("X-Forwarded-For: 1.2.3.4\r\n")).semantics.forwarded, true);
    assert.equal(requestOf(withFields("x-forwarded-PROTO: https\r\n")).semantics.forwarded, true);
    assert.equal(requestOf(withFields("X-Forwarded_For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n")).semantics.forwarded,
      false);
  });
});

describe("bounds of a head", () => {
  test("the number of fields", () => {
    const setting = { limits: { ...limits, fieldCountMax: 5 } };
    assert.equal(playEveryWay(withFields("X: y\r\n".repeat(4)), setting).outcome, "idle");
    assert.equal(playEveryWay(withFields("X: y\r\n".repeat(5)), setting).outcome, "431 field_count");
  });

  test("the size of a field with its CRLF, wherever its bytes are", () => {
    const setting = { limits: { ...limits, fieldSizeMax: 50 } };
    const lines: readonly ((size: number) => string)[] = [
      (size) => `X: ${"y".repeat(size - 5)}\r\n`, (size) => `${"X".repeat(size - 5)}: y\r\n`,
      (size) => `X:${" ".repeat(size - 5)}y\r\n`, (size) => `X:y${" ".repeat(size - 5)}\r\n`,
    ];
    for (const line of lines) {
      assert.equal(playEveryWay(withFields(line(50)), setting).outcome, "idle");
      assert.equal(playEveryWay(withFields(line(51)), setting).outcome, "431 field_size");
    }
    for (const tail of ["", "\0", ":", "\r", "\n"]) {
      assert.equal(playEveryWay(withFields(`${"X".repeat(60)}${tail}`), setting).outcome, "431 field_size");
    }
  });

  test("the size of the whole head, request line and empty line counted", () => {
    const size = withFields("X: y\r\n".repeat(10)).length;
    const text = withFields("X: y\r\n".repeat(10)).replace("GET", "POST").replace("\r\nX",
      "\r\nContent-Length: 3\r\nX");
    const bound = (max: number): string =>
      playEveryWay(`${text}abc`, { limits: { ...limits, headSizeMax: max } }).outcome;
    const exact = size + "\r\nContent-Length: 3".length + 1;
    assert.deepEqual([bound(exact), bound(exact - 1), bound(exact + 1)], ["idle", "431 head_size", "idle"]);
  });

  test("a head without an end is refused at its bound, never kept", () => {
    const setting = { limits: { ...limits, headSizeMax: 500, fieldCountMax: 1000 } };
    assert.equal(playEveryWay(`GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(200)}`, setting).outcome,
      "431 head_size");
  });
});
