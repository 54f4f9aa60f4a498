import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RequestReader, SectionMemory } from "../protocol/h1/index.ts";
import type { FieldSection } from "../http/field-section.ts";
import { parseServerName, parseWildcardName, translatePattern } from "../route/index.ts";
import { fromLatin1 } from "../std/bytes.ts";
import { parseIpAddress, parseIpNetwork } from "../std/ip-address.ts";
import { addressText } from "../std/address-text.ts";
import { AccessCheck, RealIp, type RealIpHeader, RefererCheck } from "./index.ts";
import { HOPS_MAX } from "./real-ip.ts";
import type { Client } from "./settings.ts";

const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 16_384, headSizeMax: 32_768 };

function fields(...lines: readonly string[]): FieldSection {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request");
  return event.fields;
}

function client(text: string): Client {
  if (text === "all") return { kind: "all" };
  if (text === "unix:") return { kind: "unix" };
  const network = parseIpNetwork(text);
  assert.ok(network !== undefined);
  return { kind: "network", ...network };
}

describe("allow and deny", () => {
  /** "deny 10.0.0.1; allow all" */
  const check = (text: string): AccessCheck => new AccessCheck({
    rules: text.split("; ").map((rule) => {
      const [word, who = ""] = rule.split(" ");
      return { allows: word === "allow", client: client(who) };
    }),
  });

  // What nginx 1.22 does with peers 127.0.0.1, ::ffff:127.0.0.1 of a dual-stack socket, and of a Unix socket.
  const table: readonly (readonly [rules: string, ipv4: boolean, mapped: boolean, unix: boolean])[] = [
    ["allow 127.0.0.1; deny all", true, true, false],
    ["deny 127.0.0.1; allow all", false, false, true],
    ["allow ::1; deny ::/0", true, false, true],
    ["deny unix:; deny ::1", true, true, false],
    ["deny ::ffff:127.0.0.1", true, false, true],
    ["deny 127.0.0.0/8", false, false, true],
    ["allow 10.0.0.1", true, true, true],
    ["deny 127.0.0.0/8; allow 127.0.0.1", false, false, true],
    ["allow 127.0.0.1; deny 127.0.0.0/8", true, true, true],
    ["deny 0.0.0.0/0", false, false, true],
  ];
  for (const [rules, ...expected] of table) {
    test(rules, () => {
      const access = check(rules);
      const decisions = ["127.0.0.1", "::ffff:127.0.0.1", "unix:"].map((peer) => access.decide(peer) === "allowed");
      assert.deepEqual(decisions, expected);
    });
  }

  test("hold for IPv6 networks", () => {
    const access = check("deny 2001:db8:1::/48; allow 2001:db8::/32; deny all");
    assert.equal(access.decide("2001:db8:1::5"), "denied");
    assert.equal(access.decide("2001:db8:2::5"), "allowed");
    assert.equal(access.decide("2001:db9::"), "denied");
    assert.equal(access.decide("192.0.2.1"), "denied");
  });

  test("decide the same for more addresses than are remembered", () => {
    const access = check("deny 10.0.5.0/24");
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5000; index++) {
        const address = `10.0.${index >> 8}.${index & 255}`;
        assert.equal(access.decide(address), index >> 8 === 5 ? "denied" : "allowed");
      }
    }
  });
});

