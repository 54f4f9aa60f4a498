import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, text } from "../../tests/route/facts.ts";
import { parseIpNetwork } from "../std/ip-address.ts";
import { compileText } from "./evaluate.ts";
import { type GeoBlock, GeoRangeList, compileGeo, parseRange } from "./geo.ts";

function network(written: string): NonNullable<ReturnType<typeof parseIpNetwork>> {
  const parsed = parseIpNetwork(written);
  assert.ok(parsed !== undefined, written);
  return parsed;
}

function block(said: Partial<GeoBlock>): GeoBlock {
  return {
    variable: "result", source: undefined, isVolatile: false, proxies: [], proxyRecursive: false, defaultValue: "none",
    entries: { kind: "networks", networks: [] }, ...said,
  };
}

function networks(entries: readonly (readonly [string, string | undefined])[]): GeoBlock["entries"] {
  return { kind: "networks", networks: entries.map(([written, value]) => ({ network: network(written), value })) };
}

function value(geo: GeoBlock, address: string, forwardedFor?: string): string {
  const variables = programVariables();
  must(variables.define(compileGeo(geo, variables)));
  const fields: Record<string, string> = forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor };
  return compileText(text("$result"), variables)(request(`/?ip=${address}`, { remote: { address, port: 1 }, fields }));
}

function ranges(...added: readonly (readonly [string, string])[]): GeoRangeList {
  const list = new GeoRangeList();
  for (const [written, name] of added) assert.equal(list.add({ ...must(parseRange(written)), value: name }), undefined);
  return list;
}

describe("geo", () => {
  const entries = networks([
    ["10.0.0.0/8", "ten"], ["10.1.0.0/16", "one"], ["10.1.2.3", "host"], ["2001:db8::/32", "six"],
    ["10.9.0.0/16", "gone"], ["10.9.0.0/16", undefined], ["192.0.2.0/24", "first"], ["192.0.2.0/24", "second"],
  ]);

  test("chooses by the longest network, of equals by the last", () => {
    const expected = {
      "10.200.0.1": "ten", "10.1.0.1": "one", "10.1.2.3": "host", "2001:db8::1": "six", "2001:db9::1": "none",
      "10.9.1.1": "ten", "192.0.2.9": "second", "::ffff:10.1.0.1": "one", "unix:": "none", "": "none",
    };
    for (const [address, name] of Object.entries(expected)) {
      assert.equal(value(block({ entries }), address), name, address);
    }
  });

  test("takes another text for the address", () => {
    assert.equal(value(block({ entries, source: text("$arg_ip") }), "10.1.2.3"), "host");
  });

  test("asks trusted proxies for the address, once or again and again", () => {
    const proxies = [network("192.0.2.0/24"), network("198.51.100.1")];
    const chain = "10.1.0.1, 10.2.0.1, 198.51.100.1";
    assert.equal(value(block({ entries, proxies }), "192.0.2.1", chain), "none");
    assert.equal(value(block({ entries, proxies, proxyRecursive: true }), "192.0.2.1", chain), "ten");
    assert.equal(value(block({ entries, proxies }), "10.1.2.3", "10.0.0.1"), "host");
    assert.equal(value(block({ entries, proxies }), "192.0.2.1", "10.1.2.3:99"), "host");
    assert.equal(value(block({ entries, proxies }), "192.0.2.1", "[2001:db8::1]:99"), "six");
    assert.equal(value(block({ entries, proxies }), "192.0.2.1", "nobody"), "second");
    assert.equal(value(block({ entries, proxies, proxyRecursive: true }), "192.0.2.1", "198.51.100.1"), "none");
  });

  test("chooses by ranges, of which a part may be another", () => {
    const list = ranges(["10.0.0.0-10.0.0.255", "a"], ["10.0.0.10-10.0.0.20", "b"], ["10.0.2.0-10.0.2.0", "c"],
      ["10.0.0.0-10.0.0.4", "d"], ["10.0.2.0-10.0.2.0", "e"]);
    const geo = block({ entries: { kind: "ranges", ranges: list.ranges } });
    const expected = {
      "10.0.0.0": "d", "10.0.0.5": "a", "10.0.0.10": "b", "10.0.0.20": "b", "10.0.0.21": "a", "10.0.0.255": "a",
      "10.0.1.0": "none", "10.0.2.0": "e", "9.255.255.255": "none", "::1": "none",
    };
    for (const [address, name] of Object.entries(expected)) assert.equal(value(geo, address), name, address);
  });

  test("refuses ranges that overlap in part, and what is no range", () => {
    const list = ranges(["10.0.0.0-10.0.0.9", "a"]);
    for (const written of ["10.0.0.5-10.0.0.15", "9.0.0.0-10.0.0.5", "9.0.0.0-11.0.0.0"]) {
      assert.equal(list.add({ ...must(parseRange(written)), value: "x" })?.value, "a", written);
    }
    for (const written of ["10.0.0.9-10.0.0.1", "10.0.0.1", "a-b", ""]) {
      assert.deepEqual(parseRange(written), { ok: false, error: `invalid range "${written}"` });
    }
  });
});
