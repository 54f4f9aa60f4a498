// HTTP/2 to other people's servers: nginx, cleartext and behind TLS, and Hypercorn; and the bounds of keepalive.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireEnvironment, requireProgram } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { startSite } from "../site/site.ts";
import { Authority } from "../support/certificates.ts";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Peer, nginx } from "./peers.ts";

const large = randomBytes(5_000_000);
const waitMs = 10_000;

describe("nginx asked by HTTP/2", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  let directory = "";
  let peer: Peer;
  let proxy: Program;
  let base = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tricorn-h2-"));
    const authority = new Authority(directory, "root");
    const own = authority.sign("app.test");
    const [tlsPort, oldPort] = [await freePort(), await freePort()];
    peer = await nginx({ large }, ({ port }) => `
      ssl_certificate ${own.certificate}; ssl_certificate_key ${own.key};
      server { listen 127.0.0.1:${port} http2; listen 127.0.0.1:${tlsPort} ssl http2;
        listen 127.0.0.1:${oldPort} ssl; client_max_body_size 0; http2_max_concurrent_streams 8;
        location /said { return 200 "$server_protocol $scheme $host $connection $connection_requests"; }
        location /length { return 200 "$content_length"; } }`);
    const tls = `proxy_ssl_trusted_certificate ${authority.certificate}; proxy_ssl_verify on; proxy_ssl_name app.test;
      proxy_ssl_server_name on;`;
    proxy = await startSite({
      apps: "",
      http: `upstream plain { server 127.0.0.1:${peer.port}; keepalive 2; keepalive_requests 5; }
        upstream once { server 127.0.0.1:${peer.port}; keepalive 0; }
        upstream short { server 127.0.0.1:${peer.port}; keepalive 2; keepalive_timeout 100ms; }
        upstream secure { server 127.0.0.1:${tlsPort}; keepalive 2; }`,
      server: `proxy_http_version 2; client_max_body_size 0;
        location / { proxy_pass http://plain; }
        location /once/ { proxy_pass http://once/; }
        location /short/ { proxy_pass http://short/; }
        location /tls/ { ${tls} proxy_pass https://secure/; }
        location /old/ { proxy_pass https://127.0.0.1:${oldPort}/; }`,
    });
    base = `http://127.0.0.1:${proxy.port}`;
  });
  after(async () => {
    await proxy.stop();
    await peer[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const said = async (path: string): Promise<readonly string[]> => (await (await fetch(base + path)).text()).split(" ");

  for (const [place, scheme] of [["/", "http"], ["/tls/", "https"]] as const) {
    test(`is spoken to over ${scheme}, with bodies of any size`, async () => {
      assert.deepEqual((await said(`${place}said`)).slice(0, 2), ["HTTP/2.0", scheme]);
      const answer = await fetch(`${base}${place}large`);
      assert.ok(large.equals(Buffer.from(await answer.arrayBuffer())));
      const length = await fetch(`${base}${place}length`, { method: "POST", body: large });
      assert.equal(await length.text(), String(large.length));
      const many = await Promise.all(Array.from({ length: 50 }, () => fetch(`${base}${place}large`)));
      for (const each of many) assert.ok(large.equals(Buffer.from(await each.arrayBuffer())));
    });
  }

  test("that does not choose h2 by ALPN is answered for with 502", async () => {
    assert.equal((await fetch(`${base}/old/said`)).status, 502);
    await eventually("a line of the log", waitMs, () => /SSL_do_handshake\(\) failed/.test(proxy.output));
  });

  test("gets no more requests on a connection than keepalive_requests", async () => {
    const seen = [];
    for (let count = 0; count < 12; count++) seen.push(Number((await said("/said"))[4]));
    assert.ok(seen.some((count) => count > 1) && seen.every((count) => count <= 5), seen.join());
  });

  test("gets one request a connection where none is kept", async () => {
    const [first, second] = [await said("/once/said"), await said("/once/said")];
    assert.notEqual(first[3], second[3]);
  });

  test("finds a connection closed that was idle for keepalive_timeout", async () => {
    const [, , , first] = await said("/short/said");
    await eventually("another connection is taken", waitMs, async () => {
      await new Promise((resolve) => void setTimeout(resolve, 700));
      return (await said("/short/said"))[3] !== first;
    });
  });
});

describe("Hypercorn asked by HTTP/2", { skip: requireEnvironment(applications) }, () => {
  test("hears bodies of any size, many at once", async () => {
    await using peer = await Peer.start({
      command: pythonOf(applications),
      args: ({ port }) => ["-m", "hypercorn", "-b", `127.0.0.1:${port}`, "--error-logfile", "-",
        `${join(import.meta.dirname, "../h2/apps")}/speaking.py:asgi`],
    });
    await using proxy = await startSite({
      apps: "",
      server: `proxy_http_version 2; client_max_body_size 0; location / { proxy_pass http://127.0.0.1:${peer.port}; }`,
    });
    const base = `http://127.0.0.1:${proxy.port}`;
    const answers = await Promise.all(Array.from({ length: 20 }, async () => {
      const answer = await fetch(`${base}/a`, { method: "POST", body: large });
      return await answer.json() as { readonly version: string; readonly size: number; readonly sha: string };
    }));
    const sha = createHash("sha256").update(large).digest("hex");
    for (const answer of answers) assert.deepEqual([answer.version, answer.size, answer.sha], ["2", large.length, sha]);
  });
});