describe("real_ip_header", () => {
  const peer = { address: "127.0.0.1", port: 4711 };
  const field = (name: string): RealIpHeader => ({ kind: "field", name });

  /** Who nginx 1.22 takes for the client; "-" for the peer. */
  const named = (from: string, header: string, recursive: boolean, lines: readonly string[]): string => {
    const realIp = new RealIp({ from: from.split(" ").map(client), header: field(header), recursive });
    const found = realIp.clientOf(peer, fields(...lines), undefined);
    return found === peer ? "-" : `${found.address}${found.port === undefined ? "" : ` ${found.port}`}`;
  };

  const single: readonly (readonly [value: string, expected: string])[] = [
    ["1.2.3.4", "1.2.3.4"],
    ["1.2.3.4:55", "1.2.3.4 55"],
    ["[2001:DB8:0::1]:55", "2001:db8::1 55"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["foo", "-"],
    ["1.2.3.4, 5.6.7.8", "5.6.7.8"],
    ["1.2.3", "-"],
    ["", "-"],
    ["unix:", "-"],
    ["1.2.3.4:0", "-"],
    ["1.2.3.4:99999", "-"],
    ["1.2.3.4:65535", "1.2.3.4 65535"],
    ["1.2.3.4:65536", "-"],
    ["[::1]", "-"],
    ["fe80::1%eth0", "-"],
    ["1.2.3.4:5x", "-"],
    ["1.2.3.4;5.6.7.8", "-"],
    ["1.2.3.4\t5.6.7.8", "-"],
  ];
  for (const [value, expected] of single) {
    test(`X-Real-IP: ${JSON.stringify(value)}`, () => {
      assert.equal(named("127.0.0.1", "x-real-ip", false, [`X-Real-IP: ${value}`]), expected);
    });
  }

  const forwarded: readonly (readonly [lines: readonly string[], last: string, recursive: string])[] = [
    [["1.1.1.1, 2.2.2.2"], "2.2.2.2", "2.2.2.2"],
    [["1.1.1.1,2.2.2.2"], "2.2.2.2", "2.2.2.2"],
    [["1.1.1.1", "2.2.2.2"], "2.2.2.2", "2.2.2.2"],
    [["1.1.1.1, "], "1.1.1.1", "1.1.1.1"],
    [[",1.1.1.1"], "-", "-"],
    [[", 1.1.1.1"], "1.1.1.1", "1.1.1.1"],
    [["1.1.1.1", ","], "-", "-"],
    [[",, 1.1.1.1 , ,"], "1.1.1.1", "1.1.1.1"],
    [["1.1.1.1, foo"], "-", "-"],
    [["1.1.1.1 2.2.2.2"], "2.2.2.2", "2.2.2.2"],
    [["1.1.1.1, 2.2.2.2, 10.1.1.1"], "10.1.1.1", "2.2.2.2"],
    [["1.1.1.1", "10.1.1.1"], "10.1.1.1", "1.1.1.1"],
    [["1.1.1.1, 10.2.2.2", "10.1.1.1"], "10.1.1.1", "1.1.1.1"],
    [["10.1.1.1"], "10.1.1.1", "10.1.1.1"],
    [["foo, 10.1.1.1"], "10.1.1.1", "10.1.1.1"],
    [["foo, 10.1.1.1", "10.2.2.2"], "10.2.2.2", "10.1.1.1"],
    [["10.3.3.3, foo", "10.2.2.2"], "10.2.2.2", "10.2.2.2"],
    [["10.1.1.1:55, 10.1.1.2:66"], "10.1.1.2 66", "10.1.1.1 55"],
  ];
  for (const [values, last, recursive] of forwarded) {
    test(`X-Forwarded-For: ${values.join(" | ")}`, () => {
      const lines = values.map((value) => `X-Forwarded-For: ${value}`);
      assert.equal(named("127.0.0.1 10.0.0.0/8", "x-forwarded-for", false, lines), last);
      assert.equal(named("127.0.0.1 10.0.0.0/8", "x-forwarded-for", true, lines), recursive);
    });
  }

  test("reads the first line of any other field", () => {
    assert.equal(named("127.0.0.1", "x-my", false, ["X-My: 1.1.1.1", "X-My: 2.2.2.2"]), "1.1.1.1");
    assert.equal(named("127.0.0.1", "x-my", true, ["x-my: 1.1.1.1, 2.2.2.2"]), "2.2.2.2");
  });

  test("believes only the proxies that it is told to", () => {
    assert.equal(named("10.0.0.1", "x-real-ip", false, ["X-Real-IP: 1.2.3.4"]), "-");
    assert.equal(named("::/0", "x-real-ip", false, ["X-Real-IP: 1.2.3.4"]), "-");
    assert.equal(named("unix:", "x-real-ip", false, ["X-Real-IP: 1.2.3.4"]), "-");
    const unix = new RealIp({ from: [client("unix:")], header: field("x-real-ip"), recursive: false });
    const found = unix.clientOf({ address: "unix:", port: undefined }, fields("X-Real-IP: ::1"), undefined);
    assert.equal(found.address, "::1");
  });

  test("may be the PROXY protocol's header, whose source is one address", () => {
    const realIp = (from: string): RealIp =>
      new RealIp({ from: [client(from)], header: { kind: "proxy_protocol" }, recursive: true });
    const source = { address: "2001:DB8::1", port: 5 };
    const forwarded = fields("X-Real-IP: 1.2.3.4", "proxy_protocol: 1.2.3.4");
    const expected = { address: "2001:db8::1", port: 5 };
    assert.deepEqual(realIp("127.0.0.1").clientOf(peer, forwarded, { source }), expected);
    assert.equal(realIp("127.0.0.1").clientOf(peer, forwarded, undefined), peer);
    assert.equal(realIp("10.0.0.0/8").clientOf(peer, forwarded, { source }), peer);
    assert.deepEqual(realIp("unix:").clientOf({ address: "unix:", port: undefined }, forwarded, { source }), expected);
  });

  test("looks at so many addresses and no more", () => {
    const chain = (count: number): string[] => [`X-Forwarded-For: 1.1.1.1${", 10.0.0.1".repeat(count)}`];
    assert.equal(named("127.0.0.1 10.0.0.0/8", "x-forwarded-for", true, chain(HOPS_MAX - 1)), "1.1.1.1");
    assert.equal(named("127.0.0.1 10.0.0.0/8", "x-forwarded-for", true, chain(HOPS_MAX)), "10.0.0.1");
  });

  test("writes addresses as everybody does", () => {
    for (const [text, expected] of [
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], ["::", "::"], ["::1.2.3.4", "::1.2.3.4"], ["0:0:1::", "0:0:1::"],
      ["1:0:0:2:0:0:0:3", "1:0:0:2::3"], ["::1", "::1"], ["0:0:0:0:0:FFFF:1.2.3.4", "::ffff:1.2.3.4"], ["1::", "1::"],
      ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"], ["1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"], ["192.0.2.1", "192.0.2.1"],
    ] as const) {
      const address = parseIpAddress(text);
      assert.ok(address !== undefined);
      assert.equal(addressText(address), expected);
    }
  });
});

