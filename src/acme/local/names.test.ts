import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isPermitted, normalName, permittedOn, wantedNames, writtenNames } from "./names.ts";

describe("a name of a certificate", () => {
  const forms: readonly (readonly [string, string | undefined])[] = [
    ["Shop.Test", "shop.test"], ["shop.test.", "shop.test"], ["*.shop.test", "*.shop.test"], ["3f2a", "3f2a"],
    ["::FFFF:10.0.0.1", "10.0.0.1"], ["[fd00:0::1]", "fd00::1"], ["127.0.0.1", "127.0.0.1"],
    ["_", undefined], ["a_b.test", undefined], ["~^shop", undefined], ["shop.*", undefined], ["*", undefined],
    ["0.0.0.0", undefined], ["::", undefined], ["fe80::1%eth0", undefined], ["1.2.3", undefined], ["", undefined],
    ["-a.test", undefined], ["a..test", undefined], [`${"a".repeat(63)}.test`, `${"a".repeat(63)}.test`],
    [`${"a".repeat(64)}.test`, undefined], [`${"a.".repeat(124)}test`, `${"a.".repeat(124)}test`],
    [`${"a.".repeat(125)}test`, undefined], ["*.*.test", undefined], ["münchen.test", undefined],
  ];
  for (const [text, form] of forms) {
    const shown = text.slice(0, 20) || "empty";
    test(`is ${form === undefined ? "not " : ""}${shown}`, () => assert.equal(normalName(text), form));
  }

  test("with a dot in front stands for the domain and all below it", () => {
    const written = writtenNames({ names: [".shop.test", "shop.test"], addresses: ["::1", "0.0.0.0"] });
    assert.deepEqual(written, ["shop.test", "*.shop.test", "::1"]);
  });

  test("of the machine is not asked for where the machine is named by an address", () => {
    const names = wantedNames({ names: [], addresses: ["::"], hostName: "10.0.0.1", machineAddresses: ["10.0.0.1"] });
    assert.deepEqual(names, ["localhost", "*.localhost", "127.0.0.1", "::1", "10.0.0.1"]);
  });
});

describe("an authority of this machine", () => {
  const permitted = permittedOn("Laptop.example.org");

  for (const name of [
    "localhost", "*.localhost", "a.b.test", "shop.example", "laptop.local", "nas.home.arpa", "host.docker.internal",
    "laptop.example.org", "*.laptop.example.org", "127.8.9.10", "10.255.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "169.254.1.1", "100.64.0.1", "::1", "fd12::1", "fe80::1",
  ]) {
    test(`may sign ${name}`, () => assert.equal(isPermitted(name, permitted), true));
  }

  for (const name of [
    "example.org", "other.example.org", "*.example.org", "notlocalhost", "localhost.org", "*.org", "8.8.8.8",
    "172.32.0.1", "172.15.255.255", "192.169.0.1", "100.128.0.1", "::2", "2001:db8::1", "fec0::1",
  ]) {
    test(`may not sign ${name}`, () => assert.equal(isPermitted(name, permitted), false));
  }

  test("has no limit twice, and none that is an address or no name", () => {
    assert.equal(permittedOn("laptop").domains.at(-1), "laptop");
    for (const hostName of ["localhost", "mac.local", "10.0.0.1", "my_host", ""]) {
      assert.equal(permittedOn(hostName).domains.at(-1), "internal", hostName);
    }
  });
});
