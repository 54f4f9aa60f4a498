import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Block } from "../config/nginx/block.ts";
import { readConfiguration } from "../config/nginx/read-configuration.ts";
import { routeDirectives } from "../route/directives.ts";
import { err, ok } from "../std/result.ts";
import { accessDirectives, accessSettings } from "./directives.ts";

/** A configuration's text to its location, and what is wrong with it in nginx's words. */
function read(text: string): { readonly location: Block; readonly mistakes: readonly string[] } {
  const files = {
    readText: (path: string) => (path === "main" ? ok(text) : err("no such file")),
    glob: () => [],
  };
  const { block, mistakes } = readConfiguration(
    { path: "main", parameter: undefined, files }, [...routeDirectives, ...accessDirectives],
  );
  let location = block;
  for (let inner: Block | undefined = block; inner !== undefined; inner = inner.directives.at(-1)?.block) {
    location = inner;
  }
  return { location, mistakes: mistakes.map(({ nginx }) => nginx) };
}

const inLocation = (text: string, server = "") =>
  read(`http { server { ${server} location / { ${text} } } }`);

describe("the directives of access", () => {
  test("say nothing by default", () => {
    assert.deepEqual(accessSettings(inLocation("").location), {
      satisfy: "all", rules: [], realip: undefined, forwardedAllowIps: undefined, referers: undefined,
    });
  });

  test("keep the order of allow and deny, and take nothing from the block around once there is one", () => {
    const { location } = inLocation("deny 10.1.0.0/16; allow 10.0.0.0/8; deny all;", "allow 127.0.0.1; deny unix:;");
    assert.deepEqual(accessSettings(location).rules.map(({ allows, client }) => [allows, client.kind]), [
      [false, "network"], [true, "network"], [false, "all"],
    ]);
    assert.equal(accessSettings(inLocation("", "allow 127.0.0.1; deny all;").location).rules.length, 2);
    assert.equal(accessSettings(inLocation("deny ::1;", "allow 127.0.0.1; deny all;").location).rules.length, 1);
  });

  test("take realip from where it stands, the header from wherever", () => {
    const { realip } = accessSettings(
      inLocation("real_ip_header X-Forwarded-For; real_ip_recursive on;", "set_real_ip_from 10.0.0.0/8;").location,
    );
    assert.equal(realip?.header, "x-forwarded-for");
    assert.equal(realip?.recursive, true);
    assert.equal(realip?.from.length, 1);
  });

  test("say whose forwarded fields applications believe", () => {
    const of = (text: string) => accessSettings(inLocation(text, "forwarded_allow_ips *;").location).forwardedAllowIps;
    assert.deepEqual(of(""), ["*"]);
    assert.equal(of("forwarded_allow_ips off;"), undefined);
    assert.deepEqual(of("forwarded_allow_ips 127.0.0.1 ::1 10.0.0.0/8;"), ["127.0.0.1", "::1", "10.0.0.0/8"]);
  });

  test("join all valid_referers of a block", () => {
    const { referers } = accessSettings(inLocation("valid_referers none a.example/x; valid_referers ~b *.c;").location);
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
    ["real_ip_header PROXY_protocol;", 'invalid value "PROXY_protocol"'],
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
    test(`refuse ${text}`, () => assert.deepEqual(inLocation(text).mistakes, [nginx]));
  }

  test("each give an example that is accepted", () => {
    for (const { name, example, contexts } of accessDirectives) {
      const place = contexts.includes("location") ? example : "";
      assert.deepEqual(inLocation(place).mistakes, [], name);
    }
  });
});
