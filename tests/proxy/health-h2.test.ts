// Health checks of servers that speak HTTP/2 only: Node's by GET, grpcio's by the health protocol of gRPC.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, root } from "../../tools/venv.ts";
import { type Answer, Client } from "../h2/client.ts";
import { startSite } from "../site/site.ts";
import { Authority } from "../support/certificates.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import type { Peer } from "./peers.ts";
import { grpcMessage, grpcService } from "./support/grpc.ts";

const waitMs = 20_000;

/** A server that knows no other protocol, and what its checks asked. */
class Patient {
  readonly server: http2.Http2Server | http2.Http2SecureServer;
  status = 200;
  readonly checks: http2.IncomingHttpHeaders[] = [];
  sessions = 0;

  constructor(server: http2.Http2Server | http2.Http2SecureServer) {
    this.server = server;
    server.on("session", () => void this.sessions++);
    server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      const isCheck = headers[":path"] === "/alive";
      if (isCheck) this.checks.push(headers);
      if (isCheck && this.status === 0) return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      stream.respond({ ":status": isCheck ? this.status : 200 });
      stream.end("fine");
    });
  }

  async listen(): Promise<number> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    return (this.server.address() as AddressInfo).port;
  }
}

describe("a health check by HTTP/2", () => {
  let directory = "";
  let plain: Patient;
  let secure: Patient;
  let site: Program;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tricorn-health-"));
    const authority = new Authority(directory, "root");
    const own = authority.sign("app.test");
    plain = new Patient(http2.createServer());
    secure = new Patient(http2.createSecureServer({
      cert: readFileSync(own.certificate), key: readFileSync(own.key), allowHTTP1: false,
    }));
    const [plainPort, securePort] = [await plain.listen(), await secure.listen()];
    site = await startSite({
      apps: "",
      http: `match fine { status 200; body ~ fine; }
        upstream plain { server 127.0.0.1:${plainPort}; }
        upstream secure { server 127.0.0.1:${securePort}; }`,
      server: `proxy_http_version 2; proxy_connect_timeout 1s;
        location / { proxy_pass http://plain; health_check mandatory interval=100ms uri=/alive; }
        location /secure/ { proxy_pass https://secure; proxy_ssl_verify on; proxy_ssl_name app.test;
          proxy_ssl_trusted_certificate ${authority.certificate};
          health_check mandatory interval=100ms uri=/alive match=fine; }`,
    });
  });
  after(async () => {
    await site.stop();
    plain.server.close();
    secure.server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const statusOf = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${site.port}${path}`)).status;

  for (const [name, path, patientOf] of [
    ["in cleartext", "/", () => plain], ["over TLS, and its body", "/secure/", () => secure],
  ] as const) {
    test(`finds a server well ${name}, ill, and well again`, async () => {
      const patient = patientOf();
      await eventually("it is well", waitMs, async () => (await statusOf(path)) === 200);
      const [check] = patient.checks;
      assert.equal(check?.[":authority"], path === "/" ? "plain" : "secure");
      assert.equal(check[":scheme"], path === "/" ? "http" : "https");
      assert.match(String(check["user-agent"]), /\(health check\)$/);
      for (const [status, line] of [
        [503, /unhealthy while checking status code/], [0, /it reset the stream with INTERNAL_ERROR/],
      ] as const) {
        patient.status = status;
        await eventually("it is ill", waitMs, async () => (await statusOf(path)) === 502);
        await eventually(`${String(line)} in ${site.output}`, waitMs, () => line.test(site.output));
        patient.status = 200;
        await eventually("it is well again", waitMs, async () => (await statusOf(path)) === 200);
      }
      assert.ok(patient.sessions >= 4, "each check makes a connection of its own");
    });
  }
});

test("a health check has its place where requests go to an upstream, and its type where calls go", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tricorn-health-"));
  try {
    const said = (location: string): string => {
      const path = join(directory, "site.conf");
      writeFileSync(path, `events { } http { upstream u { server 127.0.0.1:8000; }
        server { listen 127.0.0.1:1; location / { ${location} } } }`);
      return spawnSync(join(root, "bin/tricorn"), ["-t", "-c", path, "-p", directory], { encoding: "utf8" }).stderr;
    };
    const placeless = /"health_check" needs a location that passes requests to an upstream by HTTP or gRPC.*:2\b/;
    for (const location of [
      "proxy_pass http://127.0.0.1:8000; health_check;", "grpc_pass 127.0.0.1:8000; health_check type=grpc;",
      "fastcgi_pass u; health_check;", "grpc_pass $host; health_check;",
    ]) assert.match(said(location), placeless, location);
    for (const version of ["1.1", "2"]) {
      const typed = said(`proxy_http_version ${version}; proxy_pass http://u; health_check type=grpc;`);
      assert.match(typed, /"type=grpc" needs a location with "grpc_pass"/);
    }
    for (const location of [
      "proxy_pass http://u; health_check type=http;", "grpc_pass grpcs://u; health_check type=grpc;",
      "grpc_pass u; health_check uri=/alive;",
    ]) assert.match(said(location), /test is successful/, location);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

describe("a health check of type gRPC", { skip: requireEnvironment(applications) }, () => {
  let service: Peer;
  let site: Program;
  before(async () => {
    service = await grpcService();
    const names = ["whole", "orders", "unknown", "tolerated"];
    const checked = (name: string, words: string): string => `location /${name}/ { rewrite ^/${name}(/.*)$ $1 break;
      grpc_pass ${name}; health_check mandatory interval=100ms type=grpc ${words}; }`;
    site = await startSite({
      apps: "",
      http: names.map((name) => `upstream ${name} { server 127.0.0.1:${service.port}; }`).join(" "),
      server: `http2 on; ${checked("whole", "")} ${checked("orders", "grpc_service=shop.Orders")}
        ${checked("unknown", "grpc_service=shop.Nobody")}
        ${checked("tolerated", "grpc_service=shop.Nobody grpc_status=5")}
        location / { grpc_pass 127.0.0.1:${service.port}; }`,
    });
  });
  after(async () => {
    await site.stop();
    await service.stop();
  });

  async function call(place: string, method: string = "Shout", message: string = "hi"): Promise<Answer> {
    using client = await Client.connect(site);
    const headers = { "content-type": "application/grpc", te: "trailers" };
    return await client.ask(`${place}/test.Service/${method}`, { headers, body: grpcMessage(message) });
  }

  const becomes = (place: string, status: number): Promise<boolean> =>
    eventually(`${place} answers ${status}: ${site.output}`, waitMs, async () => (await call(place)).status === status);

  test("finds a server well that serves, as a whole or a service of it", async () => {
    await becomes("/whole", 200);
    await becomes("/orders", 200);
    assert.equal((await call("/orders")).body.subarray(5).toString(), "HI");
  });

  test("puts it aside while a service does not serve, and only where that one is asked for", async () => {
    await becomes("/orders", 200);
    await call("", "SetHealth", "shop.Orders 2");
    await becomes("/orders", 502);
    const line = /unhealthy while checking serving status 2, health check "grpc" of peer/;
    await eventually(`it is told: ${site.output}`, waitMs, () => line.test(site.output));
    await becomes("/whole", 200);
    await call("", "SetHealth", "shop.Orders 1");
    await becomes("/orders", 200);
  });

  test("does not take a service for well that nobody knows, unless that status is named", async () => {
    await becomes("/tolerated", 200);
    assert.equal((await call("/unknown")).status, 502);
  });
});
