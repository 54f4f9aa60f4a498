// grpc_pass with grpcio on both sides: calls of every kind, deadlines, cancellation, and what clients hear of failures.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications } from "../../tools/venv.ts";
import { Client } from "../h2/client.ts";
import { startSite } from "../site/site.ts";
import { type Program, freePort } from "../support/program.ts";
import type { Peer } from "./peers.ts";
import { callByGrpcio, grpcMessage, grpcService, whatGrpcioSays } from "./support/grpc.ts";

describe("grpc_pass", { skip: requireEnvironment(applications) }, () => {
  let service: Peer;
  let site: Program;
  before(async () => {
    service = await grpcService();
    const deadPort = await freePort();
    site = await startSite({
      apps: "",
      http: `upstream services { server 127.0.0.1:${service.port}; keepalive 4; }`,
      server: `http2 on; client_max_body_size 0;
        location / { grpc_pass services; grpc_set_header X-Set set; }
        location /dead.Service/ { grpc_pass grpc://127.0.0.1:${deadPort}; error_page 502 = /unavailable; }
        location /bare.Service/ { grpc_pass grpc://127.0.0.1:${deadPort}; }
        location = /unavailable {
          internal; default_type application/grpc; add_header grpc-status 14; add_header grpc-message unavailable;
          return 204;
        }
        location /again/ { rewrite ^/again(/.*)$ $1 break; grpc_pass $scheme_of://127.0.0.1:${service.port}; }
        set $scheme_of grpc;`,
    });
  });
  after(async () => {
    await site.stop();
    await service[Symbol.asyncDispose]();
  });

  test("passes calls of every kind on, both ways at once, with their ends", async () => {
    assert.deepEqual(await callByGrpcio(site.port), whatGrpcioSays);
  });

  test("stands behind another Tricorn as well", async () => {
    await using front = await startSite({
      apps: "", server: `http2 on; client_max_body_size 0; location / { grpc_pass 127.0.0.1:${site.port}; }`,
    });
    assert.deepEqual(await callByGrpcio(front.port), whatGrpcioSays);
  });

  test("makes a status of gRPC of 502, where error_page says so as nginx's documentation has it", async () => {
    using client = await Client.connect(site);
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const unavailable = await client.ask("/dead.Service/Call", { headers, body: Buffer.alloc(5) });
    assert.equal(unavailable.status, 204);
    assert.equal(unavailable.headers["grpc-status"], "14");
    assert.equal((await client.ask("/bare.Service/Call", { headers, body: Buffer.alloc(5) })).status, 502);
  });

  test("takes an address of variables, and a path that was rewritten", async () => {
    using client = await Client.connect(site);
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const answer = await client.ask("/again/test.Service/Shout", { headers, body: grpcMessage("hi") });
    assert.equal(answer.body.subarray(5).toString(), "HI");
    assert.equal(answer.trailers?.["grpc-status"], "0");
  });
});
