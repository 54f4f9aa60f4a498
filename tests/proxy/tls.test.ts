// Upstreams behind TLS: nginx with a certificate, and a server that ends without saying so.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer } from "node:tls";
import { requireProgram } from "../../tools/needs.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import type { Response } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { type Peer, nginx } from "./peers.ts";
import { startProxy } from "./support/proxies.ts";

const large = randomBytes(5_000_000);

describe("an upstream behind TLS", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  let directory = "";
  let authority: Authority;
  let own: Certificate;
  let peer: Peer;
  let proxy: Program;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tricorn-tls-"));
    authority = new Authority(directory, "root");
    const [site, other, client] = [authority.sign("app.test"), authority.sign("other.test"),
      authority.sign("client.test")];
    own = site;
    peer = await nginx({ large }, ({ port }) => `
      ssl_certificate ${site.certificate}; ssl_certificate_key ${site.key};
      ssl_client_certificate ${authority.certificate}; ssl_verify_client optional; ssl_protocols TLSv1.2 TLSv1.3;
      server { listen 127.0.0.1:${port} ssl; server_name app.test; client_max_body_size 0;
        location /said { return 200 "$ssl_server_name $ssl_protocol $ssl_client_s_dn $connection_requests"; }
        location /echo { return 200 "$content_length"; } }
      server { listen 127.0.0.1:${port} ssl; server_name other.test; ssl_certificate ${other.certificate};
        ssl_certificate_key ${other.key}; location /said { return 200 "other $ssl_server_name"; } }`);
    const pass = `proxy_pass https://127.0.0.1:${peer.port}/;`;
    const verified = `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${authority.certificate};`;
    proxy = await startProxy({
      http: "client_max_body_size 0;",
      server: `location /any/ { ${pass} }
        location /verified/ { ${verified} proxy_set_header Host app.test; proxy_ssl_name app.test;
          proxy_ssl_server_name on; ${pass} }
        location /misnamed/ { ${verified} ${pass} }
        location /untrusted/ { proxy_ssl_verify on; proxy_ssl_trusted_certificate ${own.certificate};
          proxy_ssl_name app.test;
          ${pass} }
        location /other/ { ${verified} proxy_set_header Host other.test; proxy_ssl_name other.test;
          proxy_ssl_server_name on; ${pass} }
        location /client/ { proxy_ssl_certificate ${client.certificate}; proxy_ssl_certificate_key ${client.key};
          ${pass} }
        location /old/ { proxy_ssl_protocols TLSv1.2; ${pass} }
        location /plain/ { proxy_pass http://127.0.0.1:${peer.port}/; }
        location /unbuffered/ { proxy_buffering off; proxy_request_buffering off; ${pass} }`,
    });
  });
  after(async () => {
    await proxy.stop();
    await peer.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function get(target: string): Promise<Response> {
    using connection = await proxy.connect();
    return await connection.get(target);
  }

  test("is spoken to, without a name and without asking who it is", async () => {
    assert.match((await get("/any/said")).text, /^ TLSv1\.3 {2}\d+$/);
  });

  test("is checked, and told the name", async () => {
    assert.match((await get("/verified/said")).text, /^app\.test TLSv1\.3/);
    assert.equal((await get("/other/said")).text, "other other.test");
  });

  test("is 502 when it is somebody else, or nobody who is trusted", async () => {
    assert.equal((await get("/misnamed/said")).status, 502);
    assert.equal((await get("/untrusted/said")).status, 502);
    assert.match(proxy.output, /certificate does not match "127.0.0.1"/);
  });

  test("is shown a certificate", async () => {
    assert.match((await get("/client/said")).text, /CN=client\.test/);
  });

  test("is spoken to in the versions that are named", async () => {
    assert.match((await get("/old/said")).text, / TLSv1\.2 /);
  });

  test("says 400 to plain HTTP, which is passed on", async () => {
    assert.equal((await get("/plain/said")).status, 400);
  });

  test("is kept for further requests, and never for those of another identity", async () => {
    const counts = [];
    for (let n = 0; n < 4; n++) counts.push(Number((await get("/any/said")).text.split(" ").at(-1)));
    assert.ok(Math.max(...counts) >= 4, JSON.stringify(counts));
    assert.doesNotMatch((await get("/any/said")).text, /client\.test/);
  });

  for (const place of ["/any", "/unbuffered"]) {
    test(`large bodies pass both ways at ${place}/`, async () => {
      assert.ok((await get(`${place}/large`)).body.equals(large));
      using connection = await proxy.connect();
      const { text } = await connection.ask({ method: "POST", target: `${place}/echo`, body: large });
      assert.equal(text, String(large.length));
    });
  }

  test("whose answer ends with the connection is whole only when TLS says so", async () => {
    for (const isCut of [false, true]) {
      const server = createServer({ cert: readFileSync(own.certificate), key: readFileSync(own.key) }, (socket) => {
        socket.on("error", () => undefined).once("data", () => {
          socket.write("HTTP/1.1 200 OK\r\n\r\nhello", () => {
            // Without close_notify somebody on the way may have cut it (RFC 8446 §6.1).
            if (isCut) setTimeout(() => socket.destroy(), 50);
            else socket.end();
          });
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const place = `https://127.0.0.1:${port}`;
      const front = await startProxy({ server: `location / { proxy_buffering off; proxy_pass ${place}; }` });
      try {
        using connection = await front.connect();
        const { status, text, complete } = await connection.get("/");
        assert.deepEqual({ status, text, complete }, { status: 200, text: "hello", complete: !isCut });
      } finally {
        await front.stop();
        server.close();
      }
    }
  });
});
