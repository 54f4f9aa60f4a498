// grpc_pass grpcs:// with grpcio behind TLS: calls of every kind, its certificate that is checked, ours that is shown.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications } from "../../tools/venv.ts";
import { type Answer, Client } from "../h2/client.ts";
import { startSite } from "../site/site.ts";
import { Authority } from "../support/certificates.ts";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import type { Peer } from "./peers.ts";
import { callByGrpcio, grpcMessage, grpcService, whatGrpcioSays } from "./support/grpc.ts";

const waitMs = 10_000;

describe("grpc_pass over TLS", { skip: requireEnvironment(applications) }, () => {
  let directory = "";
  let authority: Authority;
  let service: Peer;
  let mutual: Peer;
  let site: Program;
  let tlsPort = 0;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tricorn-grpcs-"));
    authority = new Authority(directory, "root");
    const stranger = new Authority(directory, "stranger");
    const [own, client, strange] = [
      authority.sign("app.test"), authority.sign("client.test"), stranger.sign("stranger.test"),
    ];
    service = await grpcService(own.certificate, own.key);
    mutual = await grpcService(own.certificate, own.key, authority.certificate);
    tlsPort = await freePort();
    const verified = `grpc_ssl_verify on; grpc_ssl_trusted_certificate ${authority.certificate};`;
    const named = "grpc_ssl_name app.test; grpc_ssl_server_name on;";
    const shown = ({ certificate, key }: typeof own): string =>
      `grpc_ssl_certificate ${certificate}; grpc_ssl_certificate_key ${key};`;
    const at = (place: string, settings: string, { port }: Peer): string => `location /${place}/ {
      rewrite ^/${place}(/.*)$ $1 break; ${settings} grpc_pass grpcs://127.0.0.1:${port}; }`;
    site = await startSite({
      apps: "",
      http: `upstream services { server 127.0.0.1:${service.port}; keepalive 4; }`,
      server: `http2 on; client_max_body_size 0; grpc_set_header X-Set set;
        listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${own.certificate}; ssl_certificate_key ${own.key};
        location / { ${verified} ${named} grpc_pass grpcs://services; }
        ${at("mutual", `${verified} ${named} ${shown(client)}`, mutual)}
        ${at("unshown", `${verified} ${named}`, mutual)}
        ${at("strange", `${verified} ${named} ${shown(strange)}`, mutual)}
        ${at("any", "", service)}
        ${at("misnamed", `${verified} grpc_ssl_name other.test;`, service)}
        ${at("untrusted", `grpc_ssl_verify on; ${named} grpc_ssl_trusted_certificate ${stranger.certificate};`,
          service)}
        location /plain/ { rewrite ^/plain(/.*)$ $1 break; grpc_pass grpc://127.0.0.1:${service.port}; }`,
    });
  });
  after(async () => {
    await site.stop();
    await service.stop();
    await mutual.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function call(place: string, method: string): Promise<Answer> {
    using client = await Client.connect(site);
    const headers = { "content-type": "application/grpc", te: "trailers" };
    return await client.ask(`${place}/test.Service/${method}`, { headers, body: grpcMessage("hi") });
  }

  test("passes calls of every kind on, both ways at once, with their ends", async () => {
    assert.deepEqual(await callByGrpcio(site.port), whatGrpcioSays);
  });

  test("does so for clients that come over TLS themselves", async () => {
    assert.deepEqual(await callByGrpcio(tlsPort, authority.certificate, "app.test"), whatGrpcioSays);
  });

  test("asks nobody who they are where it is not told to", async () => {
    const answer = await call("/any", "Shout");
    assert.equal(answer.body.subarray(5).toString(), "HI");
    assert.equal(answer.trailers?.["grpc-status"], "0");
  });

  test("shows its certificate to a server that asks for one", async () => {
    const answer = await call("/mutual", "Who");
    assert.equal(answer.body.subarray(5).toString(), "client.test set");
    assert.equal((await call("/any", "Who")).body.subarray(5).toString(), "nobody set");
  });

  for (const [place, what, line] of [
    ["/misnamed", "is somebody else", "certificate does not match \"other\\.test\""],
    ["/untrusted", "nobody vouches for", "unable to verify the first certificate"],
    ["/unshown", "wants a certificate and gets none", "upstream"],
    ["/strange", "does not trust the certificate", "upstream"],
    ["/plain", "speaks TLS only", "upstream"],
  ] as const) {
    test(`answers 502 for a server that ${what}`, async () => {
      const answer = await call(place, "Shout");
      assert.equal(answer.status, 502);
      const told = new RegExp(`${line}.*POST ${place}/`);
      await eventually(`${String(told)} in ${site.output}`, waitMs, () => told.test(site.output));
    });
  }
});
