import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { programVariables, request, text } from "../../../tests/route/facts.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { PassedHead } from "../pass-head.ts";
import type { PassRequest, ResponseHeadSettings, UpstreamHead } from "./response-head.ts";
import { ProxyResponseHeads } from "./response-head.ts";

const hiddenByDefault: readonly string[] = [
  "date", "server", "x-pad", "x-accel-expires", "x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering",
  "x-accel-charset",
];
const settings: ResponseHeadSettings = { hideHeaders: hiddenByDefault, ignoreHeaders: [] };

function heads(said: Partial<ResponseHeadSettings> = {}): ProxyResponseHeads {
  return new ProxyResponseHeads({ ...settings, ...said }, programVariables());
}

/** A head with these lines, "Name: value" each. */
function received(lines: readonly string[], said: Partial<UpstreamHead> = {}): UpstreamHead {
  const fields = lines.map((line): FieldLine => {
    const [name = "", ...value] = line.split(": ");
    return [name, value.join(": ")];
  });
  const connectionOptions = fields.flatMap(([name, value]) =>
    name.toLowerCase() === "connection" ? value.toLowerCase().split(", ") : []);
  return { status: 200, reason: "OK", lines: fields, connectionOptions, passed: undefined, ...said };
}

const asked = (target?: string): PassRequest => ({ evaluation: request(target), redirectDefault: undefined });

function pass(lines: readonly string[], said: Partial<ResponseHeadSettings> = {}): PassedHead {
  return heads(said).pass(received(lines), asked());
}

function linesOf({ head }: PassedHead): readonly string[] {
  return head.fields.map((line) => line.join(": "));
}

const shown = (...args: Parameters<typeof pass>): readonly string[] => linesOf(pass(...args));

