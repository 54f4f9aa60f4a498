import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  DIAGNOSTIC_COUNT_MAX,
  formatLanguageDiagnostics,
  mistakeAt,
  SHOWN_LINE_SIZE_MAX,
} from "./language-diagnostic.ts";
import type { Place, Source } from "./source.ts";

const text = "one;\n\ttwo three;\r\n";
const source: Source = { path: "/etc/a.conf", text, isParameter: false, includedFrom: undefined };
const three: Place = { source, line: 2, column: 6, offset: 10, end: 15 };

describe("a diagnostic", () => {
  test("has nginx's line, ours, the source with a caret, and a hint", () => {
    const mistake = mistakeAt(three, { nginx: "nginx's words", message: "ours", hint: "do that", nginxLine: 3 });
    assert.equal(formatLanguageDiagnostics([mistake]), [
      "nginx: [emerg] nginx's words in /etc/a.conf:3",
      "/etc/a.conf:2:6: error: ours",
      "    2 | \ttwo three;",
      "      | \t    ^^^^^",
      "  hint: do that",
      "",
    ].join("\n"));
  });

  test("says nginx's words twice when we have no better ones, and may have no place", () => {
    assert.equal(formatLanguageDiagnostics([mistakeAt(undefined, { nginx: "no file" })]),
      "nginx: [emerg] no file\ntricorn: error: no file\n");
  });

  test("of -g says so", () => {
    const place = { ...three, source: { ...source, path: "command line", isParameter: true } };
    assert.match(formatLanguageDiagnostics([mistakeAt(place, { nginx: "no" })]),
      /^nginx: \[emerg\] no in command line\ncommand line:2:6: error: no\n/);
  });

  test("of an included file says by which way one comes there", () => {
    const middle: Source = { ...source, path: "/etc/b.conf", includedFrom: three };
    const inner: Source = { ...source, path: "/etc/c.conf", includedFrom: { ...three, source: middle, line: 1 } };
    assert.match(formatLanguageDiagnostics([mistakeAt({ ...three, source: inner }, { nginx: "no" })]),
      /\n {2}included from \/etc\/b.conf:1\n {2}included from \/etc\/a.conf:2\n$/);
  });

  test("shows a long line in part, with the place in sight", () => {
    const long = `${"a ".repeat(500)}wrong${" b".repeat(500)}`;
    const place: Place = { source: { ...source, text: long }, line: 1, column: 1001, offset: 1000, end: 1005 };
    const [, , line = "", carets = ""] = formatLanguageDiagnostics([mistakeAt(place, { nginx: "no" })]).split("\n");
    assert.equal(line.length, "    1 | ".length + SHOWN_LINE_SIZE_MAX);
    assert.equal(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1), "wrong");
  });

  test(`is one of ${DIAGNOSTIC_COUNT_MAX} at most; the others are counted`, () => {
    const many = (count: number): readonly string[] =>
      formatLanguageDiagnostics(Array.from({ length: count }, () => mistakeAt(undefined, { nginx: "no" }))).split("\n");
    assert.equal(many(DIAGNOSTIC_COUNT_MAX).length, 2 * DIAGNOSTIC_COUNT_MAX + 1);
    assert.equal(many(DIAGNOSTIC_COUNT_MAX + 5).at(-2), "tricorn: and 5 more");
  });
});
