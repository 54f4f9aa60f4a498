import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { headLimits, playResponseEveryWay, playResponseText } from "../../../tests/protocol/responses.ts";
import { STATUS_LINE_SIZE_MAX } from "./status-line.ts";

const rest = "Content-Length: 0\r\n\r\n";

function read(line: string): readonly [outcome: string, head: string] {
  const { outcome, head } = playResponseEveryWay(line + rest);
  return [outcome, head];
}

describe("the status line", () => {
  test("gives version, status and reason", () => {
    const table: readonly (readonly [string, string])[] = [
      ["HTTP/1.1 200 OK\r\n", "1.1 200 OK"], ["HTTP/1.0 404 Not Found\r\n", "1.0 404 Not Found"],
      ["HTTP/1.1 999 Request denied\r\n", "1.1 999 Request denied"], ["HTTP/1.1 200 \r\n", "1.1 200 "],
      ["HTTP/1.1 200\r\n", "1.1 200 "], ["HTTP/1.1 200  \t x\xe9 \r\n", "1.1 200  \t x\xe9 "],
    ];
    for (const [line, head] of table) assert.equal(read(line)[1], head);
  });

  test("is refused when it is anything else", () => {
    const table: readonly (readonly [string, string])[] = [
      ["http/1.1 200 OK\r\n", "status_line"], ["HTTP 200 OK\r\n", "status_line"], ["200 OK\r\n", "status_line"],
      ["ICY 200 OK\r\n", "status_line"], [" HTTP/1.1 200 OK\r\n", "status_line"],
      ["\r\nHTTP/1.1 200 OK\r\n", "status_line"], ["<html>\r\n", "status_line"], ["\0", "status_line"],
      ["HTTP/0.9 200 OK\r\n", "version"], ["HTTP/2.0 200 OK\r\n", "version"], ["HTTP/2 200\r\n", "version"],
      ["HTTP/1.2 200 OK\r\n", "version"], ["HTTP/1,1 200 OK\r\n", "version"], ["HTTP/11 200 OK\r\n", "version"],
      ["HTTP/01.1 200 OK\r\n", "version"], ["HTTP/1.10 200 OK\r\n", "status_line"],
      ["HTTP/1.1  200 OK\r\n", "status_line"], ["HTTP/1.1\t200 OK\r\n", "status_line"],
      ["HTTP/1.1 2OO OK\r\n", "status_line"], ["HTTP/1.1 20 OK\r\n", "status_line"],
      ["HTTP/1.1 099 OK\r\n", "status_line"], ["HTTP/1.1 2000 OK\r\n", "status_line"],
      ["HTTP/1.1 200\tOK\r\n", "status_line"], ["HTTP/1.1 -20 OK\r\n", "status_line"],
      ["HTTP/1.1 \r\n", "status_line"], ["HTTP/1.1\r\n", "status_line"],
      ["HTTP/1.1 200 O\0K\r\n", "status_line"], ["HTTP/1.1 200 O\x7fK\r\n", "status_line"],
      ["HTTP/1.1 200 OK\rX\r\n", "bare_cr"], ["HTTP/1.1 20\n", "status_line"], ["\nHTTP/1.1 200 OK\n", "status_line"],
      ["HTTP/1.1 200 OK\r\r\n", "bare_cr"], ["HTTP/1.1 200\r\r\n", "bare_cr"],
    ];
    for (const [line, reason] of table) assert.deepEqual(read(line), [`502 ${reason}`, ""], JSON.stringify(line));
  });

  test("may end with LF alone, and then the connection carries nothing else", () => {
    for (const [line, head] of [["HTTP/1.1 200 OK\n", "1.1 200 OK"], ["HTTP/1.1 200\n", "1.1 200 "],
      ["HTTP/1.1 200 \n", "1.1 200 "]] as const) assert.deepEqual(read(line), ["closing", head]);
  });

  test("takes any byte only where the grammar does", () => {
    const line = "HTTP/1.1 200 OK\r\n";
    for (let at = 0; at < line.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const text = line.slice(0, at) + String.fromCharCode(byte) + line.slice(at + 1);
        const { outcome } = playResponseText(text + rest);
        const accepted = /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n$/.test(text);
        // With LF in it the line ends there, and what is left of it is no field, or an empty line.
        const ended = /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\n([^]*)$/.exec(text);
        // A status of 1xx is followed by another response; after 101 it is not HTTP.
        if (accepted) assert.match(outcome, /^(?:reusable|closing|incomplete|switched)$/, JSON.stringify(text));
        else if (ended?.[1] === "") assert.match(outcome, /^(?:closing|incomplete|switched)$/, JSON.stringify(text));
        else if (ended !== null) {
          assert.equal(outcome, /^\r?\n$/.test(ended[1] ?? "") ? "incomplete" : "502 field_name", JSON.stringify(text));
        } else assert.match(outcome, /^502 (?:status_line|version|bare_cr)$/, JSON.stringify(text));
      }
    }
  });

  test("agrees with its grammar on random texts", () => {
    const unit = fc.constantFrom(...Array.from("HTTP/1.0 29\t\r\nx\xe9\0"));
    const mutated = fc.tuple(fc.nat(17), fc.string({ unit, maxLength: 4 }), fc.nat(4)).map(([at, text, skipped]) =>
      "HTTP/1.1 200 OK\r\n".slice(0, at) + text + "HTTP/1.1 200 OK\r\n".slice(at + skipped));
    fc.assert(fc.property(mutated, (line) => {
      const { outcome, head } = playResponseText(`${line}X: y\r\n${rest}`);
      const match = /^HTTP\/(1\.[01]) ([2-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r?\nX: y\r\n/.exec(`${line}X: y\r\n`);
      if (match !== null) assert.equal(head, `${match[1]} ${match[2]} ${match[3] ?? ""}`);
      else if (!/^HTTP\/1\.[01] /.test(line)) assert.match(outcome, /^502 /);
    }), { numRuns: 3000 });
  });

  test("is bounded", () => {
    const line = (size: number): string => `HTTP/1.1 200 ${"x".repeat(size - 15)}\r\n`;
    assert.equal(read(line(STATUS_LINE_SIZE_MAX))[0], "reusable");
    assert.equal(read(line(STATUS_LINE_SIZE_MAX + 1))[0], "502 status_line_size");
    const endless = `HTTP/1.1 200 ${"x".repeat(20_000)}`;
    assert.equal(playResponseEveryWay(endless).outcome, "502 status_line_size");
    const small = { limits: { ...headLimits, headSizeMax: 1000 } };
    assert.equal(playResponseEveryWay(endless, small).outcome, "502 head_size");
  });
});
