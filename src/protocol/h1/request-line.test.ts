import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits, playEveryWay, playText } from "../../../tests/protocol/engine.ts";

const rest = "Host: a\r\n\r\n";

function outcomeOf(line: string): string {
  return playText(`${line}\r\n${rest}`).outcome;
}

function byteText(byte: number): string {
  return String.fromCharCode(byte);
}

/** RFC 9110 §5.6.2, written once more, so that a mistake in the engine's table is not in its test. */
const methodCharacter = /^[!#$%&'*+\-.^_`|~0-9A-Z]$/;
const targetCharacter = /^[\x21-\x22\x24-\x7e]$/;

describe("the request line, byte for byte", () => {
  test("a method is of token characters without lower case, and nothing else", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const method of [`${text}GET`, `G${text}T`, `GET${text}`]) {
        // A space ends the method; a CR at the start may begin an empty line.
        if (text === " " || (text === "\r" && method.startsWith(text))) continue;
        const { requests, outcome } = playText(`${method} / HTTP/1.1\r\n${rest}`);
        if (methodCharacter.test(text)) assert.equal(requests[0]?.method, method);
        else assert.match(outcome, /^400 (?:method|request_line)$/, JSON.stringify(method));
      }
    }
  });

  test("a target is of visible ASCII without '#', and nothing else", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const target of [`/${text}b`, `/b${text}`, `/b?${text}`]) {
        if (text === " ") continue;
        const { requests, outcome } = playText(`GET ${target} HTTP/1.1\r\n${rest}`);
        if (targetCharacter.test(text)) assert.equal(requests[0]?.target, target);
        else assert.equal(outcome, "400 request_target", JSON.stringify(target));
      }
    }
  });

  test("any other byte in the place of a byte of the version is refused", () => {
    const version = "HTTP/1.1\r\n";
    for (let at = 0; at < version.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const mutated = version.slice(0, at) + byteText(byte) + version.slice(at + 1);
        const { outcome, requests } = playText(`GET / ${mutated}${rest}`);
        if (/^HTTP\/1\.\d\r\n$/.test(mutated)) assert.match(outcome, /^(?:idle|closed)$/);
        else if (/^HTTP\/\d\.\d\r\n$/.test(mutated)) assert.equal(outcome, "505 version");
        else assert.match(outcome, /^400 (?:version|bare_cr|bare_lf)$/, JSON.stringify(mutated));
        if (!outcome.startsWith("4") && !outcome.startsWith("5")) assert.equal(requests.length, 1);
      }
    }
  });

  test("exactly one space stands between the parts", () => {
    const lines = ["GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET\t/\tHTTP/1.1",
      "GET /",
      "GET", "GET / HTTP/1.1 x", "GET / x HTTP/1.1", "GET /\u00a0HTTP/1.1", "GET HTTP/1.1"];
    for (const line of lines) {
      assert.match(playEveryWay(`${line}\r\n${rest}`).outcome, /^400 /, JSON.stringify(line));
    }
  });
});

describe("the request target's forms", () => {
  test("origin-form is split at the first question mark and stays encoded", () => {
    const table: readonly (readonly [string, string, string])[] = [
      ["/", "/", ""], ["/?", "/", ""], ["/a%20b?c=%3F?d", "/a%20b", "c=%3F?d"], ["//a//b", "//a//b", ""],
      ["/a/../b/./c", "/a/../b/./c", ""], ["/*", "/*", ""], ["/%", "/%", ""], ["/a?b/c", "/a", "b/c"],
      ["/with_\"quotes\"", "/with_\"quotes\"", ""], ["/http://a/b", "/http://a/b", ""],
    ];
    for (const [target, path, query] of table) {
      const request = playEveryWay(`GET ${target} HTTP/1.1\r\n${rest}`).requests[0];
      assert.deepEqual([request?.target, request?.path, request?.query], [target, path, query]);
      assert.equal(request?.authority, undefined);
    }
  });

  test("absolute-form gives the authority, which replaces Host", () => {
    const table: readonly (readonly [string, string, string, string])[] = [
      ["http://b/c?d", "b", "/c", "d"], ["https://b:8080/", "b:8080", "/", ""], ["HTTP://B/", "B", "/", ""],
      ["http://b", "b", "/", ""], ["http://b?d", "b", "/", "d"], ["http://[::1]:80/c", "[::1]:80", "/c", ""],
      ["http://b//c", "b", "//c", ""], ["http://b:/c", "b:", "/c", ""],
    ];
    for (const [target, authority, path, query] of table) {
      const request = playEveryWay(`GET ${target} HTTP/1.1\r\n${rest}`).requests[0];
      assert.deepEqual([request?.authority, request?.path, request?.query], [authority, path, query], target);
    }
  });

  test("OPTIONS of a whole server is the asterisk, in either form", () => {
    assert.equal(playText(`OPTIONS * HTTP/1.1\r\n${rest}`).requests[0]?.path, "*");
    assert.equal(playText(`OPTIONS http://b HTTP/1.1\r\n${rest}`).requests[0]?.path, "*");
    assert.equal(playText(`OPTIONS http://b/ HTTP/1.1\r\n${rest}`).requests[0]?.path, "/");
    assert.equal(playText(`OPTIONS http://b?c HTTP/1.1\r\n${rest}`).requests[0]?.path, "/");
  });

  test("every other form is refused", () => {
    const lines = ["GET *", "POST *", "OPTIONS **", "OPTIONS *?a", "GET a", "GET a/b", "GET ?a", "GET a:80",
      "GET ./a", "GET ../a", "GET http:/a", "GET http:a", "GET http://", "GET http:///a", "GET http://?a",
      "GET ftp://a/b",
      "GET ws://a/b", "GET http://u@a/", "GET http://u:p@a/", "GET http://a b/", "GET http://[::1/", "GET http://a:b/",
      "GET http://a:65536/", "GET http://a,b/", "CONNECT a:443", "CONNECT [::1]:443", "GET /a#b", "GET #", "GET \\a"];
    for (const line of lines) assert.match(playEveryWay(`${line} HTTP/1.1\r\n${rest}`).outcome, /^400 /, line);
  });
});

