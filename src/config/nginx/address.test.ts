import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, isIpAddress, parseAddress, parseReachedAddress } from "./address.ts";

const tcp = (host: string | undefined, port: number | undefined): Address => ({ kind: "tcp", host, port });

test("addresses are a host, a port, both, or a path", () => {
  const cases: Readonly<Record<string, Address>> = {
    "80": tcp(undefined, 80),
    "000080": tcp(undefined, 80),
    "*": tcp(undefined, undefined),
    "*:80": tcp(undefined, 80),
    "127.0.0.1": tcp("127.0.0.1", undefined),
    "127.0.0.1:8080": tcp("127.0.0.1", 8080),
    "a_b:80": tcp("a_b", 80),
    "[::]:80": tcp("::", 80),
    "[::1]": tcp("::1", undefined),
    "[fe80::1%eth0]:80": tcp("fe80::1%eth0", 80),
    "[::ffff:10.0.0.1]:80": tcp("::ffff:10.0.0.1", 80),
    "[1:2:3:4:5:6:7:8]:80": tcp("1:2:3:4:5:6:7:8", 80),
    "unix:/run/a.sock": { kind: "unix", path: "/run/a.sock" },
  };
  for (const [text, value] of Object.entries(cases)) assert.deepEqual(parseAddress(text), { ok: true, value }, text);
});

// What the nginx of Debian 12 says about `listen`.
test("what is none is refused in nginx's words", () => {
  const cases: Readonly<Record<string, string>> = {
    "": "no host",
    ":80": "no host",
    "[]:80": "no host",
    "a/b": "invalid host",
    "http://x": "invalid host",
    "[::": "invalid host",
    "[::1]x": "invalid host",
    "[::g]:80": "invalid IPv6 address",
    "[1:2]:80": "invalid IPv6 address",
    "[1::2::3]:80": "invalid IPv6 address",
    "[1:2:3:4:5:6:7:8:9]": "invalid IPv6 address",
    "0": "invalid port",
    "65536": "invalid port",
    "1.2.3.4:": "invalid port",
    "1.2.3.4:0": "invalid port",
    "1.2.3.4:80x": "invalid port",
    "*:x": "invalid port",
    "unix:": "no path in the unix domain socket",
    [`unix:/${"a".repeat(107)}`]: "too long path in the unix domain socket",
  };
  for (const [text, error] of Object.entries(cases)) assert.deepEqual(parseAddress(text), { ok: false, error }, text);
});

test("who is asked has a host, or a path", () => {
  assert.deepEqual(parseReachedAddress("app_1.test:80"), { ok: true, value: tcp("app_1.test", 80) });
  assert.deepEqual(parseReachedAddress("[fe80::1%eth0]"), { ok: true, value: tcp("fe80::1%eth0", undefined) });
  assert.deepEqual(parseReachedAddress("unix:/a b"), { ok: true, value: { kind: "unix", path: "/a b" } });
  for (const text of ["80", "*", "*:80", "a,b", "ä"]) {
    assert.deepEqual(parseReachedAddress(text), { ok: false, error: "host not found" }, text);
  }
  for (const [text, error] of Object.entries({ "": "no host", "a/b": "invalid host", "a:0": "invalid port" })) {
    assert.deepEqual(parseReachedAddress(text), { ok: false, error }, text);
  }
});

test("an IP address may have a port", () => {
  for (const text of ["127.0.0.1", "127.0.0.1:80", "::1", "[::1]", "[::1]:80"]) assert.ok(isIpAddress(text), text);
  for (const text of ["", "80", "*:80", "localhost", "127.0.0.1:", "unix:/a"]) assert.ok(!isIpAddress(text), text);
});
