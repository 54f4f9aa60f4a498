// What comes in one go and leaves in one, and at the pace that is asked for: bodies that are not gathered, heads
// without bodies, proxy_limit_rate, lines that end with LF, peers that are down, clients that leave.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { eventually } from "../support/wait.ts";
import { startProxy } from "./support/proxies.ts";

const kept = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
const notFound = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngone";
const failed = "HTTP/1.1 500 Own\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/** The head of an answer with so many bytes. */
const headOf = (size: number): string =>
  `HTTP/1.1 200 OK\r\nConnection: close\r\nX-Rate: 8000\r\nContent-Length: ${size}\r\n\r\n`;
/** What an upstream was sent before its body, in tests that look at the body. */
const bodyOf = (bytes: Buffer): string => bytes.toString("latin1").split("\r\n\r\n").slice(1).join("\r\n\r\n");

describe("as nginx does it", () => {
  let upstream: ScriptedUpstream;
  let second: ScriptedUpstream;
  let proxy: Program;
  before(async () => {
    upstream = await ScriptedUpstream.listen();
    second = await ScriptedUpstream.listen();
    const place = `127.0.0.1:${upstream.port}`;
    proxy = await startProxy({
      http: `upstream pair { server ${place} max_fails=0; server 127.0.0.1:${second.port} backup; }
        upstream alone { server ${place} max_fails=0; server 127.0.0.1:${second.port} down; }
        proxy_request_buffering off; proxy_intercept_errors on; proxy_next_upstream http_404 http_500;`,
      server: `location / { add_header X-Body "$request_body"; proxy_pass http://${place}; }
        location /page { error_page 404 = /body; proxy_pass http://${place}; }
        location /body { return 200 "<$request_body>"; }
        location /unbuffered { proxy_buffering off; proxy_pass http://${place}; }
        location /pair { proxy_pass http://pair; }
        location /alone { proxy_pass http://alone; }
        location /slow { proxy_limit_rate 8000; proxy_pass http://${place}; }
        location /slow-as { proxy_limit_rate $upstream_http_x_rate; proxy_pass http://${place}; }
        location /times { add_header X-Times "$upstream_header_time $upstream_response_time";
          proxy_pass http://${place}; }
        location /patient { proxy_ignore_client_abort on; proxy_pass http://${place}; }`,
    });
  });
  after(async () => {
    await proxy.stop();
    await upstream.close();
    await second.close();
  });
  afterEach(() => {
    assert.ok(!/AssertionError|TypeError|Unhandled/.test(proxy.output), proxy.output.slice(-3000));
  });

  for (const [name, fields, body] of [
    ["a length", { "Content-Length": "10" }, "0123456789"],
    ["chunks", { "Transfer-Encoding": "chunked" }, "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"],
  ] as const) {
    test(`a body with ${name} that came with its head is whole, though it is not gathered`, async () => {
      using connection = await proxy.connect();
      upstream.play([{ steps: [ok] }]);
      const { fields: heard } = await connection.ask({ method: "POST", fields, body });
      assert.equal(heard.get("x-body"), "0123456789");
      assert.match(upstream.text, /\r\nContent-Length: 10\r\n(?:.*\r\n)*\r\n0123456789$/);
      upstream.play([{ steps: [notFound] }]);
      assert.equal((await connection.ask({ method: "POST", target: "/page", fields, body })).text, "<0123456789>");
    });

    test(`a body with ${name} that came with its head is there for another try`, async () => {
      using connection = await proxy.connect();
      upstream.play([{ steps: [failed] }]);
      second.play([{ steps: [ok] }]);
      assert.equal((await connection.ask({ method: "PUT", target: "/pair", fields, body })).text, "ok");
      assert.match(second.text, /\r\n\r\n0123456789$/);
    });
  }

  test("a body whose begin has left goes nowhere else", async () => {
    using connection = await proxy.connect();
    upstream.play([{ at: "head", steps: [{ until: /01234/ }, failed] }]);
    second.play([{ steps: [ok] }]);
    connection.send("PUT /pair HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    assert.equal((await connection.response()).status, 500);
    assert.equal(second.requestCount, 0);
  });

  test("a body that comes while another try is being made reaches that one whole", async () => {
    using connection = await proxy.connect();
    upstream.play([{ at: "head", steps: [failed, { do: "end" }] }]);
    second.play([{ steps: [ok] }]);
    connection.send("PUT /pair HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    await eventually("the second is asked", 3000, () => second.text.endsWith("\r\n\r\n"));
    connection.send("01234");
    await eventually("a part is there", 3000, () => second.text.endsWith("\r\n\r\n01234"));
    connection.send("56789");
    assert.equal((await connection.response()).text, "ok");
    assert.match(second.text, /\r\n\r\n0123456789$/);
  });

  test("chunks that come in one go are one chunk", async () => {
    using connection = await proxy.connect();
    upstream.play([{ at: "head", steps: [{ until: /0\r\n\r\n$/ }, ok] }]);
    connection.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n4\r\nmany\r\n");
    await eventually("the begin is there", 3000, () => upstream.text.includes("many"));
    connection.send("5\r\n56789\r\n4\r\nmany\r\n0\r\n\r\n");
    assert.equal((await connection.response()).text, "ok");
    assert.equal(bodyOf(upstream.connections[0]?.bytes ?? Buffer.alloc(0)),
      "9\r\n01234many\r\n9\r\n56789many\r\n0\r\n\r\n");
  });

  for (const [name, target, type] of [["an answer that is not gathered", "/unbuffered", "text/plain"],
    ["a stream of events", "/", "text/event-stream"]] as const) {
    test(`the head of ${name} leaves before there is a body`, async () => {
      using connection = await proxy.connect();
      const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`;
      upstream.play([{ at: "head", steps: [head, { until: /never/ }] }]);
      connection.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.match(await connection.read(12), /200$/);
    });
  }

  test("a peer that is down is no other one: the last answer stays", async () => {
    using connection = await proxy.connect();
    upstream.play([{ steps: [notFound] }]);
    const { status, text } = await connection.get("/alone");
    assert.deepEqual([status, text], [404, "gone"]);
  });

  for (const [target, steps] of [["/slow", [headOf(16_000), { many: 16_000 }]],
    ["/slow-as", [headOf(16_000) + "x".repeat(16_000)]]] as const) {
    test(`${target}: one second's bytes come at once, the others at the rate that is asked for`, async () => {
      using connection = await proxy.connect();
      upstream.play([{ steps }]);
      const startMs = performance.now();
      const { blocks, text } = await connection.get(target);
      assert.equal(text, "x".repeat(16_000));
      const [first] = blocks;
      assert.ok((first?.size ?? 0) < 12_000, `${first?.size} bytes at once`);
      assert.ok(performance.now() - startMs >= 900, "the rest takes a second");
    });
  }

  test("lines that end with LF are taken, and their connection is not used again", async () => {
    using connection = await proxy.connect();
    upstream.play([{ steps: ["HTTP/1.1 200 OK\nContent-Length: 2\nX: y\n\nok"] }, { steps: [kept] }]);
    const { text, fields } = await connection.get("/");
    assert.deepEqual([text, fields.get("x")], ["ok", "y"]);
    assert.equal((await connection.get("/")).text, "ok");
    assert.equal((await connection.get("/")).text, "ok");
    assert.equal(upstream.connections.length, 2);
    upstream.play([{ steps: [ok] }]);
    assert.equal((await connection.get("/")).text, "ok");
  });

  test("$upstream_response_time is not known while the answer goes on", async () => {
    using connection = await proxy.connect();
    upstream.play([{ steps: [`${headOf(2)}o`, { pauseMs: 100 }, "k"] }]);
    assert.match((await connection.get("/times")).fields.get("x-times") ?? "", /^\d\.\d{3} -$/);
  });

  test("a silent upstream is left when the client ends its half, unless client aborts are ignored", async () => {
    for (const [target, openCount] of [["/", 0], ["/patient", 1]] as const) {
      upstream.play([{ steps: [`${headOf(9)}begin`] }]);
      using connection = await proxy.connect();
      connection.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.match(await connection.read(12), /200$/);
      connection.end();
      if (openCount === 0) await eventually("it is left", 5000, () => upstream.openCount === 0);
      else assert.equal(upstream.openCount, 1);
    }
  });

  test("a client that ends its half and is answered on hears the whole answer", async () => {
    upstream.play([{ steps: [headOf(10),
      ...Array.from("0123456789").flatMap((letter) => [{ pauseMs: 200 }, letter])] }]);
    using connection = await proxy.connect();
    connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.end();
    assert.equal((await connection.response()).text, "0123456789");
  });
});