describe("the request line's version", () => {
  test("1.0 and 1.x are spoken, other majors get 505, everything else 400", () => {
    const table: readonly (readonly [string, string])[] = [
      ["HTTP/1.0", "closed"], ["HTTP/1.1", "idle"], ["HTTP/1.2", "idle"], ["HTTP/1.9", "idle"],
      ["HTTP/0.9", "505 version"], ["HTTP/2.0", "505 version"], ["HTTP/3.0", "505 version"], ["HTTP/9.9",
      "505 version"],
      ["HTTP/1", "400 version"], ["HTTP/2", "400 version"], ["HTTP/1.", "400 version"], ["HTTP/.1", "400 version"],
      ["HTTP/1.10", "400 version"], ["HTTP/1.32", "400 version"], ["HTTP/11.1", "400 version"], ["HTTP/01.1",
      "400 version"],
      ["HTTP/1,1", "400 version"], ["http/1.1", "400 version"], ["HTTP/ 1.1", "400 version"], ["HTTP/1.1.1",
      "400 version"],
      ["HTTP/-1.1", "400 version"], ["HTTP/1.x", "400 version"], ["HTTPS/1.1", "400 version"], ["ICE/1.0",
      "400 version"],
    ];
    for (const [version, expected] of table) {
      assert.equal(playEveryWay(`GET / ${version}\r\n${rest}`).outcome, expected, version);
    }
  });

  test("a higher minor version is treated as 1.1", () => {
    assert.equal(playText(`GET / HTTP/1.7\r\n${rest}`).requests[0]?.minorVersion, 1);
  });
});

describe("the request line's bounds", () => {
  test("a line of exactly the bound passes, one byte more is 414", () => {
    const line = (size: number): string => `GET /${"a".repeat(size - "GET / HTTP/1.1\r\n".length)} HTTP/1.1\r\n`;
    for (const size of [64, 255, 4096]) {
      const setting = { limits: { ...limits, requestLineSizeMax: size } };
      assert.equal(playEveryWay(line(size) + rest, setting).outcome, "idle");
      assert.equal(playEveryWay(line(size + 1) + rest, setting).outcome, "414 request_line_size");
    }
  });

  test("a target without an end is 414 as soon as it is too long, whatever would follow", () => {
    const setting = { limits: { ...limits, requestLineSizeMax: 100 } };
    for (const tail of ["", "\0", "\r\n", " HTTP/1.1\r\n"]) {
      assert.equal(playEveryWay(`GET /${"a".repeat(200)}${tail}`, setting).outcome, "414 request_line_size");
    }
  });

  test("a method has at most 32 characters", () => {
    assert.equal(outcomeOf(`${"M".repeat(32)} /`), "400 request_target");
    assert.equal(outcomeOf(`${"M".repeat(32)} / HTTP/1.1`), "idle");
    assert.equal(playEveryWay(`${"M".repeat(33)} / HTTP/1.1\r\n${rest}`).outcome, "400 method");
    assert.equal(playEveryWay("M".repeat(33)).outcome, "400 method");
  });

  test("what is no HTTP at all is refused at its first bytes", () => {
    const hellos = ["\x16\x03\x01\x02\x00\x01", "\0\0\0", "SSH-2.0-OpenSSH\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "{\"jsonrpc\":", "<?xml", "\xff\xfe", "EHLO a\r\n", "\n\n"];
    for (const version of ["HTTP/\r\n", "HTTP/1\r\n", "HTTP/1.\r\n"]) {
      assert.equal(playEveryWay(`GET / ${version}`).outcome, "400 version", "nothing more is waited for");
    }
    for (const hello of hellos) assert.match(playEveryWay(hello).outcome, /^(?:400|505) /, JSON.stringify(hello));
  });
});
