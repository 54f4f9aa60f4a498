import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { escapeUri, normalizePath, parseInternalUri, parseRequestUri, unescapeRedirect } from "./uri.ts";

const alphabet = ["/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "%", "%25", "%00", "a", ";", "?", "#", "%c0%ae",
  "\x80", "%3f", "%23", "//", "%0a", "+", "%2"];
const targets = fc.array(fc.constantFrom(...alphabet), { maxLength: 24 }).map((parts) => `/${parts.join("")}`);

describe("a request target", () => {
  test("is normalised as nginx normalises it", () => {
    // nginx 1.22 said so: target, then $uri and $args with merge_slashes on, then off; null for 400.
    const path = new URL("../../tests/cases/uri/targets.json", import.meta.url);
    type Expected = readonly [string, string] | null;
    const cases = JSON.parse(readFileSync(path, "utf8")) as readonly (readonly [string, Expected, Expected])[];
    for (const [target, merged, unmerged] of cases) {
      for (const [mergeSlashes, expected] of [[true, merged], [false, unmerged]] as const) {
        const uri = parseRequestUri(target, mergeSlashes);
        assert.deepEqual(uri === undefined ? null : [uri.path, uri.args], expected, JSON.stringify(target));
      }
    }
  });

  test("says whether its path had escapes or plus signs", () => {
    assert.equal(parseRequestUri("/a%20b", true)?.quoted, true);
    assert.equal(parseRequestUri("/a+b", true)?.quoted, true);
    assert.equal(parseRequestUri("/a?b=%20+", true)?.quoted, false);
  });

  test("never leaves the root and has no dot segment, whatever it is made of", () => {
    fc.assert(fc.property(targets, fc.boolean(), (target, mergeSlashes) => {
      const path = parseRequestUri(target, mergeSlashes)?.path;
      if (path === undefined) return;
      assert.match(path, /^\//);
      assert.doesNotMatch(path, /(?:^|\/)\.\.?(?:\/|$)/);
      assert.ok(!path.includes("\0"));
      if (mergeSlashes) assert.ok(!path.includes("//"));
    }), { numRuns: 5000 });
  });

  test("is decoded once", () => {
    fc.assert(fc.property(fc.string({ unit: "binary-ascii", maxLength: 12 }), (text) => {
      const raw = `/x${text.replaceAll("\0", "")}`;
      const escaped = raw.replace(/[^A-Za-z/]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
      assert.equal(normalizePath(escaped, false), normalizePath(escaped.replaceAll("%2e", "."), false));
    }));
    assert.equal(parseRequestUri("/a/%252e%252e/b", true)?.path, "/a/%2e%2e/b");
  });

  test("needs a slash first and no controls", () => {
    for (const target of ["", "a", "*", "/a b", "/a\0", "/a\x7f", "/a?b c", "/a?\0"]) {
      assert.equal(parseRequestUri(target, true), undefined, JSON.stringify(target));
    }
  });
});

describe("a URI that an application gives", () => {
  test("is decoded if it has escapes", () => {
    assert.deepEqual(parseInternalUri("/files/a%20b?c=%20"), { path: "/files/a b", args: "c=%20" });
    assert.deepEqual(parseInternalUri("/100%"), { path: "/100%", args: "" });
  });

  test("is refused where it goes up, plainly or escaped, or has a NUL", () => {
    const plain = ["", "?a", "..", "../a", "/../a", "/a/..", "/a/../b", "/a\0"];
    for (const uri of [...plain, "/%2e%2e/a", "/a%2f..%2fb", "/a%00b"]) {
      assert.equal(parseInternalUri(uri), undefined, JSON.stringify(uri));
    }
    assert.deepEqual(parseInternalUri("/a..b/...?../x"), { path: "/a..b/...", args: "../x" });
  });
});

describe("escaping", () => {
  test("keeps what may stand there", () => {
    const escaped = "/a%20b%3Fc%23d%25e%22%3C%3E%5C%5E%60%7B%7C%7D~%E9%7F%0A";
    assert.equal(escapeUri("/a b?c#d%e\"<>\\^`{|}~é\x7f\n", "uri"), escaped);
    assert.equal(escapeUri("a&b+c;d=/", "args"), "a%26b%2Bc%3Bd=/");
    assert.equal(escapeUri("a-b._~/&é", "component"), "a-b._~%2F%26%E9");
    assert.equal(escapeUri("/a'b?c", "html"), "/a%27b?c");
  });

  test("of a path is undone by normalising it", () => {
    fc.assert(fc.property(targets, (target) => {
      const path = normalizePath(target.split(/[?#]/, 1)[0] ?? "", false);
      if (path !== undefined) assert.equal(normalizePath(escapeUri(path, "uri"), false), path);
    }), { numRuns: 2000 });
  });

  test("is taken back in a redirect where the byte may stand in a path", () => {
    assert.equal(unescapeRedirect("/a%26b%20c%25d%C3%A9"), "/a&b%20c%25d%C3%A9");
    assert.equal(unescapeRedirect("/a%3Fb%26c"), "/a?b%26c");
    assert.equal(unescapeRedirect("/a?b%26c"), "/a?b%26c");
    assert.equal(unescapeRedirect("/a%2"), "/a%2");
  });
});
