import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type Given, encodeHead, loadBases, loadHeads, proxy, requestOf, settings, stranger,
} from "../../tests/protocol/encoding.ts";
import type { WireValue } from "../../tests/protocol/python.ts";
import { NO_BYTES, fromLatin1 } from "../std/bytes.ts";
import { EnvironEncoder } from "./environ.ts";
import type { EncoderSettings } from "./request-encoder.ts";

/** The environ's rest that Python sees of one request. */
function environOf(text: string, given?: Given, other?: Partial<EncoderSettings>): Record<string, WireValue> {
  return loadHeads(new EnvironEncoder({ ...settings, ...other }), [requestOf(text, given)])[0] ?? assert.fail();
}

function get(target: string, lines = "", version = "HTTP/1.1"): string {
  return `GET ${target} ${version}\r\nHost: a:8000\r\n${lines}\r\n`;
}

describe("an environ's constant part", () => {
  test("names the server, the listener and the mount", () => {
    const [tcp, unix] = loadBases(new EnvironEncoder({ ...settings, rootPath: "/shop" }));
    assert.deepEqual(tcp, {
      SERVER_SOFTWARE: "tricorn/test", SERVER_PROTOCOL: "HTTP/1.1", SERVER_NAME: "127.0.0.1", SERVER_PORT: "8000",
      SCRIPT_NAME: "/shop", "wsgi.url_scheme": "http",
    });
    assert.deepEqual([unix?.["SERVER_NAME"], unix?.["SERVER_PORT"]], ["localhost", "80"]);
  });
});

