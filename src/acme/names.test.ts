import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkName } from "./names.ts";

function reason(name: string, isPublic: boolean = true): string {
  const checked = checkName(name, isPublic);
  return checked.ok ? `fine: ${checked.value}` : checked.error;
}

describe("names for certificates", () => {
  test("are what the DNS has, in lower case and ASCII, without the root's dot", () => {
    assert.equal(reason("Shop.Example.ORG"), "fine: shop.example.org");
    assert.equal(reason("shop.org."), "fine: shop.org");
    assert.equal(reason("münchen.de"), "fine: xn--mnchen-3ya.de");
    assert.equal(reason("xn--mnchen-3ya.de"), "fine: xn--mnchen-3ya.de");
  });

  test("are no addresses", () => {
    for (const address of ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"]) assert.match(reason(address), /is an address/);
  });

  test("have no wildcards, and what to do is said", () => {
    for (const name of ["*.site.org", "www.*", ".site.org"]) {
      assert.match(reason(name), /write each name as server_name/);
    }
  });

  test("have labels of letters, digits and hyphens, within the DNS's bounds", () => {
    const wrong = ["", "a..org", "a_b.org", "-a.org", "a-.org", "a b.org", "a/b.org", `${"x".repeat(64)}.org`];
    for (const name of wrong) assert.match(reason(name), /no name of the DNS/, name);
    assert.match(reason(`${"x".repeat(63)}.org`), /^fine/);
    const long = `${"abcdefg.".repeat(31)}abcde`;
    assert.equal(long.length, 253);
    assert.match(reason(long), /^fine/);
    assert.match(reason(`x${long}`), /no name of the DNS/);
  });

  test("are of the public DNS where the issuer is, and any where it is not", () => {
    const names = ["localhost", "a.localhost", "printer.local", "wiki.internal", "a.test", "a.home.arpa", "x.onion"];
    for (const name of names) {
      assert.match(reason(name), /name of private networks.*acme_issuer/, name);
      assert.equal(reason(name, false), `fine: ${name}`);
    }
    assert.match(reason("intranet"), /has no dot/);
    assert.equal(reason("intranet", false), "fine: intranet");
    assert.equal(reason("notlocal.org"), "fine: notlocal.org");
  });
});
