// proxy_http_version 2, to servers that are not ours: node's, which is nghttp2, and nginx.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Client, answerOf } from "../h2/client.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { startSite } from "../site/site.ts";

const waitMs = 10_000;
const large = randomBytes(3_000_000);

/** A server of nghttp2, and what it was asked. */
class Upstream {
  readonly server: http2.Http2Server;
  sessions = 0;
  readonly streams: { readonly headers: http2.IncomingHttpHeaders; readonly stream: http2.ServerHttp2Stream }[] = [];
  readonly #live = new Set<http2.ServerHttp2Session>();

  constructor(settings: http2.Settings = {}) {
    this.server = http2.createServer({ settings });
    this.server.on("session", (session) => {
      this.sessions++;
      this.#live.add(session);
      session.on("close", () => this.#live.delete(session));
      session.on("error", () => undefined);
    });
    this.server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      this.streams.push({ headers, stream });
      this.#answer(stream, headers);
    });
  }

  get liveSessions(): readonly http2.ServerHttp2Session[] {
    return [...this.#live];
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async start(): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return this;
  }

  stop(): void {
    for (const session of this.#live) session.destroy();
    this.server.close();
  }

  #answer(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const path = headers[":path"] ?? "";
    if (path === "/large") {
      stream.respond({ ":status": 200, "content-length": large.length });
      stream.end(large);
    } else if (path === "/echo") {
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    } else if (path === "/trailers") {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "7" }));
      stream.end("body");
    } else if (path === "/only-trailers") {
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "0" }));
      stream.end();
    } else if (path === "/hints") {
      stream.additionalHeaders({ ":status": 103, link: "</a.css>; rel=preload" });
      stream.respond({ ":status": 200 });
      stream.end("late");
    } else if (path === "/hang") {
      return;
    } else if (path === "/reset") {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    } else if (path === "/endless") {
      stream.respond({ ":status": 200 });
      stream.write("first");
    } else {
      stream.respond({ ":status": path === "/missing" ? 404 : 200, "content-type": "text/plain", server: "upstream" });
      stream.end(headers[":method"] === "HEAD" ? undefined : `${headers[":method"]} ${path}`);
    }
  }
}