describe("an environ", () => {
  test("says what was asked, and nothing that was not", () => {
    assert.deepEqual(environOf(get("/a%20b/c?d=%20&e", "Accept: */*\r\n")), {
      REQUEST_METHOD: "GET", PATH_INFO: "/a b/c", QUERY_STRING: "d=%20&e", RAW_URI: "/a%20b/c?d=%20&e",
      REQUEST_URI: "/a%20b/c?d=%20&e", REMOTE_ADDR: "192.0.2.1", REMOTE_PORT: "4711",
      HTTP_HOST: "a:8000", HTTP_ACCEPT: "*/*",
    });
    const { QUERY_STRING: query } = environOf(get("/"));
    assert.equal(query, "");
  });

  test("has every byte of a value as one latin-1 character", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    const value = `x${bytes.filter((_, byte) => byte === 9 || (byte >= 32 && byte !== 127)).join("")}x`;
    assert.equal(environOf(get("/", `X: ${value}\r\n`))["HTTP_X"], value);
  });

  test("has every percent-encoded byte of the path as one latin-1 character", () => {
    const path = `/${Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
    const decoded = `/${Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("")}`;
    assert.equal(environOf(get(path))["PATH_INFO"], decoded);
    assert.equal(environOf(get("/%E4%bD%A0/%zz/%4/%/%25"))["PATH_INFO"], "/\xe4\xbd\xa0/%zz/%4/%/%");
  });

  test("joins repeated fields with a comma and cookies with a semicolon", () => {
    const environ = environOf(get("/", "X: a\r\nCookie: a=b\r\nx: b\r\nCOOKIE: c=d\r\nX:\r\n"));
    assert.deepEqual([environ["HTTP_X"], environ["HTTP_COOKIE"]], ["a,b,", "a=b; c=d"]);
  });

  test("names Content-Type and Content-Length as CGI does", () => {
    const environ = environOf(get("/", "content-type: a/b\r\nCONTENT-LENGTH: 5\r\n"));
    assert.deepEqual([environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]], ["a/b", "5"]);
    assert.ok(!("HTTP_CONTENT_TYPE" in environ) && !("HTTP_CONTENT_LENGTH" in environ));
    const without = environOf(get("/"));
    assert.ok(!("CONTENT_TYPE" in without) && !("CONTENT_LENGTH" in without));
  });

  test("gives a gathered chunked body its length, and never its transfer coding", () => {
    const text = get("/", "Transfer-Encoding: chunked\r\n");
    const bodies = [
      [{ kind: "whole", bytes: fromLatin1("hello") }, "5"], [{ kind: "file", path: "/run/b", size: 70_000 }, "70000"],
      [{ kind: "whole", bytes: NO_BYTES }, "0"], [{ kind: "stream", expectContinue: false }, undefined],
    ] as const;
    for (const [body, length] of bodies) {
      const environ = environOf(text, { body });
      assert.equal(environ["CONTENT_LENGTH"], length);
      assert.ok(!("HTTP_TRANSFER_ENCODING" in environ));
    }
  });

  test("never has a field that speaks for the server or passes for another", () => {
    const lines = "Proxy: http://evil\r\nX_Real: 1\r\nContent_Length: 9\r\nScript-Name: /x\r\nRemote-User: root\r\n"
      + "Path-Info: /y\r\nRemote-Addr: 1.1.1.1\r\nWsgi-Input: z\r\nHost_: b\r\n";
    const environ = environOf(get("/", lines));
    assert.deepEqual(Object.keys(environ).filter((key) => key.startsWith("HTTP_")).sort(), [
      "HTTP_HOST", "HTTP_PATH_INFO", "HTTP_REMOTE_ADDR", "HTTP_REMOTE_USER", "HTTP_SCRIPT_NAME", "HTTP_WSGI_INPUT",
    ]);
    for (const key of ["SCRIPT_NAME", "REMOTE_USER", "CONTENT_LENGTH"]) assert.ok(!(key in environ), key);
    assert.deepEqual([environ["PATH_INFO"], environ["REMOTE_ADDR"]], ["/", "192.0.2.1"]);
  });

  test("has names with underscores only where they are allowed, and Proxy even then not", () => {
    const lines = "X_Real: 1\r\nProxy: http://evil\r\n";
    assert.equal(environOf(get("/", lines), {}, { underscoresInHeaders: true })["HTTP_X_REAL"], "1");
    assert.ok(!("HTTP_PROXY" in environOf(get("/", lines), {}, { underscoresInHeaders: true })));
  });

  test("has forwarding fields from a trusted peer only", () => {
    const lines = "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-Host: b\r\nX-Real-IP: 1.2.3.4\r\n"
      + "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /x\r\nX-Forwarded-Ssl: on\r\n";
    const keys = (given: Given): readonly string[] =>
      Object.keys(environOf(get("/", lines), given)).filter((key) => /FORWARDED|REAL/.test(key));
    assert.deepEqual(keys({ peer: stranger }), []);
    assert.equal(keys({ peer: proxy }).length, 8);
  });

  test("one section serves trusted and untrusted peers, each with its own fields", () => {
    const encoder = new EnvironEncoder(settings);
    const request = requestOf(get("/", "X-Forwarded-For: 1.2.3.4\r\n"));
    const requests = [stranger, proxy, stranger, proxy].map((peer) => ({ ...request, peer }));
    const seen = loadHeads(encoder, requests).map((environ) => environ["HTTP_X_FORWARDED_FOR"]);
    assert.deepEqual(seen, [undefined, "1.2.3.4", undefined, "1.2.3.4"]);
  });

  test("knows the scheme, the version and a peer without an address", () => {
    const secure = environOf(get("/", "", "HTTP/1.0"), { peer: proxy });
    assert.deepEqual([secure["wsgi.url_scheme"], secure["HTTPS"], secure["SERVER_PROTOCOL"]], ["https", "on",
      "HTTP/1.0"]);
    assert.ok(!("REMOTE_PORT" in secure));
    const plain = environOf(get("/"), { peer: { ...stranger, address: "", port: 0 } });
    assert.equal(plain["REMOTE_ADDR"], "");
    assert.ok(!("HTTPS" in plain) && !("wsgi.url_scheme" in plain));
  });

  test("has the authority of an absolute-form target in the place of Host", () => {
    const environ = environOf(get("http://b:81/c?d"));
    assert.deepEqual([environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]], ["b:81", "/c", "d"]);
    assert.equal(environ["RAW_URI"], "http://b:81/c?d");
  });

  test("takes the mount off the path at a slash only", () => {
    const table = [["/shop", ""], ["/shop/", "/"], ["/shop/a", "/a"], ["/shopping", "/shopping"], ["/", "/"],
      ["/%73hop/a", "/a"]];
    for (const [target = "", pathInfo] of table) {
      assert.equal(environOf(get(target), {}, { rootPath: "/shop" })["PATH_INFO"], pathInfo, target);
    }
  });

  test("of a Unix socket names the server as the client did", () => {
    const table = [["a", "a", "80"], ["a:8080", "a", "8080"], ["[::1]:81", "[::1]", "81"], ["[::1]", "[::1]", "80"]];
    for (const [host, name, port] of table) {
      const environ = environOf(`GET / HTTP/1.1\r\nHost: ${host ?? ""}\r\n\r\n`, { listener: 1 });
      assert.deepEqual([environ["SERVER_NAME"], environ["SERVER_PORT"]], [name, port]);
    }
    assert.equal(environOf(get("/").replace(":8000", ""), { listener: 1, peer: proxy })["SERVER_PORT"], "443");
    assert.ok(!("SERVER_NAME" in environOf("GET / HTTP/1.0\r\n\r\n", { listener: 1 })));
  });

  test("stays below its encoder's bound, however large its parts are", () => {
    const long = "a".repeat(8000);
    const nasty = "%ff".repeat(2600);
    const texts = [
      get(`/${long}`), get(`/?${long}`), get(`/${nasty}`), get("/", `X: ${"\xff".repeat(8000)}\r\n`),
      get("/", `${"X".repeat(300)}: y\r\n`.repeat(60)), get("/", "X: \xff\r\n".repeat(120)),
      get(`http://${"a".repeat(255)}/`), get("/", "Cookie: a\r\n".repeat(120)),
      `${"M".repeat(32)} / HTTP/1.0\r\nHost: ${"a".repeat(255)}\r\n\r\n`,
    ];
    const encoder = new EnvironEncoder(settings);
    for (const text of texts) {
      for (const listener of [0, 1]) {
        for (const peer of [stranger, proxy]) encodeHead(encoder, requestOf(text, { listener, peer }));
      }
    }
  });

  test("of random requests is what CGI and PEP 3333 say, read by CPython", () => {
    const name = fc.constantFrom("X", "x-a", "X-a", "x_a", "Cookie", "Accept", "PROXY", "X-Forwarded-For",
      "X-Real-Ip", "A.b", "!#");
    const value = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), maxLength: 12 })
      .map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "").replace(/^[ \t]+|[ \t]+$/g, ""));
    const path = fc.array(fc.constantFrom("a", "/", "%20", "%C3%A9", "%ff", "%", "%zz", ";b", "+", "..", "%2F"),
      { maxLength: 6 });
    const query = fc.constantFrom("", "?", "?a=b", "?%C3%A9?x", "?/");
    const trusted = fc.boolean();
    const parts = fc.record({ path, query, trusted, fields: fc.array(fc.tuple(name, value), { maxLength: 6 }) });
    const encoder = new EnvironEncoder(settings);
    const samples = fc.sample(parts, 1000);
    const environs = loadHeads(encoder, samples.map((sample) => requestOf(
      get(`/${sample.path.join("")}${sample.query}`, sample.fields.map((field) => `${field.join(": ")}\r\n`).join("")),
      { peer: sample.trusted ? proxy : stranger },
    )));
    for (const [index, sample] of samples.entries()) {
      const expected: Record<string, string> = { HTTP_HOST: "a:8000" };
      for (const [key, text] of sample.fields) {
        if (/^proxy$|_/i.test(key) || (!sample.trusted && /^x-(?:forwarded-for|real-ip)$/i.test(key))) continue;
        const ofCgi = `HTTP_${key.toUpperCase().replaceAll("-", "_")}`;
        const before = expected[ofCgi];
        expected[ofCgi] = before === undefined ? text : `${before}${ofCgi === "HTTP_COOKIE" ? "; " : ","}${text}`;
      }
      const environ = environs[index] ?? {};
      const fields = Object.entries(environ).filter(([key]) => key.startsWith("HTTP_"));
      assert.deepEqual(Object.fromEntries(fields), expected);
      const decoded = sample.path.join("").replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
        Buffer.from(digits, "hex").toString("latin1"));
      assert.deepEqual([environ["PATH_INFO"], environ["QUERY_STRING"]], [`/${decoded}`, sample.query.slice(1)]);
    }
  });
});
