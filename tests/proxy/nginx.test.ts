// nginx behind Tricorn: what a file server says of files, through the proxy.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { requireProgram } from "../../tools/needs.ts";
import type { Program } from "../support/program.ts";
import { type Peer, nginx } from "./peers.ts";
import { startProxy } from "./support/proxies.ts";

const large = randomBytes(20_000_000);

describe("nginx as the upstream", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  let peer: Peer;
  let proxy: Program;
  before(async () => {
    peer = await nginx({ "text.txt": "text ".repeat(1000), large }, ({ port, socket }) => `
      types { text/plain txt; } gzip on; gzip_types text/plain; gzip_http_version 1.0; gzip_proxied any;
      server { listen 127.0.0.1:${port}; listen unix:${socket}; client_max_body_size 0;
        location /many { return 200 "$connection_requests"; }
        location /put/ { dav_methods PUT; create_full_put_path on; }
        location /fields { return 200 "$http_host $http_x_forwarded_for $server_protocol"; } }`);
    proxy = await startProxy({
      http: "client_max_body_size 0; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
      server: `location / { proxy_pass http://127.0.0.1:${peer.port}; }
        location /socket/ { proxy_pass http://unix:${peer.socket}:/; }
        location /unbuffered/ { proxy_buffering off; proxy_request_buffering off;
          proxy_pass http://127.0.0.1:${peer.port}/; }`,
    });
  });
  after(async () => {
    await proxy.stop();
    await peer.stop();
  });

  for (const place of ["", "/socket", "/unbuffered"]) {
    test(`a large file is whole at ${place}/`, async () => {
      using connection = await proxy.connect();
      const { body, complete, framing } = await connection.get(`${place}/large`);
      assert.deepEqual({ complete, framing, sum: sum(body) }, { complete: true, framing: "length", sum: sum(large) });
    });

    test(`what is compressed passes as it is at ${place}/`, async () => {
      using connection = await proxy.connect();
      const { fields, framing, complete } = await connection.get(`${place}/text.txt`, { "Accept-Encoding": "gzip" });
      assert.deepEqual([fields.get("content-encoding"), framing, complete], ["gzip", "chunked", true]);
    });

    test(`ranges and conditions are answered at ${place}/`, async () => {
      using connection = await proxy.connect();
      const part = await connection.get(`${place}/text.txt`, { Range: "bytes=5-8" });
      assert.deepEqual([part.status, part.text], [206, "text"]);
      const etag = part.fields.get("etag") ?? "";
      assert.equal((await connection.get(`${place}/text.txt`, { "If-None-Match": etag })).status, 304);
      assert.equal((await connection.get(`${place}/text.txt`, { Range: "bytes=9999-" })).status, 416);
      assert.equal((await connection.ask({ method: "HEAD",
        target: `${place}/text.txt` })).fields.get("content-length"), "5000");
    });
  }

  test("a file that is put arrives whole", async () => {
    using connection = await proxy.connect();
    for (const [place, name] of [["/put/a", "a"], ["/unbuffered/put/b", "b"]] as const) {
      const body = randomBytes(3_000_000);
      assert.equal((await connection.ask({ method: "PUT", target: place, body })).status, 201);
      assert.equal(sum((await connection.get(`/put/${name}`)).body), sum(body));
    }
  });

  test("connections are kept for a hundred requests and more", async () => {
    using connection = await proxy.connect();
    const counts: number[] = [];
    for (let n = 0; n < 120; n++) counts.push(Number((await connection.get("/many")).text));
    assert.ok(Math.max(...counts) >= 100, `${Math.max(...counts)}`);
  });

  test("it hears Host and X-Forwarded-For, and HTTP/1.1", async () => {
    using connection = await proxy.connect();
    assert.equal((await connection.get("/fields", { "X-Forwarded-For": "192.0.2.1" })).text,
      `127.0.0.1:${peer.port} 192.0.2.1, 127.0.0.1 HTTP/1.1`);
  });
});

function sum(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
