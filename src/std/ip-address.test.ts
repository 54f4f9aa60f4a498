import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressBytes, parseIpAddress, parseIpNetwork, unmapped } from "./ip-address.ts";

function hex(text: string): string | undefined {
  const address = parseIpAddress(text);
  return address === undefined ? undefined : `${address.version}:${address.value.toString(16)}`;
}

describe("an IP address", () => {
  test("is read as RFC 4291 writes it", () => {
    assert.equal(hex("192.0.2.1"), "4:c0000201");
    assert.equal(hex("::"), "6:0");
    assert.equal(hex("::1"), "6:1");
    assert.equal(hex("1::"), "6:10000000000000000000000000000");
    assert.equal(hex("2001:db8::8:800:200C:417A"), "6:20010db80000000000080800200c417a");
    assert.equal(hex("1:2:3:4:5:6:7:8"), "6:10002000300040005000600070008");
    assert.equal(hex("::ffff:192.0.2.1"), "6:ffffc0000201");
    assert.equal(hex("1:2:3:4:5:6:192.0.2.1"), "6:100020003000400050006c0000201");
  });

  test("is nothing else", () => {
    for (const text of ["", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", ":", ":::",
      "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "::1%lo", "[::1]",
      "1.2.3.4::"]) {
      assert.equal(parseIpAddress(text), undefined, text);
    }
  });

  test("of IPv4 may be mapped into IPv6", () => {
    const address = parseIpAddress("::ffff:10.0.0.1");
    assert.ok(address !== undefined);
    assert.deepEqual(unmapped(address), { version: 4, value: 0x0a00_0001n });
  });

  test("is 4 or 16 bytes", () => {
    const bytes = (text: string): string | undefined => {
      const address = parseIpAddress(text);
      return address === undefined ? undefined : addressBytes(address);
    };
    assert.equal(bytes("192.0.2.1"), "\xc0\x00\x02\x01");
    assert.equal(bytes("::ff"), `${"\0".repeat(15)}\xff`);
  });
});

describe("an IP network", () => {
  test("is an address with a prefix, whose other bits are cut off", () => {
    assert.deepEqual(parseIpNetwork("10.1.2.3/8"), { version: 4, value: 0x0a00_0000n, prefixLength: 8 });
    assert.deepEqual(parseIpNetwork("10.1.2.3"), { version: 4, value: 0x0a01_0203n, prefixLength: 32 });
    assert.deepEqual(parseIpNetwork("::1/0"), { version: 6, value: 0n, prefixLength: 0 });
  });

  test("has a prefix no longer than the address", () => {
    for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/a", "/8", "10.0.0.0/8/8"]) {
      assert.equal(parseIpNetwork(text), undefined, text);
    }
  });
});
