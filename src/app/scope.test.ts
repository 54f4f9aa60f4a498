import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type Given, encodeHead, loadBases, loadHeads, proxy, requestOf, settings, stranger,
} from "../../tests/protocol/encoding.ts";
import type { WireValue } from "../../tests/protocol/python.ts";
import { ScopeEncoder } from "./scope.ts";
import type { EncoderSettings } from "./request-encoder.ts";

function scopeOf(text: string, given?: Given, other?: Partial<EncoderSettings>): Record<string, WireValue> {
  return loadHeads(new ScopeEncoder({ ...settings, ...other }), [requestOf(text, given)])[0] ?? assert.fail();
}

function get(target: string, lines = "", version = "HTTP/1.1"): string {
  return `GET ${target} ${version}\r\nHost: a:8000\r\n${lines}\r\n`;
}

/** Wrapped bytes as text, a character a byte. */
function latin1(value: WireValue | undefined): string {
  assert.ok(typeof value === "object" && value !== null && "bytes" in value);
  return Buffer.from(value.bytes, "hex").toString("latin1");
}

/** The headers as pairs of text. */
function headersOf(scope: Record<string, WireValue>): readonly (readonly [string, string])[] {
  const { headers } = scope;
  assert.ok(Array.isArray(headers));
  return (headers as readonly WireValue[]).map((header) => {
    assert.ok(typeof header === "object" && header !== null && "tuple" in header && header.tuple.length === 2);
    return [latin1(header.tuple[0]), latin1(header.tuple[1])];
  });
}

describe("a scope's constant part", () => {
  test("names the type, the listener and the mount", () => {
    const [tcp, unix] = loadBases(new ScopeEncoder({ ...settings, rootPath: "/shop/\u00e4" }));
    assert.deepEqual(tcp, {
      type: "http", http_version: "1.1", scheme: "http", root_path: "/shop/\u00e4", server: { tuple: ["127.0.0.1",
        8000] },
    });
    assert.deepEqual(unix?.["server"], { tuple: ["/run/\u00e4.sock", null] });
  });
});

