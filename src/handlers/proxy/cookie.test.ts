import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, text } from "../../../tests/route/facts.ts";
import { translatePattern } from "../../route/index.ts";
import { type CookieSettings, Cookies } from "./cookie.ts";
import type { CookieFlags, Replacement, Searched } from "./settings.ts";

/** As the directives have it: an expression behind "~" has no regard to case. */
function searched(word: string): Searched {
  return word.startsWith("~")
    ? { kind: "regex", pattern: must(translatePattern(word.slice(1), true)) } : { kind: "text", text: text(word) };
}

function replacements(rules: readonly (readonly [string, string])[]): readonly Replacement[] {
  return rules.map(([from, to]) => ({ searched: searched(from), replacement: text(to) }));
}

function flagRules(rules: readonly (readonly string[])[]): readonly CookieFlags[] {
  return rules.map(([cookie = "", ...flags]) => ({ cookie: searched(cookie), flags: flags.map(text) }));
}

/** What becomes of a field's value. */
type Rewriter = (field: string, target?: string) => string;

function rewriter(settings: Partial<CookieSettings>): Rewriter {
  const cookies = new Cookies({ cookieDomains: [], cookiePaths: [], cookieFlags: [], ...settings }, programVariables());
  return (field, target) => cookies.rewrite(field, request(target));
}

const domains = (...rules: readonly (readonly [string, string])[]): Rewriter =>
  rewriter({ cookieDomains: replacements(rules) });
const paths = (...rules: readonly (readonly [string, string])[]): Rewriter =>
  rewriter({ cookiePaths: replacements(rules) });
const flags = (...rules: readonly (readonly string[])[]): Rewriter => rewriter({ cookieFlags: flagRules(rules) });

// Facts about results are those of nginx 1.22, unless a test says otherwise.

describe("proxy_cookie_domain", () => {
  test("replaces a domain as a whole, without regard to case", () => {
    const rewrite = domains(["localhost", "example.org"]);
    assert.equal(rewrite("a=1; Domain=localhost"), "a=1; Domain=example.org");
    assert.equal(rewrite("a=1;domain=LOCALHOST;Path=/x"), "a=1; domain=example.org; Path=/x");
    for (const other of ["a=1; Domain=xlocalhost", "a=1; Domain=localhost.net", 'a=1; Domain="localhost"']) {
      assert.equal(rewrite(other), other);
    }
  });

  test("does not mind a dot in front, and leaves the cookie's own", () => {
    const rewrite = domains([".dotted.com", ".new.com"]);
    assert.equal(rewrite("a=1; Domain=dotted.com"), "a=1; Domain=new.com");
    assert.equal(rewrite("a=1; Domain=.DOTTED.com"), "a=1; Domain=.new.com");
  });

  test("takes expressions, whose captures the replacement may name", () => {
    const rewrite = domains(["~^(.*)\\.re$", "$1.org"], ["~abc$", "Abc"]);
    assert.equal(rewrite("a=1; domain=Shop.RE; Secure"), "a=1; domain=Shop.org; Secure");
    assert.equal(rewrite("a=1; Domain=.shop.re"), "a=1; Domain=.shop.org");
    assert.equal(rewrite("a=1; Domain=XABC"), "a=1; Domain=Abc");
  });

  test("takes variables on both sides", () => {
    const rewrite = domains(["$arg_d", "$host"]);
    assert.equal(rewrite("a=1; Domain=h.com", "/?d=h.com"), "a=1; Domain=shop.example");
    assert.equal(rewrite("a=1; Domain=h.com", "/"), "a=1; Domain=h.com");
  });

  test("applies the first rule that fits, to each such attribute", () => {
    const rewrite = domains(["a", "b"], ["b", "c"], ["~.", "d"]);
    assert.equal(rewrite("k=1; Domain=a; Domain=b; Domain=x"), "k=1; Domain=b; Domain=c; Domain=d");
  });

  test("leaves cookies alone that have none, or an empty one", () => {
    const rewrite = domains(["~^$", "x"], ["", "y"]);
    for (const other of ["a=1", "a=1; Domain", "a=1; Domain=", "a=1;Path=/"]) assert.equal(rewrite(other), other);
  });

  test("never takes the cookie itself for an attribute, nor what has no value for a cookie", () => {
    const rewrite = domains(["localhost", "example.org"]);
    for (const other of ["Domain=localhost", "a; Domain=localhost", ""]) assert.equal(rewrite(other), other);
    assert.equal(rewrite("=; Domain=localhost"), "=; Domain=example.org");
  });

  test("writes the field anew, with one blank behind each semicolon and none around equals signs", () => {
    const rewrite = domains(["localhost", "example.org"]);
    assert.equal(rewrite("a= 1 ;  Domain = localhost ; ; HttpOnly"), "a=1; Domain=example.org; ; HttpOnly");
    assert.equal(rewrite("a=1\t;\tDomain=localhost\t"), "a=1; Domain=example.org");
    const expires = "Expires=Thu, 01 Jan 1970 00:00:01 GMT";
    assert.equal(rewrite(`a=b=c; x=y=z; Domain=localhost; ${expires}`), `a=b=c; x=y=z; Domain=example.org; ${expires}`);
    assert.equal(rewrite("a=\xc3\xa0; Domain=localhost"), "a=\xc3\xa0; Domain=example.org");
  });

  test("lets no line end of a variable begin another field", () => {
    const variables = programVariables();
    const pattern = must(translatePattern("(?s)^/(?<evil>.*)", false));
    const evaluation = request("/a%0d%0aX:%20y");
    variables.matcher(pattern).matches(evaluation.path, evaluation);
    const cookies = new Cookies(
      { cookieDomains: replacements([["h", "$evil"]]), cookiePaths: [], cookieFlags: [] }, variables);
    assert.equal(cookies.rewrite("a=1; Domain=h", evaluation), "a=1; Domain=a%0D%0AX: y");
  });
});