describe("proxy_http_version 2", () => {
  let upstream: Upstream;
  let proxy: Program;
  let base = "";
  before(async () => {
    upstream = await new Upstream({ maxConcurrentStreams: 10 }).start();
    proxy = await startSite({
      apps: "",
      server: `http2 on; proxy_http_version 2; client_max_body_size 0;
        location / { proxy_pass http://127.0.0.1:${upstream.port}; }
        location /stream/ { proxy_request_buffering off; proxy_buffering off;
          proxy_pass http://127.0.0.1:${upstream.port}/; }
        location /quick/ { proxy_read_timeout 300ms; proxy_pass http://127.0.0.1:${upstream.port}/; }`,
    });
    base = `http://127.0.0.1:${proxy.port}`;
  });
  after(async () => {
    await proxy.stop();
    upstream.stop();
  });

  test("asks with pseudo-header fields, and passes the answer on", async () => {
    const answer = await fetch(`${base}/a/b?c=d`, { headers: { "X-One": "1", TE: "trailers" } });
    assert.equal(await answer.text(), "GET /a/b?c=d");
    assert.equal(answer.headers.get("content-type"), "text/plain");
    const { headers } = upstream.streams.at(-1) ?? assert.fail("nothing was asked");
    assert.equal(headers[":authority"], `127.0.0.1:${upstream.port}`);
    assert.equal(headers[":scheme"], "http");
    assert.equal(headers["x-one"], "1");
    assert.equal(headers.host, undefined);
    assert.equal(headers["content-length"], undefined);
  });

  test("passes statuses, HEAD and bodies of any size", async () => {
    const missing = await fetch(`${base}/missing`);
    assert.deepEqual([missing.status, missing.statusText], [404, "Not Found"]);
    assert.equal((await fetch(base, { method: "HEAD" })).status, 200);
    const answer = await fetch(`${base}/large`);
    assert.equal(answer.headers.get("content-length"), String(large.length));
    assert.ok(large.equals(Buffer.from(await answer.arrayBuffer())));
    for (const [path, size] of [["/echo", 10], ["/echo", 3_000_000], ["/stream/echo", 3_000_000]] as const) {
      const body = large.subarray(0, size);
      const echoed = await fetch(`${base}${path}`, { method: "POST", body });
      assert.ok(body.equals(Buffer.from(await echoed.arrayBuffer())), `${path} of ${size} bytes`);
    }
  });

  test("has many requests share few connections, as many as the server takes", async () => {
    const before = upstream.sessions;
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => fetch(`${base}/${index}`)));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    assert.deepEqual(texts, texts.map((_, index) => `GET /${index}`));
    assert.ok(upstream.sessions - before <= 12, `${upstream.sessions - before} connections`);
  });

  test("passes trailers and 103 on", async () => {
    using client = await Client.connect(proxy);
    const answer = await client.ask("/trailers", { headers: { te: "trailers" } });
    assert.equal(answer.text, "body");
    assert.equal(answer.trailers?.["x-sum"], "7");
    const empty = await client.ask("/only-trailers", { headers: { te: "trailers" } });
    assert.equal(empty.trailers?.["x-sum"], "0");
    const hinted = await client.ask("/hints");
    assert.equal(hinted.informational.at(0)?.[":status"], 103);
    assert.equal(hinted.text, "late");
  });

  test("lets content flow in both directions at once", async () => {
    using client = await Client.connect(proxy);
    const stream = client.begin("/stream/echo", { ":method": "POST" }, true);
    stream.write("one");
    const [first] = await once(stream, "data") as [Buffer];
    assert.equal(first.toString(), "one");
    stream.write("two");
    const [second] = await once(stream, "data") as [Buffer];
    assert.equal(second.toString(), "two");
    stream.end();
    await once(stream, "end");
  });

  test("resets the stream of a client that leaves, and keeps the connection", async () => {
    using client = await Client.connect(proxy);
    const stream = client.begin("/hang");
    const asked = (): Upstream["streams"][number] | undefined => upstream.streams.findLast(
      ({ headers }) => headers[":path"] === "/hang");
    await eventually("it is asked", waitMs, () => asked() !== undefined);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually("it is reset", waitMs, () => asked()?.stream.destroyed === true);
    const before = upstream.sessions;
    assert.equal((await client.ask("/after")).text, "GET /after");
    assert.equal(upstream.sessions, before);
  });

  test("says 502 for a stream that is reset, 504 for silence", async () => {
    assert.equal((await fetch(`${base}/reset`)).status, 502);
    assert.equal((await fetch(`${base}/quick/hang`)).status, 504);
    assert.match(proxy.output, /upstream reset the stream with INTERNAL_ERROR \(2\) while reading response header/);
  });

  test("begins the response before it is whole", async () => {
    using client = await Client.connect(proxy);
    const stream = client.begin("/endless");
    const [first] = await once(stream, "data") as [Buffer];
    assert.equal(first.toString(), "first");
    stream.close();
  });

  test("goes on with another connection when the server ends one in peace", async () => {
    assert.equal(await (await fetch(`${base}/x`)).text(), "GET /x");
    for (const session of upstream.liveSessions) session.goaway();
    for (let count = 0; count < 5; count++) assert.equal(await (await fetch(`${base}/y`)).text(), "GET /y");
    for (const session of upstream.liveSessions) session.close();
    for (let count = 0; count < 5; count++) {
      assert.equal((await fetch(`${base}/z`, { method: "POST", body: "b" })).status, 200);
    }
  });

  test("serves others while a client does not read", async () => {
    using slow = await Client.connect(proxy, { settings: { initialWindowSize: 1000 } });
    const stalled = slow.begin("/large");
    await once(stalled, "response");
    stalled.pause();
    using quick = await Client.connect(proxy);
    for (let count = 0; count < 3; count++) assert.ok((await quick.ask("/large")).body.equals(large));
    stalled.resume();
    assert.ok((await answerOf(stalled)).body.length > 0);
  });
});