describe("a scope", () => {
  test("says what was asked, and nothing that was not", () => {
    const scope = scopeOf(get("/a%20b/c?d=%20&e", "Accept: */*\r\n"));
    assert.deepEqual(Object.keys(scope).sort(), ["client", "headers", "method", "path", "query_string", "raw_path"]);
    assert.deepEqual([scope["method"], scope["path"], scope["client"]], ["GET", "/a b/c", { tuple: ["192.0.2.1",
      4711] }]);
    assert.deepEqual([latin1(scope["raw_path"]), latin1(scope["query_string"])], ["/a%20b/c", "d=%20&e"]);
    assert.deepEqual(headersOf(scope), [["host", "a:8000"], ["accept", "*/*"]]);
  });

  test("has every byte of a value", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    const value = `x${bytes.filter((_, byte) => byte === 9 || (byte >= 32 && byte !== 127)).join("")}x`;
    assert.deepEqual(headersOf(scopeOf(get("/", `X: ${value}\r\n`)))[1], ["x", value]);
  });

  test("has a path decoded as UTF-8, and the raw one beside it", () => {
    const table = [
      ["/%C3%A4", "/\u00e4"], ["/%F0%9F%8E%A9", "/\u{1f3a9}"], ["/%ff", "/\ufffd"], ["/%2F%2f", "///"], ["/%00", "/\0"],
      ["/%zz%4", "/%zz%4"], ["/%25", "/%"], ["//a", "//a"], ["/a%3Fb", "/a?b"],
    ];
    for (const [target = "", path] of table) {
      const scope = scopeOf(get(target));
      assert.deepEqual([scope["path"], latin1(scope["raw_path"])], [path, target]);
    }
  });

  test("has root_path at the beginning of both paths, once, whether a proxy took it off or not", () => {
    const table = [
      ["/a", "/ä/a", "/%C3%A4/a"], ["/%C3%A4/a", "/ä/a", "/%C3%A4/a"], ["/%C3%A4", "/ä", "/%C3%A4"],
      ["/%C3%A4b", "/ä/äb", "/%C3%A4/%C3%A4b"],
    ];
    for (const [target = "", path, raw] of table) {
      const scope = scopeOf(get(target), {}, { rootPath: "/ä" });
      assert.deepEqual([scope["path"], latin1(scope["raw_path"])], [path, raw], target);
    }
  });

  test("keeps the order and the repetition of headers, names in lower case, cookies in one", () => {
    const lines = "X: a\r\nCookie: a=b\r\nSet: 1\r\nx: b\r\ncookie: c=d\r\nTransfer-Encoding: chunked\r\n";
    assert.deepEqual(headersOf(scopeOf(get("/", lines))), [
      ["host", "a:8000"], ["x", "a"], ["cookie", "a=b; c=d"], ["set", "1"], ["x", "b"], ["transfer-encoding",
      "chunked"],
    ]);
  });

  test("never has Proxy, nor underscores unless allowed, nor forwarding fields of strangers", () => {
    const lines = "Proxy: http://evil\r\nX_Real: 1\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=b\r\nX-Real-IP: b\r\n";
    const names = (given: Given, other?: Partial<EncoderSettings>): readonly string[] =>
      headersOf(scopeOf(get("/", lines), given, other)).map(([name]) => name);
    assert.deepEqual(names({ peer: stranger }), ["host"]);
    assert.deepEqual(names({ peer: proxy }), ["host", "x-forwarded-for", "forwarded", "x-real-ip"]);
    assert.deepEqual(names({ peer: stranger }, { underscoresInHeaders: true }), ["host", "x_real"]);
  });

  test("has the authority of an absolute-form target in the place of Host", () => {
    const scope = scopeOf(get("http://b:81/c?d", "X: y\r\n"));
    assert.deepEqual(headersOf(scope), [["host", "b:81"], ["x", "y"]]);
    assert.deepEqual([scope["path"], latin1(scope["raw_path"])], ["/c", "/c"]);
  });

  test("one section serves both forms of target and both kinds of peer", () => {
    const encoder = new ScopeEncoder(settings);
    const first = requestOf(get("/", "X-Real-IP: b\r\n"));
    const absolute = { ...first, head: { ...requestOf(get("http://b/")).head, fields: first.head.fields } };
    const seen = loadHeads(encoder, [first, absolute, { ...first, peer: proxy }, first]).map(headersOf);
    assert.deepEqual(seen, [[["host", "a:8000"]], [["host", "b"]], [["host", "a:8000"], ["x-real-ip", "b"]], [["host",
      "a:8000"]]]);
  });

  test("knows the scheme, the version and a client without an address", () => {
    const scope = scopeOf(get("/", "", "HTTP/1.0"), { peer: proxy });
    assert.deepEqual([scope["scheme"], scope["http_version"], scope["client"]], ["https", "1.0",
      { tuple: ["192.0.2.7", 0] }]);
    const local = scopeOf(get("/"), { peer: { ...stranger, address: "" } });
    assert.deepEqual([local["client"], "scheme" in local, "http_version" in local], [null, false, false]);
  });

  test("has the method as it was sent", () => {
    for (const method of ["HEAD", "QUERY", "M-SEARCH"]) {
      assert.equal(scopeOf(get("/").replace("GET", method))["method"], method);
    }
  });

  test("of OPTIONS * has the asterisk for a path", () => {
    assert.equal(scopeOf(get("*").replace("GET", "OPTIONS"))["path"], "*");
  });

  test("stays below its encoder's bound, however large its parts are", () => {
    const long = "a".repeat(8000);
    const texts = [
      get(`/${long}`), get(`/?${long}`), get(`/${"%ff".repeat(2600)}`), get("/", `X: ${"\xff".repeat(8000)}\r\n`),
      get("/", `${"X".repeat(300)}: y\r\n`.repeat(60)), get("/", "X:\r\n".repeat(120)), get("/",
        "Cookie:\r\n".repeat(120)),
      get(`http://${"a".repeat(255)}/`, "X:\r\n".repeat(120)), `${"M".repeat(32)} /%ff HTTP/1.0\r\n\r\n`,
    ];
    const encoder = new ScopeEncoder(settings);
    for (const text of texts) {
      for (const peer of [stranger, proxy]) encodeHead(encoder, requestOf(text, { peer }));
    }
  });

  test("of random requests is what ASGI says, read by CPython", () => {
    const name = fc.constantFrom("X", "x-a", "X-a", "x_a", "Cookie", "Accept", "PROXY", "X-Forwarded-For", "A.b", "!#");
    const value = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), maxLength: 12 })
      .map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "").replace(/^[ \t]+|[ \t]+$/g, ""));
    const path = fc.array(fc.constantFrom("a", "/", "%20", "%C3%A9", "%ff", "%e2%82", "%zz", ";b", "%F0%9F%8E%A9"),
      { maxLength: 6 });
    const parts = fc.record({ path, trusted: fc.boolean(), fields: fc.array(fc.tuple(name, value), { maxLength: 6 }) });
    const samples = fc.sample(parts, 1000);
    const scopes = loadHeads(new ScopeEncoder(settings), samples.map((sample) => requestOf(
      get(`/${sample.path.join("")}`, sample.fields.map((field) => `${field.join(": ")}\r\n`).join("")),
      { peer: sample.trusted ? proxy : stranger },
    )));
    for (const [index, { path: given, trusted, fields }] of samples.entries()) {
      const expected: [string, string][] = [["host", "a:8000"]];
      for (const [key, text] of fields) {
        if (/^proxy$|_/i.test(key) || (!trusted && /^x-forwarded-for$/i.test(key))) continue;
        const cookie = expected.find(([header]) => header === "cookie" && key === "Cookie");
        if (cookie === undefined) expected.push([key.toLowerCase(), text]);
        else cookie[1] += `; ${text}`;
      }
      const scope = scopes[index] ?? {};
      assert.deepEqual(headersOf(scope), expected);
      const decoded = Buffer.from(given.join("").replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
        Buffer.from(digits, "hex").toString("latin1")), "latin1").toString();
      assert.deepEqual([scope["path"], latin1(scope["raw_path"])], [`/${decoded}`, `/${given.join("")}`]);
    }
  });
});