describe("proxy_cookie_path", () => {
  test("replaces the beginning of a path, with regard to case", () => {
    const rewrite = paths(["/two/", "/"], ["/none", ""]);
    assert.equal(rewrite("a=1; Path=/two/x"), "a=1; Path=/x");
    assert.equal(rewrite("a=1; path=/two/"), "a=1; path=/");
    assert.equal(rewrite("a=1; Path=/none"), "a=1; Path=");
    assert.equal(rewrite("a=1;Path=/TWO/x"), "a=1;Path=/TWO/x");
  });

  test("replaces the whole path by what an expression leads to", () => {
    const rewrite = paths(["~^/user/([^/]+)", "/u/$1"], ["~mid", "/MID"]);
    assert.equal(rewrite("a=1; PATH=/User/joe/x"), "a=1; PATH=/u/joe");
    assert.equal(rewrite("a=1; Path=/amid/x"), "a=1; Path=/MID");
  });

  test("takes variables, and applies the first rule that fits", () => {
    const rewrite = paths(["/$arg_p/", "/P/"], ["/", "/pre/"]);
    assert.equal(rewrite("a=1; Path=/q/x", "/?p=q"), "a=1; Path=/P/x");
    assert.equal(rewrite("a=1; Path=/q/x", "/?p=r"), "a=1; Path=/pre/q/x");
    assert.equal(rewrite("a=1; Path", "/?p=r"), "a=1; Path");
  });
});

describe("proxy_cookie_flags", () => {
  test("adds flags behind everything else, and leaves those that there are", () => {
    const rewrite = flags(["all", "samesite=lax", "httponly", "secure"]);
    assert.equal(rewrite("all=1"), "all=1; Secure; HttpOnly; SameSite=Lax");
    assert.equal(rewrite("all=1;secure; HttpOnly=x;Path=/"), "all=1; secure; HttpOnly=x; Path=/; SameSite=Lax");
    assert.equal(rewrite("all=1; SameSite=None; Path=/"), "all=1; SameSite=Lax; Path=/; Secure; HttpOnly");
  });

  test("takes flags away", () => {
    const rewrite = flags(["~.", "nosecure", "nohttponly", "nosamesite"]);
    assert.equal(rewrite("a=1; Secure; SECURE=1; httponly; SameSite; SameSite=Lax; Path=/"), "a=1; Path=/");
    assert.equal(rewrite("a=1; Foo= x"), "a=1; Foo=x");
  });

  test("leaves one SameSite of several, where nginx leaves a last one that browsers would believe", () => {
    const rewrite = flags(["a", "samesite=strict"]);
    assert.equal(rewrite("a=1; SameSite=Lax; SameSite=None"), "a=1; SameSite=Strict");
  });

  test("compares names without regard to case, and applies the first rule that fits", () => {
    const rewrite = flags(["one", "httponly"], ["~^T(.)", "secure"], ["three", "httponly"]);
    assert.equal(rewrite("ONE=1"), "ONE=1; HttpOnly");
    assert.equal(rewrite("three=1"), "three=1; Secure");
    assert.equal(rewrite("four=1;x= 1"), "four=1;x= 1");
  });

  test("takes variables and captures, and passes over words that are no flags", () => {
    const rewrite = flags(["~^c(.*)$", "samesite=$1"], ["$arg_c", "SECURE", "samesite=$arg_s"], ["v", "$arg_f"]);
    assert.equal(rewrite("cLax=1"), "cLax=1; SameSite=Lax");
    assert.equal(rewrite("x=1", "/?c=x&s=none"), "x=1; Secure; SameSite=None");
    assert.equal(rewrite("x=1", "/?c=x&s=bogus"), "x=1; Secure");
    assert.equal(rewrite("v=1; Foo= a", "/?f=bogus"), "v=1; Foo= a");
    assert.equal(rewrite("v=1", "/?f=httponly"), "v=1; HttpOnly");
  });

  test("of words that exclude each other follows the stricter one", () => {
    assert.equal(flags(["a", "secure", "nosecure"])("a=1"), "a=1; Secure");
    assert.equal(flags(["a", "samesite=none", "samesite=lax", "samesite=strict"])("a=1"), "a=1; SameSite=Strict");
    assert.equal(flags(["a", "samesite=lax", "nosamesite"])("a=1; SameSite=x"), "a=1; SameSite=Lax");
  });

  test("goes together with domains and paths", () => {
    const rewrite = rewriter({
      cookieDomains: replacements([["a", "b"]]), cookiePaths: replacements([["/", "/x/"]]),
      cookieFlags: flagRules([["~", "secure"]]),
    });
    assert.equal(rewrite("k=1; Path=/; Domain=a"), "k=1; Path=/x/; Domain=b; Secure");
  });
});

test("A field of blanks and semicolons takes no longer than its length", () => {
  const rewrite = domains(["localhost", "example.org"]);
  const long = `a=1; x${" ".repeat(100_000)}y;${";".repeat(100_000)} Domain=localhost`;
  assert.ok(rewrite(long).endsWith("; Domain=example.org"));
});