describe("A head of an upstream", () => {
  test("leaves with its status, its reason and its fields, as they stand", () => {
    const lines = ["content-type: a/b", "X-A: 1", "x-a: 2", "Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Length: 3"];
    const { head, redirect, limitRate, buffering } = heads().pass(
      received(lines, { status: 299, reason: "Fine" }), asked());
    assert.deepEqual([head.status, head.reason, head.contentLength], [299, "Fine", 3]);
    assert.deepEqual([redirect, limitRate, buffering], [undefined, undefined, undefined]);
    assert.deepEqual(head.fields.map((line) => line.join(": ")), lines);
  });

  test("loses what is hidden, in any case", () => {
    assert.deepEqual(shown(["Date: now", "SERVER: x", "X-Pad: y", "X-A: 1"]), ["X-A: 1"]);
    assert.deepEqual(shown(["Date: now", "X-A: 1"], { hideHeaders: ["x-a"] }), ["Date: now"]);
  });

  test("loses what speaks of the connection to the upstream, and what Connection names", () => {
    const { head } = pass([
      "Connection: close, x-hop, content-length, keep-alive", "Keep-Alive: timeout=5", "TE: a", "Trailer: b",
      "Proxy-Connection: x", "Transfer-Encoding: chunked", "X-Hop: 1", "Content-Length: 2", "Upgrade: h2c", "X-A: 1",
    ]);
    assert.deepEqual(head.fields, [["Content-Length", "2"], ["X-A", "1"]]);
    assert.equal(head.close, false);
  });

  test("has the first of fields that may be there once, and all of the others", () => {
    assert.deepEqual(shown(["Expires: foo", "expires: bar", "Content-Type: a/b", "ETag: 1", "Content-Type: c/d",
      "etag: 2", "Location: /a", "Location: /b", "Last-Modified: x", "Last-Modified: y", "Refresh: 1", "Refresh: 2"]),
    ["Expires: foo", "Content-Type: a/b", "ETag: 1", "Location: /a", "Last-Modified: x", "Refresh: 1"]);
    const several = ["Set-Cookie: a=1", "Set-Cookie: b=1", "Vary: a", "Vary: b", "WWW-Authenticate: A",
      "WWW-Authenticate: B", "Cache-Control: a", "Cache-Control: b", "Link: a", "Link: b"];
    assert.deepEqual(shown(several), several);
    const servers = ["Server: a", "Server: b", "Date: a", "Date: b"];
    assert.deepEqual(shown(servers, { hideHeaders: [] }), ["Server: a", "Date: a"]);
  });

  test("keeps Upgrade when protocols are switched, and names it in a 426", () => {
    const lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: x"];
    const of = (status: number): readonly string[] => linesOf(heads().pass(received(lines, { status }), asked()));
    assert.deepEqual(of(101), ["Upgrade: websocket", "Sec-WebSocket-Accept: x"]);
    assert.deepEqual(of(426), ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: x"]);
    assert.deepEqual(of(200), ["Sec-WebSocket-Accept: x"]);
  });

  test("that comes again is passed as it was made, by the same location", () => {
    const head = received(["X-A: 1", "X-Accel-Limit-Rate: 5"]);
    const one = heads({ redirects: ["default"] });
    const other = heads();
    const first = one.pass(head, asked());
    assert.equal(one.pass(head, asked("/other")), first);
    assert.equal(one.pass(head, asked()).head, first.head);
    const second = other.pass(head, asked());
    assert.notEqual(second, first);
    assert.equal(other.pass(head, asked()), second);
  });

  test("is made for each request where rules may change a field of it", () => {
    const passing = heads({
      redirects: [{ searched: { kind: "text", text: text("http://a") }, replacement: text("http://b$uri") }],
    });
    const head = received(["Location: http://a", "Refresh: 1; url=http://a"]);
    assert.deepEqual(linesOf(passing.pass(head, asked("/1"))), ["Location: http://b/1", "Refresh: 1; url=http://b/1"]);
    assert.deepEqual(linesOf(passing.pass(head, asked("/2"))), ["Location: http://b/2", "Refresh: 1; url=http://b/2"]);
  });

  test("has each of its cookies rewritten", () => {
    const cookiePaths = [{ searched: { kind: "text", text: text("/") } as const, replacement: text("/x/") }];
    assert.deepEqual(shown(["set-cookie: a=1;Path=/", "X: 1", "Set-Cookie: b=1", "Set-Cookie: c=1; Path=/c"], {
      cookiePaths,
    }), ["set-cookie: a=1; Path=/x/", "X: 1", "Set-Cookie: b=1", "Set-Cookie: c=1; Path=/x/c"]);
  });
});

describe("What an upstream says to us", () => {
  test("is obeyed and hidden", () => {
    const lines = [
      "X-Accel-Redirect: /internal/a", "x-accel-limit-rate: 1000", "X-Accel-Buffering: No", "X-Accel-Expires: 10",
      "X-Accel-Charset: koi8-r", "Content-Type: text/html; charset=utf-8", "X-Accel-Other: 1",
    ];
    const passed = pass(lines);
    assert.deepEqual([passed.redirect, passed.limitRate, passed.buffering], ["/internal/a", 1000, false]);
    assert.deepEqual(linesOf(passed), ["Content-Type: text/html; charset=koi8-r", "X-Accel-Other: 1"]);
  });

  test("is hidden, but not obeyed, where it is to be ignored", () => {
    const lines = ["X-Accel-Redirect: /a", "X-Accel-Limit-Rate: 1", "X-Accel-Buffering: no", "X-Accel-Charset: x"];
    const passed = pass([...lines, "Content-Type: text/html"], {
      ignoreHeaders: ["x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset"],
    });
    assert.deepEqual([passed.redirect, passed.limitRate, passed.buffering], [undefined, undefined, undefined]);
    assert.deepEqual(linesOf(passed), ["Content-Type: text/html"]);
  });

  test("is obeyed and shown, where it is not hidden", () => {
    const passed = pass(["X-Accel-Redirect: /a"], { hideHeaders: [] });
    assert.deepEqual([passed.redirect, linesOf(passed)], ["/a", ["X-Accel-Redirect: /a"]]);
  });

  test("means nothing when it is not understood", () => {
    const { limitRate, buffering, head } = pass([
      "X-Accel-Limit-Rate: -1", "X-Accel-Buffering: perhaps", "X-Accel-Charset: a b", "Content-Type: text/html",
    ]);
    assert.deepEqual([limitRate, buffering, head.fields], [undefined, undefined, [["Content-Type", "text/html"]]]);
  });

  test("may go with fields that stay when another response takes its place", () => {
    const kept = [
      "Content-Type: text/x", "Content-Disposition: a", "Set-Cookie: a=1", "Set-Cookie: b=1", "Accept-Ranges: bytes",
      "Cache-Control: no-store", "Expires: 0",
    ];
    const others = ["WWW-Authenticate: Basic", "Retry-After: 5", "ETag: x", "Location: /x", "Content-Length: 2"];
    const { kept: fields } = pass([...others, ...kept, "X-Accel-Redirect: /a"]);
    assert.deepEqual(fields.map((line) => line.join(": ")), kept);
  });

  test("leaves the challenge of a 401 to the page of the error, and of no other status", () => {
    const lines = ["www-authenticate: Basic", "WWW-Authenticate: Bearer", "Set-Cookie: a=1", "Retry-After: 5"];
    const of = (status: number): readonly FieldLine[] =>
      heads().pass(received(lines, { status }), asked()).keptByError;
    assert.deepEqual(of(401), [["WWW-Authenticate", "Basic"], ["WWW-Authenticate", "Bearer"]]);
    assert.deepEqual(of(403), []);
  });
});

describe("What the client does not take at once", () => {
  const mayWait = (lines: readonly string[], buffering: boolean | "force"): boolean =>
    pass(lines).mayWait({ buffering });

  test("may wait as proxy_buffering says, if the upstream says nothing", () => {
    assert.equal(mayWait([], true), true);
    assert.equal(mayWait([], false), false);
    assert.equal(mayWait(["X-Accel-Buffering: no"], true), false);
    assert.equal(mayWait(["X-Accel-Buffering: no"], "force"), false);
    assert.equal(mayWait(["X-Accel-Buffering: yes"], false), true);
  });

  test("does not wait if it is a stream of events, unless by force", () => {
    const events = ["Content-Type: text/event-stream; charset=utf-8"];
    assert.equal(mayWait(events, true), false);
    assert.equal(mayWait(events, "force"), true);
    assert.equal(mayWait([...events, "X-Accel-Buffering: yes"], true), true);
  });
});
