// Trailers of requests: from clients of both protocols to servers of HTTP/2 and gRPC, nghttp2's, Node's and hyper-h2's.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { Client, answerOf } from "../h2/client.ts";
import type { Program } from "../support/program.ts";
import { startSite } from "../site/site.ts";
import { Peer } from "./peers.ts";

type Trailers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a server of the test has heard: size of the body, and what came behind it. */
interface Heard {
  readonly size: number;
  readonly trailers: Trailers;
}

type Asked = (path: string, parts: readonly string[], trailers: Trailers) => Promise<Heard>;

const sent = { "x-sum": "7", "grpc-note": "last" };
/** What must not come behind a body, and what the configuration says itself. */
const unwanted = {
  "authorization": "Basic eDp5", "cookie": "a=b", "content-type": "text/html", "x-forwarded-for": "192.0.2.9",
  "x-set": "theirs", "x_low": "1", "range": "bytes=0-1", "te": "trailers", "trailer": "x", "content-length": "3",
};

function answering(stream: http2.ServerHttp2Stream): void {
  let size = 0;
  let trailers: Trailers = {};
  stream.on("error", () => undefined);
  stream.on("data", (part: Buffer) => (size += part.length));
  stream.on("trailers", (fields: http2.IncomingHttpHeaders) => (trailers = { ...fields }));
  stream.on("end", () => {
    stream.respond({ ":status": 200 });
    stream.end(JSON.stringify({ size, trailers }));
  });
}

/** A request of HTTP/2 with trailers, the parts as frames of their own. */
async function askByHttp2(site: Program, path: string, parts: readonly string[], trailers: Trailers): Promise<Heard> {
  using client = await Client.connect(site);
  const stream = client.session.request({ ":path": path, ":method": "POST" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers as http2.OutgoingHttpHeaders));
  // Nobody may wait for the body.
  const answered = answerOf(stream);
  for (const part of parts) {
    stream.write(part);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  stream.end();
  const answer = await answered;
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text) as Heard;
}

/** A request of HTTP/1.1 with trailers, as Node sends it. */
async function askByHttp1(port: number, path: string, parts: readonly string[], trailers: Trailers): Promise<Heard> {
  const headers = { "Transfer-Encoding": "chunked", "Trailer": "X-Sum", "Connection": "x-named" };
  const request = http.request({ port, host: "127.0.0.1", path, method: "POST", headers });
  for (const part of parts) request.write(part);
  request.addTrailers(Object.entries(trailers).map(([name, value]) => [name, String(value)] as const));
  request.end();
  const [response] = await once(request, "response") as [http.IncomingMessage];
  let text = "";
  for await (const part of response.setEncoding("utf8")) text += String(part);
  assert.equal(response.statusCode, 200, text);
  return JSON.parse(text) as Heard;
}

