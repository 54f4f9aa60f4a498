import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request } from "../../tests/route/facts.ts";
import { type ErrorPageOutcome, ErrorPages, parseErrorPage } from "./error-page.ts";

function shown(status: number, ...directives: readonly string[]): ErrorPageOutcome | undefined {
  const pages = directives.map((words) => must(parseErrorPage(words.split(" "))));
  return new ErrorPages(pages, programVariables()).find(status, request("/a%0d%0ab"));
}

describe("error_page", () => {
  test("goes to a URI with the status of the error, another, or the page's own", () => {
    assert.deepEqual(shown(404, "404 /x.html?a=b"), { kind: "internal", path: "/x.html", args: "a=b", status: 404 });
    assert.deepEqual(shown(404, "404 =200 /x"), { kind: "internal", path: "/x", args: "", status: 200 });
    assert.deepEqual(shown(404, "404 = /x"), { kind: "internal", path: "/x", args: "", status: "response" });
    assert.deepEqual(shown(502, "500 502 503 /50x$is_args"), { kind: "internal", path: "/50x", args: "", status: 502 });
  });

  test("goes to a named location", () => {
    assert.deepEqual(shown(404, "404 = @app"), { kind: "named", name: "@app", status: "response" });
  });

  test("redirects to URLs, with 302 unless another redirect is named", () => {
    const target = "http://b.example/";
    assert.deepEqual(shown(403, `403 ${target}`), { kind: "redirect", status: 302, target });
    assert.deepEqual(shown(403, `403 =301 ${target}`), { kind: "redirect", status: 301, target });
    assert.deepEqual(shown(403, `403 =200 ${target}`), { kind: "redirect", status: 302, target });
    assert.deepEqual(shown(403, "403 http://b$uri"), { kind: "redirect", status: 302, target: "http://b/a%0D%0Ab" });
  });

  test("is the first for its code, and none for others", () => {
    assert.deepEqual(shown(404, "404 /a", "404 /b"), { kind: "internal", path: "/a", args: "", status: 404 });
    assert.equal(shown(500, "404 /a"), undefined);
  });

  test("tells clients 400 where the status is nginx's own", () => {
    assert.deepEqual(shown(497, "497 /x"), { kind: "internal", path: "/x", args: "", status: 400 });
    assert.deepEqual(shown(497, "497 =200 /x"), { kind: "internal", path: "/x", args: "", status: 200 });
  });

  test("takes codes from 300 to 599 but 499", () => {
    const refusal = (words: string): string => {
      const result = parseErrorPage(words.split(" "));
      return result.ok ? "accepted" : result.error;
    };
    assert.equal(refusal("299 /x"), "value \"299\" must be between 300 and 599");
    assert.equal(refusal("300 599 /x"), "accepted");
    assert.equal(refusal("600 /x"), "value \"600\" must be between 300 and 599");
    assert.equal(refusal("499 /x"), "invalid value \"499\"");
    assert.equal(refusal("4x4 /x"), "invalid value \"4x4\"");
    assert.equal(refusal("404 =x /x"), "invalid value \"=x\"");
    assert.match(refusal("/x"), /^invalid number of arguments/);
    assert.equal(refusal("= /x"), "invalid value \"=\"");
  });
});
