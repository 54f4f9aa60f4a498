import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:http2";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { linesOf } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Client, answerOf, startH2Site } from "./client.ts";

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("a client of HTTP/2", () => {
  const large = randomBytes(3_000_000);
  let program: Program;
  before(async () => {
    program = await startH2Site({
      http: `log_format h2 '$request|$server_protocol|$http2|$status|$body_bytes_sent|$scheme|$http_host';
        upstream echo { server app:asgi; }`,
      server: `
        client_max_body_size 8m; access_log %FOLDER%/access.log h2;
        location = /text { return 200 "hello"; }
        location = /moved { return 301 /text; }
        location = /drop { return 444; }
        location = /small { client_max_body_size 10; app_pass wsgi; }
        location = /asked { client_max_body_size 10; error_page 413 = /asgi/sorry; app_pass wsgi; }
        location = /missing { error_page 404 /sorry.html; }
        location = /added { add_header X-Added yes; add_trailer X-Last 1; return 200 "added"; }
        location = /limited { limit_rate 100k; }
        location /wsgi { app_pass wsgi; }
        location /asgi { app_pass asgi; }
        location /proxied { proxy_pass http://127.0.0.1:%PORT%/asgi; proxy_http_version 1.1; proxy_buffering off;
          proxy_request_buffering off; proxy_pass_trailers on; proxy_set_header TE trailers; }
        location /buffered { proxy_pass http://127.0.0.1:%PORT%/asgi; }`,
      files: { "sorry.html": "sorry", "a.txt": "abc", "limited": "x".repeat(1000) },
    });
    await writeFile(join(program.folder, "www/large.bin"), large);
  });
  after(() => program.stop());

  test("gets texts, files, and what is not there", async () => {
    using client = await Client.connect(program);
    const text = await client.ask("/text");
    assert.deepEqual([text.status, text.text, text.headers["content-length"]], [200, "hello", "5"]);
    assert.equal(text.headers["server"], "tricorn");
    assert.ok(typeof text.headers["date"] === "string");
    const file = await client.ask("/a.txt");
    assert.deepEqual([file.status, file.text, file.headers["content-type"]], [200, "abc", "text/plain"]);
    const cached = await client.ask("/a.txt", { headers: { "if-none-match": String(file.headers["etag"]) } });
    assert.deepEqual([cached.status, cached.text], [304, ""]);
    const part = await client.ask("/a.txt", { headers: { range: "bytes=1-1" } });
    assert.deepEqual([part.status, part.text, part.headers["content-range"]], [206, "b", "bytes 1-1/3"]);
    assert.equal((await client.ask("/nothing")).status, 404);
    const sorry = await client.ask("/missing");
    assert.deepEqual([sorry.status, sorry.text], [404, "sorry"]);
    const moved = await client.ask("/moved");
    assert.equal(moved.status, 301);
    assert.match(String(moved.headers["location"]), /^http:\/\/127\.0\.0\.1:\d+\/text$/);
    const added = await client.ask("/added", { headers: { te: "trailers" } });
    assert.deepEqual([added.headers["x-added"], added.text], ["yes", "added"]);
    assert.equal(added.trailers?.["x-last"], "1");
  });

  test("HEAD gets the head alone", async () => {
    using client = await Client.connect(program);
    for (const path of ["/a.txt", "/text", "/large.bin", "/wsgi"]) {
      const { status, body } = await client.ask(path, { headers: { ":method": "HEAD" } });
      assert.deepEqual([status, body.length], [200, 0], path);
    }
  });

  test("gets large files at once on one connection, each whole", async () => {
    using client = await Client.connect(program);
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.ask("/large.bin")));
    for (const { body } of answers) assert.ok(body.equals(large));
  });

  test("gets a hundred answers that come in any order", async () => {
    using client = await Client.connect(program);
    const paths = Array.from({ length: 100 }, (_, index) => ["/text", "/a.txt", "/wsgi", "/asgi"][index % 4] ?? "");
    const answers = await Promise.all(paths.map((path) => client.ask(path)));
    assert.ok(answers.every(({ status }) => status === 200));
  });

  test("asks an application of either interface", async () => {
    using client = await Client.connect(program);
    const headers = { "x-one": "1", cookie: ["a=1", "b=2"] };
    const wsgi = await client.ask("/wsgi/a%20b?c=d", { headers, body: "hello" });
    const environ = JSON.parse(wsgi.text) as Record<string, unknown>;
    assert.deepEqual(
      [environ["protocol"], environ["method"], environ["path"], environ["query"], environ["size"], environ["scheme"]],
      ["HTTP/2.0", "POST", "/wsgi/a b", "c=d", 5, "http"],
    );
    assert.equal(environ["length"], "5");
    assert.deepEqual(environ["fields"], {
      HTTP_HOST: `127.0.0.1:${program.port}`, HTTP_X_ONE: "1", HTTP_COOKIE: "a=1; b=2",
    });
    assert.equal(wsgi.headers["x-upper"], "Case");
    assert.equal(wsgi.headers["connection"], undefined);
    const scope = JSON.parse((await client.ask("/asgi/x", { headers })).text) as Record<string, unknown>;
    const { version, method, path, scheme } = scope;
    assert.deepEqual([version, method, path, scheme], ["2", "GET", "/asgi/x", "http"]);
    assert.deepEqual(scope["fields"],
      [["host", `127.0.0.1:${program.port}`], ["x-one", "1"], ["cookie", "a=1; b=2"]]);
  });

  for (const path of ["/wsgi", "/asgi", "/proxied", "/buffered"]) {
    test(`sends large bodies to ${path}, several at once, of known length and of unknown`, async () => {
      using client = await Client.connect(program);
      const body = randomBytes(2_000_000);
      const sent = await Promise.all([true, false, true, false].map(async (isKnown) => {
        const length = isKnown ? { "content-length": String(body.length) } : {};
        return client.ask(path, { headers: length, body });
      }));
      for (const { status, text } of sent) {
        assert.equal(status, 200);
        const { size, sha: digest } = JSON.parse(text) as { size: number; sha: string };
        assert.deepEqual([size, digest], [body.length, sha(body)]);
      }
    });
  }

  test("is told of early hints, and gets trailers if it says so", async () => {
    using client = await Client.connect(program);
    const hints = await client.ask("/asgi/hints");
    assert.deepEqual(hints.informational.map((head) => [head[":status"], head["link"]]),
      [[103, "</a.css>; rel=preload"]]);
    for (const path of ["/asgi/trailers", "/proxied/trailers"]) {
      const { trailers } = await client.ask(path, { headers: { te: "trailers" } });
      assert.equal(trailers?.["x-sum"], "42", path);
    }
    const without = await client.ask("/asgi/trailers");
    assert.deepEqual([without.status, without.trailers], [200, undefined]);
  });

  test("that expects 100 hears it before its body is read", async () => {
    using client = await Client.connect(program);
    const stream = client.begin("/wsgi", { ":method": "POST", "content-length": "5", expect: "100-continue" }, true);
    stream.resume();
    const [status] = await once(stream, "continue").then(() => [100]);
    assert.equal(status, 100);
    stream.end("hello");
    const [head] = await once(stream, "response") as [Record<string, unknown>];
    assert.equal(head[":status"], 200);
  });

  test("with a body that is too large gets 413, and its next request an answer", async () => {
    using client = await Client.connect(program);
    const known = await client.ask("/small", { headers: { "content-length": "11" }, body: "x".repeat(11) });
    assert.equal(known.status, 413);
    const stream = client.begin("/small", { ":method": "POST" }, true);
    stream.write("x".repeat(11));
    assert.equal((await answerOf(stream)).status, 413);
    // More comes while somebody else makes the answer.
    const asked = client.begin("/asked", { ":method": "POST" }, true);
    for (let index = 0; index < 20; index++) asked.write("x".repeat(1000));
    const { status, text } = await answerOf(asked);
    assert.deepEqual([status, text.includes("/asgi/sorry")], [200, true]);
    assert.equal((await client.ask("/text")).status, 200);
  });

  test("that gets no answer (444) sees its stream reset", async () => {
    using client = await Client.connect(program);
    const stream = client.begin("/drop");
    assert.equal((await answerOf(stream)).status, 0);
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    assert.equal((await client.ask("/text")).status, 200);
  });

  test("that leaves a response is not worked for any more", async () => {
    using client = await Client.connect(program);
    const stream = client.begin("/asgi/endless");
    await once(stream, "data");
    stream.close(8);
    await eventually("the application is told", 10_000, () => program.output.includes("the client is gone"));
    assert.equal((await client.ask("/text")).status, 200);
  });

  test("that reads slowly slows down only itself", async () => {
    using client = await Client.connect(program);
    const slow = client.begin("/asgi/endless");
    slow.pause();
    await once(slow, "response");
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.ask("/large.bin")));
    assert.ok(answers.every(({ body }) => body.equals(large)));
    slow.close(8);
  });

  test("CONNECT and TRACE are refused", async () => {
    using client = await Client.connect(program);
    const connect = client.session.request({ ":method": "CONNECT", ":authority": "example.com:443" });
    const [head] = await once(connect, "response") as [Record<string, unknown>];
    assert.equal(head[":status"], 405);
    assert.equal((await client.ask("/text", { headers: { ":method": "TRACE" } })).status, 405);
  });

  test("is in the access log as such", async () => {
    using client = await Client.connect(program);
    await client.ask("/text?logged");
    const line = await eventually("the line is there", 5000, async () =>
      (await linesOf(program, "access.log")).find((text) => text.includes("logged")));
    assert.equal(line, `GET /text?logged HTTP/2.0|HTTP/2.0|h2c|200|5|http|127.0.0.1:${program.port}`);
  });

  test("limits of rate hold for each response", async () => {
    using client = await Client.connect(program);
    assert.equal((await client.ask("/limited")).body.length, 1000);
  });

  test("finds HTTP/1.1 on the same port, and 400 is what nonsense gets there", async () => {
    using connection = await program.connect();
    const { status, text } = await connection.ask({ target: "/text" });
    assert.deepEqual([status, text], [200, "hello"]);
  });
});