describe("$invalid_referer", () => {
  const serverNames = ["a.example", "~^n\\d", "*.w.example"].map((text) => {
    const name = parseServerName(text);
    assert.ok(name.ok);
    return name.value;
  });

  const check = (words: string): RefererCheck => {
    const all = words.split(" ");
    const names = all.filter((word) => word.includes(".") && !word.startsWith("~")).map((word) => {
      const [, host = "", path = ""] = /^([^/]*)(.*)$/.exec(word) ?? [];
      const name = parseWildcardName(host);
      assert.ok(name.ok);
      return { name: name.value, path };
    });
    const patterns = all.filter((word) => word.startsWith("~")).map((word) => {
      const pattern = translatePattern(word.slice(1), true);
      assert.ok(pattern.ok);
      return pattern.value;
    });
    const [none, blocked, own] = ["none", "blocked", "server_names"].map((word) => all.includes(word));
    return new RefererCheck(
      { none: none === true, blocked: blocked === true, serverNames: own === true, names, patterns }, serverNames,
    );
  };

  const many = "none blocked server_names *.example.com example.* www.example.org/galleries/ ~\\.google\\.";
  // As nginx 1.22 decides.
  const table: readonly (readonly [string, valid: readonly (string | undefined)[], invalid: readonly string[]])[] = [
    [
      many,
      [
        undefined, "", "foo", "http://", "http://a.example/", "https://A.Example:8080/x", "http://x.example.com",
        "http://example.com", "http://example.net/x", "http://www.example.org/galleries/x",
        "http://www.example.org:80/galleries/x", "http://www.google.com/", "http://evil/?.google.",
        "http://evil/?.GOOGLE.", "http://a.b", "ftp://a.example/x", "HTTP://a.example/x", "http://n5.example/",
        "http://x.w.example/",
      ],
      [
        "http://www.example.org/Galleries/x", "http://www.example.org/", "http://e.co/", "http://user@a.example/",
        "http://a.example?x", "http://a.example.",
      ],
    ],
    ["none a.b", [undefined, "http://a.b/"], ["foo", "http://a.b", "http://a.c/foo"]],
    ["blocked a.b", ["foo", "http://", "ftp://foo"], ["http://a.c/foobar"]],
    ["~^https?://", ["http://http://foobar"], ["http://foobar.example"]],
    [".d.example", ["http://d.example/foo", "http://x.d.example/foo"], ["http://e.d.example.com/"]],
  ];
  for (const [words, valid, invalid] of table) {
    test(words, () => {
      const referers = check(words);
      for (const referer of valid) assert.equal(referers.invalid(referer), "", String(referer));
      for (const referer of invalid) assert.equal(referers.invalid(referer), "1", referer);
    });
  }

  test("a host that is too long is no server's", () => {
    assert.equal(check("*.example.com").invalid(`http://${"a".repeat(244)}.example.com/`), "");
    assert.equal(check("*.example.com").invalid(`http://${"a".repeat(245)}.example.com/`), "1");
  });
});
