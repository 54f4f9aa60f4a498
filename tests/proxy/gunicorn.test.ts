// gunicorn behind the proxy: by HTTP and by uwsgi's protocol, on TCP and on a Unix socket.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { chunk, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { gunicorn, type Peer } from "./peers.ts";
import { startProxy } from "./support/proxies.ts";

/** What nginx's own file of parameters says. */
const params = [
  "QUERY_STRING $query_string", "REQUEST_METHOD $request_method", "CONTENT_TYPE $content_type",
  "CONTENT_LENGTH $content_length", "REQUEST_URI $request_uri", "PATH_INFO $document_uri",
  "DOCUMENT_ROOT $document_root", "SERVER_PROTOCOL $server_protocol", "REQUEST_SCHEME $scheme",
  "HTTPS $https if_not_empty", "REMOTE_ADDR $remote_addr",
  "REMOTE_PORT $remote_port", "SERVER_PORT $server_port", "SERVER_NAME $server_name",
].map((each) => `uwsgi_param ${each};`).join(" ");

for (const protocol of ["http", "uwsgi"] as const) {
  for (const on of ["tcp", "unix"] as const) {
    describe(`gunicorn that speaks ${protocol} on ${on === "tcp" ? "TCP" : "a Unix socket"}`, () => {
      let peer: Peer;
      let proxy: Program;
      before(async () => {
        const allowed = protocol === "uwsgi" ? ["--protocol", "uwsgi", "--uwsgi-allow-from", "*"] : [];
        peer = await gunicorn(on, allowed);
        const place = on === "tcp" ? `127.0.0.1:${peer.port}` : `unix:${peer.socket}`;
        const http = `proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_pass http://${place}`;
        const uwsgi = `uwsgi_pass ${place}; ${params}`;
        proxy = await startProxy({
          server: `client_max_body_size 0; location / { ${protocol === "http" ? `${http};` : uwsgi} }
            location /unbuffered/ {
              ${protocol}_request_buffering off; ${protocol}_buffering off; rewrite ^/unbuffered(/.*)$ $1 break;
              ${protocol === "http" ? `${http};` : uwsgi}
            }`.replaceAll("http_", "proxy_"),
        });
      });
      after(async () => {
        await proxy.stop();
        await peer.stop();
      });

      test("answers", async () => {
        using connection = await proxy.connect();
        for (const n of ["1", "2", "3"]) {
          const { status, text } = await connection.get(`/?n=${n}`);
          assert.deepEqual({ status, text }, { status: 200, text: `hello ${n}` });
        }
      });

      test("hears the path, the query and the client's fields", async () => {
        using connection = await proxy.connect();
        const { text } = await connection.get("/environ/a%20b?c=%20d&e", { "X-Client": "1", Cookie: "a=b" });
        const environ = JSON.parse(text) as Record<string, string>;
        assert.equal(environ["PATH_INFO"], "/environ/a b");
        assert.equal(environ["QUERY_STRING"], "c=%20d&e");
        assert.equal(environ["HTTP_X_CLIENT"], "1");
        assert.equal(environ["HTTP_COOKIE"], "a=b");
        assert.equal(environ["HTTP_HOST"], "tricorn.test");
        if (protocol === "http") assert.equal(environ["HTTP_X_REAL_IP"], "127.0.0.1");
      });

      for (const place of ["/hash", "/unbuffered/hash"]) {
        test(`hears bodies of every size at ${place}`, async () => {
          using connection = await proxy.connect();
          for (const size of [0, 1, 20_000, 3_000_000]) {
            const body = randomBytes(size);
            const { text } = await connection.ask({ method: "POST", target: place, body });
            const { sha256, size: heard } = JSON.parse(text) as { sha256: string; size: number };
            assert.deepEqual({ sha256, heard }, { sha256: createHash("sha256").update(body).digest("hex"),
              heard: size });
          }
        });
      }

      test("hears a chunked body", async () => {
        using connection = await proxy.connect();
        const fields = { "Transfer-Encoding": "chunked" };
        connection.send(requestText({ method: "POST", target: "/hash",
          fields }) + chunk("abc") + chunk("defg") + chunk(""));
        const { text } = await connection.response();
        assert.equal((JSON.parse(text) as { size: number }).size, 7);
      });

      for (const place of ["/stream", "/unbuffered/stream"]) {
        test(`sends a stream whole at ${place}`, async () => {
          using connection = await proxy.connect();
          const { body, complete } = await connection.get(`${place}?count=50&size=65536`);
          assert.deepEqual({ size: body.length, complete }, { size: 50 * 65_536, complete: true });
          assert.equal((await connection.get("/?n=after")).text, "hello after");
        });
      }

      test("a stream that is not buffered comes in pieces as they are made", async () => {
        using connection = await proxy.connect();
        const { blocks } = await connection.get("/unbuffered/stream?count=5&size=100&s=0.1");
        const [first, last] = [blocks[0]?.atMs ?? 0, blocks.at(-1)?.atMs ?? 0];
        assert.ok(blocks.length >= 3 && last - first > 200, JSON.stringify(blocks));
      });

      test("fails before its head", async () => {
        using connection = await proxy.connect();
        assert.equal((await connection.get("/fail")).status, 500);
      });

      test("fails within its body, and the client hears that it is not whole", async () => {
        using connection = await proxy.connect();
        const { status, complete } = await connection.get("/fail?after=3");
        // uwsgi's protocol ends a body with the connection: nothing tells that it is not whole.
        assert.deepEqual({ status, complete }, { status: 200, complete: protocol === "uwsgi" });
      });

      test("HEAD has no body", async () => {
        using connection = await proxy.connect();
        const { status, framing } = await connection.ask({ method: "HEAD", target: "/?n=1" });
        assert.deepEqual({ status, framing }, { status: 200, framing: "none" });
        assert.equal((await connection.get("/?n=2")).text, "hello 2");
      });

      test("is away, and that is 502", async () => {
        await peer.stop();
        using connection = await proxy.connect();
        assert.equal((await connection.get("/")).status, 502);
      });
    });
  }
}