describe("trailers of a request", () => {
  const servers: (http.Server | http2.Http2Server)[] = [];
  let site: Program;
  before(async () => {
    const h2 = http2.createServer();
    h2.on("stream", answering);
    const h1 = http.createServer((request, response) => {
      let size = 0;
      request.on("data", (part: Buffer) => (size += part.length));
      request.on("end", () => response.end(JSON.stringify({ size, trailers: request.trailers })));
    });
    servers.push(h2, h1);
    for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
    const [port2 = 0, port1 = 0] = servers.map((server) => (server.address() as AddressInfo).port);
    site = await startSite({
      apps: "",
      server: `http2 on; client_max_body_size 0; proxy_set_header X-Set ours; grpc_set_header X-Set ours;
        client_body_buffer_size 1k;
        location / { proxy_http_version 2; proxy_pass http://127.0.0.1:${port2}; }
        location /stream/ { proxy_http_version 2; proxy_request_buffering off; proxy_pass http://127.0.0.1:${port2}; }
        location /memory/ { proxy_http_version 2; client_body_buffer_size 4m; proxy_pass http://127.0.0.1:${port2}; }
        location /grpc/ { grpc_pass 127.0.0.1:${port2}; }
        location /replaced/ { proxy_http_version 2; proxy_set_body other; proxy_pass http://127.0.0.1:${port2}; }
        location /fieldless/ { proxy_http_version 2; proxy_pass_request_headers off;
          proxy_pass http://127.0.0.1:${port2}; }
        location /bodyless/ { proxy_http_version 2; proxy_pass_request_body off; proxy_pass http://127.0.0.1:${port2}; }
        location /one/ { proxy_pass http://127.0.0.1:${port1}; }
        location /one-stream/ { proxy_request_buffering off; proxy_pass http://127.0.0.1:${port1}; }`,
    });
  });
  after(async () => {
    await site.stop();
    for (const server of servers) server.close();
  });

  const clients: readonly (readonly [name: string, asked: Asked])[] = [
    ["HTTP/2", (...args) => askByHttp2(site, ...args)], ["HTTP/1.1", (...args) => askByHttp1(site.port, ...args)],
  ];
  for (const [name, asked] of clients) {
    for (const path of ["/", "/memory/", "/stream/", "/grpc/"]) {
      for (const [what, parts] of [
        ["no body", []], ["a body", ["hello"]], ["parts", ["one", "two", "three"]], ["a file", ["x".repeat(5000)]],
        ["more than a window", ["x".repeat(1_000_000), "y".repeat(1_000_000)]],
      ] as const) {
        test(`of ${name} reach a server of HTTP/2 by ${path}, behind ${what}`, async () => {
          assert.deepEqual(await asked(path, parts, sent), { size: parts.join("").length, trailers: sent });
        });
      }
    }

    test(`of ${name} are not passed where they are none of the server's`, async () => {
      assert.deepEqual(await asked("/replaced/", ["hello"], sent), { size: 5, trailers: {} });
      assert.deepEqual(await asked("/fieldless/", ["hello"], sent), { size: 5, trailers: {} });
      assert.deepEqual(await asked("/bodyless/", ["hello"], sent), { size: 0, trailers: {} });
    });

    test(`of ${name} end at servers of HTTP/1.1`, async () => {
      for (const path of ["/one/", "/one-stream/"]) {
        assert.deepEqual(await asked(path, ["one", "two"], sent), { size: 6, trailers: {} });
      }
    });
  }

  test("say nothing that a head only may say, nor what the configuration says", async () => {
    const { "content-length": _length, ...lateOnes } = unwanted;
    const heard = { size: 5, trailers: sent };
    assert.deepEqual(await askByHttp2(site, "/grpc/", ["hello"], { ...sent, ...lateOnes }), heard);
    const named = { ...sent, ...lateOnes, "x-named": "hop" };
    assert.deepEqual(await askByHttp1(site.port, "/grpc/", ["hello"], named), heard);
  });
});

describe("trailers of a request to hyper-h2", { skip: requireEnvironment(applications) }, () => {
  test("are what a strict reader takes for trailers", async () => {
    await using peer = await Peer.start({
      command: pythonOf(applications),
      args: ({ port }) => [join(import.meta.dirname, "../applications/apps/h2_trailers.py"), String(port)],
    });
    await using site = await startSite({
      apps: "",
      server: `http2 on; client_max_body_size 0; client_body_buffer_size 1k;
        location / { proxy_http_version 2; proxy_pass http://127.0.0.1:${peer.port}; }
        location /grpc/ { grpc_pass 127.0.0.1:${peer.port}; }`,
    });
    for (const path of ["/", "/grpc/"]) {
      for (const parts of [[], ["hello"], ["x".repeat(500_000), "y"]]) {
        const size = parts.join("").length;
        const expected = { size, trailers: sent };
        assert.deepEqual(await askByHttp2(site, path, parts, sent), expected);
        assert.deepEqual(await askByHttp1(site.port, path, parts, sent), expected);
        assert.deepEqual(await askByHttp2(site, path, parts, { cookie: "a=b" }), { size, trailers: {} });
      }
    }
  });
});
