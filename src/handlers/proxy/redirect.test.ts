import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, text } from "../../../tests/route/facts.ts";
import { translatePattern } from "../../route/index.ts";
import { type RedirectRequest, Redirects } from "./redirect.ts";
import type { Replacement } from "./settings.ts";

function rule(from: string, to: string): Replacement {
  const replacement = text(to);
  if (!from.startsWith("~")) return { searched: { kind: "text", text: text(from) }, replacement };
  return { searched: { kind: "regex", pattern: must(translatePattern(from.slice(1), false)) }, replacement };
}

function asked(target: string = "/", said: Partial<RedirectRequest> = {}): RedirectRequest {
  return { evaluation: request(target), redirectDefault: undefined, ...said };
}

const redirects = (...rules: readonly (Replacement | "default")[]): Redirects =>
  new Redirects(rules, programVariables());
const own = { ownLocation: (path: string): string => `http://shop.example:8000${path}` };
const viaDefault = { redirectDefault: { from: "http://127.0.0.1:1/up/", to: "/def/" } };

describe("proxy_redirect for Location", () => {
  test("replaces by default what proxy_pass says with the location's prefix", () => {
    const rules = redirects("default");
    assert.equal(rules.location("http://127.0.0.1:1/up/x", asked("/", viaDefault)), "/def/x");
    for (const other of ["http://127.0.0.1:1/upx", "HTTP://127.0.0.1:1/up/x", "/up/x", ""]) {
      assert.equal(rules.location(other, asked("/", { ...viaDefault, ...own })), other);
    }
    assert.equal(rules.location("http://127.0.0.1:1/up/x", asked()), "http://127.0.0.1:1/up/x");
  });

  test("puts the server before a path that it has made, and before no other", () => {
    const rules = redirects(rule("http://b", "//k"), rule("http://a/", "/one/"));
    assert.equal(rules.location("http://a/x", asked("/", own)), "http://shop.example:8000/one/x");
    assert.equal(rules.location("http://b/x", asked("/", own)), "http://shop.example:8000//k/x");
    assert.equal(rules.location("/x", asked("/", own)), "/x");
  });

  test("applies the first rule that fits, the default where it stands among them", () => {
    const rules = redirects(rule("http://a/", "/one/"), "default", rule("http://", "https://"));
    assert.equal(rules.location("http://a/b/c", asked()), "/one/b/c");
    assert.equal(rules.location("http://127.0.0.1:1/up/x", asked("/", viaDefault)), "/def/x");
    assert.equal(rules.location("http://127.0.0.1:1/up/x", asked()), "https://127.0.0.1:1/up/x");
    assert.equal(rules.location("http://A/b", asked()), "https://A/b");
  });

  test("replaces the whole by what an expression leads to", () => {
    const rules = redirects(rule("~^http://([^/]+)(/[^?]*)", "https://x/$1$2"), rule("~/b", "/z"));
    assert.equal(rules.location("http://h/p/q?x=1", asked()), "https://x/h/p/q");
    assert.equal(rules.location("ftp://a/b/c", asked()), "/z");
  });

  test("takes variables on both sides, and named captures", () => {
    const variables = redirects(rule("http://$host/", "$scheme://v$arg_x/"), rule("~^ftp://(?<h>[^/]+)", "/h/$h"));
    assert.equal(variables.location("http://shop.example/a", asked("/?x=1")), "http://v1/a");
    assert.equal(variables.location("ftp://k:8/b", asked()), "/h/k:8");
    assert.equal(redirects(rule("http://c", "")).location("http://c", asked()), "");
  });

  test("lets no control character out, which a variable may have", () => {
    const rules = redirects(rule("http://a/", "http://b$uri"));
    assert.equal(rules.location("http://a/", asked("/x%0d%0aSet-Cookie:y")), "http://b/x%0D%0ASet-Cookie:y");
  });
});

describe("proxy_redirect for Refresh", () => {
  test("replaces what stands behind url=, and writes no server before it", () => {
    const rules = redirects("default", rule("~/b", "/z"));
    const wanted = asked("/", { ...viaDefault, ...own });
    assert.equal(rules.refresh("5; url=http://127.0.0.1:1/up/x", wanted), "5; url=/def/x");
    assert.equal(rules.refresh("5;URL=http://127.0.0.1:1/up/x", wanted), "5;URL=/def/x");
    assert.equal(rules.refresh("1; url=/b/c", wanted), "1; url=/z");
  });

  test("leaves what is written otherwise", () => {
    const rules = redirects("default");
    for (const other of ["5", "", "http://127.0.0.1:1/up/x", "5;url='http://127.0.0.1:1/up/x'", "5; url = http://x"]) {
      assert.equal(rules.refresh(other, asked("/", viaDefault)), other);
    }
  });
});
