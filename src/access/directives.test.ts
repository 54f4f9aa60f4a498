import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, innermost, refusals, textIn } from "../../tests/conf/blocks.ts";
import { accessDirectives, accessSettings } from "./directives.ts";
import type { AccessSettings } from "./index.ts";

/** What is in force in a location with `text` in a server with `around`. */
function settings(text: string, around: string = ""): AccessSettings {
  return accessSettings(innermost(`http { server { ${around} location / { ${text} } } }`, accessDirectives));
}

describe("the directives of access", () => {
  test("say nothing by default", () => {
    assert.deepEqual(settings(""), {
      rules: [], realip: undefined, forwardedAllowIps: undefined, referers: undefined,
    });
  });

  test("keep the order of allow and deny, and take nothing from the block around once there is one", () => {
    const { rules } = settings("deny 10.1.0.0/16; allow 10.0.0.0/8; deny all;", "allow 127.0.0.1; deny unix:;");
    assert.deepEqual(rules.map(({ allows, client }) => [allows, client.kind]), [
      [false, "network"], [true, "network"], [false, "all"],
    ]);
    assert.equal(settings("", "allow 127.0.0.1; deny all;").rules.length, 2);
    assert.equal(settings("deny ::1;", "allow 127.0.0.1; deny all;").rules.length, 1);
  });

  test("take realip from where it stands, the header from wherever", () => {
    const { realip } = settings(
      "real_ip_header X-Forwarded-For; real_ip_recursive on;", "set_real_ip_from 10.0.0.0/8;",
    );
    assert.deepEqual(realip?.header, { kind: "field", name: "x-forwarded-for" });
    assert.equal(realip.recursive, true);
    assert.equal(realip.from.length, 1);
    const proxied = settings("real_ip_header proxy_protocol;", "set_real_ip_from unix:;").realip;
    assert.deepEqual(proxied?.header, { kind: "proxy_protocol" });
  });

  test("say whose forwarded fields applications believe", () => {
    const of = (text: string) => settings(text, "forwarded_allow_ips *;").forwardedAllowIps;
    assert.deepEqual(of(""), ["*"]);
    assert.equal(of("forwarded_allow_ips off;"), undefined);
    assert.deepEqual(of("forwarded_allow_ips 127.0.0.1 ::1 10.0.0.0/8;"), ["127.0.0.1", "::1", "10.0.0.0/8"]);
  });

  test("join all valid_referers of a block", () => {
    const { referers } = settings("valid_referers none a.example/x; valid_referers ~b *.c;");
    assert.equal(referers?.none, true);
    assert.equal(referers.blocked, false);
    assert.deepEqual(referers.names.map(({ path }) => path), ["/x", ""]);
    assert.equal(referers.patterns.length, 1);
  });

  const refused: readonly (readonly [string, string])[] = [
    ["allow foo;", 'invalid parameter "foo"'],
    ["allow ALL;", 'invalid parameter "ALL"'],
    ["allow 1.2.3.4/33;", 'invalid parameter "1.2.3.4/33"'],
    ["allow 1.2.3.4/;", 'invalid parameter "1.2.3.4/"'],
    ["deny [::1];", 'invalid parameter "[::1]"'],
    ["satisfy foo;", 'invalid value "foo"'],
    ["set_real_ip_from all;", 'host not found in set_real_ip_from "all"'],
    ["real_ip_header X:Y;", 'invalid value "X:Y"'],
    ['real_ip_header "";', 'invalid value ""'],
    ["valid_referers;", 'invalid number of arguments in "valid_referers" directive'],
    ["valid_referers *;", 'invalid hostname or wildcard "*"'],
    ["valid_referers a*b;", 'invalid hostname or wildcard "a*b"'],
    ["valid_referers ~;", 'empty regex in "~"'],
    ["valid_referers a.com/x a.com/y;", 'conflicting parameter "a.com"'],
    ['valid_referers "";', 'invalid referer ""'],
    ["forwarded_allow_ips proxy;", 'invalid parameter "proxy"'],
    ["forwarded_allow_ips off 10.0.0.1;", 'invalid parameter "off"'],
  ];
  for (const [text, nginx] of refused) {
    test(`refuse ${text}`, () => {
      assert.deepEqual(refusals(textIn("location", text), accessDirectives), [nginx]);
    });
  }

  test("are nginx's, in its places, with examples that are accepted", () => {
    assert.deepEqual(contextMistakes(accessDirectives), []);
    assert.deepEqual(exampleMistakes(accessDirectives), []);
  });
});
