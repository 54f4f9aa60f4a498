import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request } from "../../tests/route/facts.ts";
import { VirtualHosts, normalizeHost, parseServerName } from "./hosts.ts";

/** Servers by number from 0, which is the default, and what the names lead to. */
function hosts(...servers: readonly (readonly string[])[]): { find: (host: string) => unknown; table: VirtualHosts } {
  const named = servers.map((names, server) => ({ server, names: names.map((name) => must(parseServerName(name))) }));
  const table = new VirtualHosts({ defaultServer: 0, servers: named }, programVariables());
  return { find: (host) => table.find(host, request()), table };
}

function refusal(name: string): string {
  const result = parseServerName(name);
  return result.ok ? "accepted" : result.error;
}

describe("the server of a request", () => {
  test("is the one with the exact name, before wildcards, before expressions, before the default", () => {
    const expression = "~^www\\.example\\.org$";
    const { find } = hosts(["x"], [expression], ["www.example.*"], ["*.example.org"], ["www.example.org"]);
    assert.equal(find("www.example.org"), 4);
    assert.equal(find("mail.example.org"), 3);
    assert.equal(find("www.example.net"), 2);
    assert.equal(find("other.example"), 0);
    assert.equal(hosts(["x"], ["~^www"]).find("www.example.org"), 1);
  });

  test("is the one with the longest wildcard, leading ones first", () => {
    const { find } = hosts(["x"], ["*.org"], ["*.example.org"], ["a.*"], ["a.b.*"], [".deep.example.org"]);
    assert.equal(find("a.example.org"), 2);
    assert.equal(find("a.b.c.org"), 1);
    assert.equal(find("a.b.net"), 4);
    assert.equal(find("a.c.net"), 3);
    assert.equal(find("deep.example.org"), 5);
    assert.equal(find("x.y.deep.example.org"), 5);
    assert.equal(find("org"), 0);
    assert.equal(find("a"), 0);
  });

  test("is the first whose expression matches, which captures", () => {
    const variables = programVariables();
    const names = ["~^(?<user>\\w+)-(\\d)\\.example$", "~example$"].map((name) => must(parseServerName(name)));
    const table = new VirtualHosts(
      { defaultServer: 9, servers: names.map((name, server) => ({ server, names: [name] })) }, variables,
    );
    const evaluation = request();
    assert.equal(table.find("Joe-7.EXAMPLE:8080", evaluation), 0);
    assert.deepEqual(evaluation.groups, ["joe", "7"]);
    assert.equal(evaluation.value(variables.variable("user")), "joe");
    assert.equal(table.find("joe.example", request()), 1);
  });

  test("does not depend on case, port and last dot", () => {
    const { find } = hosts(["x"], ["shop.example", "[::1]"]);
    const same = ["SHOP.example", "shop.example:443", "shop.example.", "shop.example.:80", "shop.example:", "[::1]:80"];
    for (const host of same) assert.equal(find(host), 1, host);
  });

  test("is the one named \"\" for requests without a host, else the default", () => {
    assert.equal(hosts(["x"], [""]).find(""), 1);
    assert.equal(hosts(["x"], ["y"]).find(""), 0);
  });

  test("is none for what is no host", () => {
    const { find } = hosts(["x"]);
    const names = ["a b", "a/b", "a..b", "a@b", "a,b", ".", "a\0", "a".repeat(256)];
    for (const host of [...names, ":80", "a:x", "a:99999", "[::1", "[zz]", "[]", "[v1]", "[v1.]", "[v.a]", "[v1.a"]) {
      assert.equal(find(host), undefined, host);
    }
    assert.equal(find("a".repeat(255)), 0);
  });

  test("is the first of those with one name, and the conflict is known", () => {
    const { find, table } = hosts(["a", ".b"], ["a", "*.b"], ["A", "a"]);
    assert.equal(find("a"), 0);
    assert.equal(find("x.b"), 0);
    assert.deepEqual(table.conflicts, [
      { name: "a", server: 1 }, { name: "*.b", server: 1 }, { name: "a", server: 2 }, { name: "a", server: 2 },
    ]);
  });
});

describe("a name of a server", () => {
  test("has its star at an end and for a whole label", () => {
    const wrong = ["w*.example", "*.example.*", "www.*.org", "a..b", "*..b", ".*", "a\0b", "..a", "a..*", "*.*.b"];
    for (const name of wrong) {
      assert.equal(refusal(name), `invalid server name or wildcard "${name}"`);
    }
    for (const name of ["*", "*.", ".", "*a.b"]) assert.equal(refusal(name), `server name "${name}" is invalid`);
    assert.equal(refusal("_"), "accepted");
  });

  test("is an expression after a tilde, which ignores case only where it has capitals", () => {
    assert.equal(refusal("~"), "empty regex in server name \"~\"");
    assert.match(refusal("~("), /^pcre2_compile\(\) failed: missing closing parenthesis/);
    assert.deepEqual(must(parseServerName("~^A$")).kind, "regex");
    assert.equal(hosts(["x"], ["~^WWW"]).find("www.example"), 1);
  });

  test("is compared with a normalised host", () => {
    assert.equal(normalizeHost("Example.ORG.:8080"), "example.org");
    assert.equal(normalizeHost("[2001:DB8::1]:80"), "[2001:db8::1]");
    assert.equal(normalizeHost("[V1.!$&'()*+,;=-._~:A]:80"), "[v1.!$&'()*+,;=-._~:a]");
    assert.equal(normalizeHost(""), undefined);
  });
});
