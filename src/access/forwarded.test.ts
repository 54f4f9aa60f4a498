import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestReader, SectionMemory } from "../protocol/h1/index.ts";
import { fromLatin1 } from "../std/bytes.ts";
import type { FieldSection } from "../http/field-section.ts";
import { TrustedProxies, forwardedScheme, plainAddress } from "./forwarded.ts";

const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 16_384, headSizeMax: 32_768 };

function fields(...lines: string[]): FieldSection {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request");
  return event.fields;
}

test("the client is the first address from the right that is not trusted", () => {
  const proxies = new TrustedProxies(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]);
  const client = (value: string): string | undefined => proxies.clientAddress(fields(`X-Forwarded-For: ${value}`));
  assert.equal(client("192.0.2.1"), "192.0.2.1");
  assert.equal(client("203.0.113.9, 192.0.2.1, 10.1.2.3"), "192.0.2.1");
  assert.equal(client("10.9.9.9, 10.1.2.3"), "10.9.9.9");
  assert.equal(client("2001:db8::7, [2001:db8::1]:443"), "2001:db8::7");
  assert.equal(client("192.0.2.1:5000"), "192.0.2.1");
  assert.equal(client("192.0.2.1, unknown"), undefined);
});

test("an address that is none, or of any length, is not taken over", () => {
  const everybody = new TrustedProxies(["*"]);
  for (const value of ["unknown", "_hidden", `fe80::1%${"a".repeat(8000)}`, "fe80::1%eth0", "1.2.3", ""]) {
    assert.equal(everybody.clientAddress(fields(`X-Forwarded-For: ${value}`)), undefined, value.slice(0, 20));
  }
});

test("only http and https are schemes, and the nearest proxy's word counts", () => {
  assert.equal(forwardedScheme(fields("X-Forwarded-Proto: https")), "https");
  assert.equal(forwardedScheme(fields("X-Forwarded-Proto: http, HTTPS")), "https");
  assert.equal(forwardedScheme(fields("X-Forwarded-Proto: javascript")), undefined);
  assert.equal(forwardedScheme(fields()), undefined);
});

test("peers of Unix sockets are trusted unless nobody is", () => {
  assert.equal(new TrustedProxies(["192.0.2.1"]).trusts(""), true);
  assert.equal(new TrustedProxies([]).trusts(""), false);
  assert.equal(new TrustedProxies([]).trusts("127.0.0.1"), false);
});

test("an IPv4 peer of a dual-stack socket is known by its IPv4 address", () => {
  assert.equal(plainAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(plainAddress("::ffff"), "::ffff");
});
