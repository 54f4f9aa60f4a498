// HTTP/2 over TLS: who gets it, which servers one connection may reach, what they are told, and how it ends.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { venvPython } from "../../tools/venv.ts";
import type { Certificate } from "../support/certificates.ts";
import { Program, appsDirectory, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Certificates, ask, exchange, pairOf, startTls } from "../tls/site.ts";
import { type Handshake, SecureClient, chosenProtocol, openTls } from "./secure.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());
const server = certificates.sign("shop.test");
const clients = certificates.authority("clients");
const alice = clients.sign("alice"), mallory = certificates.authority("others").sign("mallory");
const noProtocol = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";

function shown(who: Certificate | undefined): { cert?: Buffer; key?: Buffer } {
  return who === undefined ? {} : { cert: readFileSync(who.certificate), key: readFileSync(who.key) };
}

describe("HTTP/2 over TLS", () => {
  let program: Program;
  let plainPort = 0, listenPort = 0;
  before(async () => {
    [plainPort, listenPort] = [await freePort(), await freePort()];
    const said = 'return 200 "$server_name $http2 $server_protocol $ssl_protocol $ssl_alpn_protocol"';
    const app = (name: string, module: string, chdir: string): string =>
      `app ${name} { module ${module}; chdir ${chdir}; python ${venvPython}; lifespan off; }`;
    const speaking = join(import.meta.dirname, "apps");
    program = await startTls(`
      ${pairOf(server)} client_max_body_size 8m;
      server {
        listen 127.0.0.1:%PORT% ssl; http2 on; server_name shop.test; root ${certificates.directory};
        location / { ${said}; } location = /shop.test.crt { } location /speaking { app_pass speaking; }
        location /wsgi { rewrite ^/wsgi(.*) $1 break; app_pass wsgi; }
        location /asgi { rewrite ^/asgi(.*) $1 break; app_pass asgi; }
      }
      server { listen 127.0.0.1:%PORT% ssl; http2 on; server_name hats.test; ${said}; }
      server { listen 127.0.0.1:%PORT% ssl; server_name old.test; ${said}; }
      server {
        listen 127.0.0.1:%PORT% ssl; http2 on; server_name members.test;
        ssl_client_certificate ${clients.certificate}; ssl_verify_client on;
        return 200 "$ssl_client_verify $ssl_client_s_dn";
      }
      server { listen 127.0.0.1:${plainPort} ssl; ${said}; }
      server { listen 127.0.0.1:${listenPort} ssl http2; ${said}; }
    `, [
      app("speaking", "speaking:wsgi", speaking).replace("lifespan off;", ""),
      app("wsgi", "wsgi_app:app", appsDirectory).replace("lifespan off;", ""),
      app("asgi", "asgi_app:app", appsDirectory),
    ].join(" "));
  });
  after(() => program.stop());

  const connect = (options: Partial<Handshake> = {}): Promise<SecureClient> =>
    SecureClient.connect({ port: program.port, servername: "shop.test", ...options });

  test("is for who asks for it by ALPN, and others get HTTP/1.1", async () => {
    const table: readonly (readonly [offered: readonly string[] | undefined, name: string, chosen: unknown])[] = [
      [["h2"], "shop.test", "h2"],
      [["h2", "http/1.1"], "shop.test", "h2"],
      [["http/1.1", "h2"], "shop.test", "h2"],
      [["spdy/3", "h2"], "shop.test", "h2"],
      [["http/1.1"], "shop.test", "http/1.1"],
      [["http/1.0"], "shop.test", "http/1.0"],
      [undefined, "shop.test", false],
      [["spdy/3"], "shop.test", noProtocol],
      [["h2c"], "shop.test", noProtocol],
      [["H2"], "shop.test", noProtocol],
      // Of a server that does not speak it.
      [["h2", "http/1.1"], "old.test", "http/1.1"],
      [["h2"], "old.test", noProtocol],
      // A name that is nobody's: the default server's.
      [["h2"], "nobody.test", "h2"],
    ];
    for (const [offered, servername, chosen] of table) {
      const ALPNProtocols = offered === undefined ? {} : { ALPNProtocols: [...offered] };
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const came = await chosenProtocol({ port: program.port, servername, maxVersion, ...ALPNProtocols });
        assert.equal(came, chosen, `${String(offered)} at ${servername} by ${maxVersion}`);
      }
    }
    const both = { ALPNProtocols: ["h2", "http/1.1"] };
    assert.equal(await chosenProtocol({ port: plainPort, ...both }), "http/1.1");
    assert.equal(await chosenProtocol({ port: listenPort, ...both }), "h2");
  });

  test("says in its variables what it is", async () => {
    using two = await connect();
    assert.deepEqual(await two.get("/"), [200, "shop.test h2 HTTP/2.0 TLSv1.3 h2"]);
    using old = await connect({ maxVersion: "TLSv1.2" });
    assert.deepEqual(await old.get("/"), [200, "shop.test h2 HTTP/2.0 TLSv1.2 h2"]);
    const asked = { port: program.port, servername: "shop.test", host: "shop.test" };
    assert.equal((await ask({ ...asked, ALPNProtocols: ["http/1.1"] })).body,
      "shop.test  HTTP/1.1 TLSv1.3 http/1.1");
    assert.equal((await ask(asked)).body, "shop.test  HTTP/1.1 TLSv1.3 ");
  });

  test("is not what a client speaks who has not asked for it, and nothing else is who has", async () => {
    for (const protocols of [{}, { ALPNProtocols: ["http/1.1"] }]) {
      const socket = await openTls({ port: program.port, ...protocols });
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      assert.match((await once(socket, "data") as [Buffer])[0].toString("latin1"), /^HTTP\/1\.1 [45]/);
      socket.destroy();
    }
    const socket = await openTls({ port: program.port, ALPNProtocols: ["h2"] });
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.write("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    await once(socket, "end");
    socket.destroy();
    const bytes = Buffer.concat(parts);
    assert.equal(bytes[3], 4, "SETTINGS come first");
    assert.ok(!bytes.includes("HTTP/1.1"));
  });

  test("keeps 497 for those who do not speak TLS, and answers them in HTTP/1.1", async () => {
    const plain = await exchange(program.port, "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
    assert.match(plain.toString("latin1"), /^HTTP\/1\.1 400 [^]*The plain HTTP request was sent to HTTPS port/);
    const preface = await exchange(program.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert.match(preface.toString("latin1"), /^HTTP\/1\.1 [45]/);
    using client = await connect();
    assert.equal((await client.get("/"))[0], 200);
  });

  test("reaches other servers by the same connection, but for one that does not speak it: 421", async () => {
    using client = await connect();
    const names = ["shop.test", "hats.test", `hats.test:${program.port}`];
    const [misdirected, ...answers] = await Promise.all(["old.test", ...names].map((name) => client.get("/", name)));
    assert.deepEqual(answers.map(([status, text]) => `${status} ${text}`),
      ["shop.test", "hats.test", "hats.test"].map((name) => `200 ${name} h2 HTTP/2.0 TLSv1.3 h2`));
    assert.equal(misdirected?.[0], 421);
    assert.equal((await client.get("/"))[0], 200);
  });

  test("does not reach a server that asks clients for certificates: 421, and the connection goes on", async () => {
    for (const who of [undefined, alice]) {
      using client = await connect(shown(who));
      const [before, misdirected, behind] = await Promise.all([
        client.get("/"), client.get("/", "members.test"), client.get("/", "hats.test"),
      ]);
      assert.deepEqual([before[0], misdirected[0], behind[0]], [200, 421, 200]);
      assert.equal((await client.get("/"))[0], 200);
      assert.deepEqual(client.client.goAways, []);
    }
    // A client without SNI has kept the default server's rules.
    using nameless = await SecureClient.connect({ port: program.port, ...shown(alice) });
    assert.equal((await nameless.get("/", "members.test"))[0], 421);
  });

  test("knows clients by their certificates, and refuses those without", async () => {
    const servername = "members.test";
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      using known = await connect({ servername, maxVersion, ...shown(alice) });
      const answers = await Promise.all([known.get("/"), known.get("/"), known.get("/")]);
      for (const answer of answers) assert.deepEqual(answer, [200, "SUCCESS CN=alice"]);
      using stranger = await connect({ servername, maxVersion, ...shown(mallory) });
      const bad = await stranger.get("/");
      assert.equal(bad[0], 400);
      assert.match(bad[1], /The SSL certificate error/);
      using nobody = await connect({ servername, maxVersion });
      const none = await nobody.get("/");
      assert.equal(none[0], 400);
      assert.match(none[1], /No required SSL certificate was sent/);
    }
  });

  test("tells an application of WSGI of both", async () => {
    using client = await connect();
    const told = await client.client.ask("/speaking/a?b", { body: "hello" });
    const environ = JSON.parse(told.text) as Record<string, unknown>;
    const { protocol, scheme, method, path, size, fields } = environ;
    assert.deepEqual([protocol, scheme, method, path, size], ["HTTP/2.0", "https", "POST", "/speaking/a", 5]);
    assert.equal((fields as Record<string, string>)["HTTP_HOST"], `shop.test:${program.port}`);
    const facts = JSON.parse((await client.get("/wsgi/tls"))[1]) as Record<string, unknown>;
    assert.deepEqual([facts["HTTPS"], facts["SSL_PROTOCOL"], facts["SSL_TLS_SNI"]], ["on", "TLSv1.3", "shop.test"]);
  });

  test("tells an application of ASGI of both", async () => {
    using client = await connect();
    const facts = JSON.parse((await client.get("/asgi/tls"))[1]) as Record<string, unknown>;
    const tls = facts["tls"] as Record<string, unknown>;
    assert.equal(facts["scheme"], "https");
    const scope = JSON.parse((await client.get("/asgi/scope"))[1]) as Record<string, unknown>;
    assert.equal(scope["http_version"], "2");
    assert.equal(tls["tls_version"], 0x0304);
    assert.equal(String(tls["server_cert"]).trim(), readFileSync(server.certificate, "utf8").trim());
  });

  test("resumes sessions, whichever protocol they were made for", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const sessions: Buffer[] = [];
      using first = await connect({ maxVersion, onSession: (made) => sessions.push(made) });
      assert.equal((await first.get("/"))[0], 200);
      const session = await eventually("a ticket comes", 5000, () => sessions[0]);
      using second = await connect({ maxVersion, session });
      assert.equal(second.socket.isSessionReused(), true, maxVersion);
      assert.deepEqual(await second.get("/"), [200, `shop.test h2 HTTP/2.0 ${maxVersion} h2`]);
      const older = await ask({
        port: program.port, servername: "shop.test", host: "shop.test", maxVersion, session,
        ALPNProtocols: ["http/1.1"],
      });
      assert.deepEqual([older.isReused, older.body], [true, `shop.test  HTTP/1.1 ${maxVersion} http/1.1`]);
    }
  });

  test("carries large bodies both ways, on many streams at once", async () => {
    using client = await connect();
    const body = randomBytes(1_500_000);
    const sent = await Promise.all(Array.from({ length: 6 }, () => client.client.ask("/speaking", { body })));
    for (const { text } of sent) {
      const { size, sha } = JSON.parse(text) as { size: number; sha: string };
      assert.deepEqual([size, sha], [body.length, createHash("sha256").update(body).digest("hex")]);
    }
    const pem = readFileSync(server.certificate, "latin1");
    const files = await Promise.all(Array.from({ length: 100 }, () => client.get("/shop.test.crt")));
    for (const file of files) assert.deepEqual(file, [200, pem]);
  });
});

describe("a connection of HTTP/2 over TLS", () => {
  const started = (): Promise<Program> => startTls(file("one"), app);
  const app = `app shop { module speaking:wsgi; chdir ${join(import.meta.dirname, "apps")}; python ${venvPython}; }`;
  const file = (text: string): string => `server {
    listen 127.0.0.1:%PORT% ssl; http2 on; ${pairOf(server)}
    location / { return 200 ${text}; } location /app { app_pass shop; }
  }`;

  for (const what of ["another configuration takes over", "the server stops"] as const) {
    test(`ends in order when ${what}: GOAWAY, and open streams finish`, async () => {
      await using program = await started();
      using secure = await SecureClient.connect({ port: program.port });
      const { client, socket } = secure;
      const stream = client.begin("/app", { ":method": "POST" }, true);
      stream.write("x");
      // What is behind it has been read, so has it.
      assert.equal((await secure.get("/"))[1], "one");
      if (what === "the server stops") program.signal("SIGTERM");
      else {
        await program.configure(`daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; events { }
          ${app} http { ${file("two")} }`);
        program.signal("SIGHUP");
      }
      await eventually("GOAWAY comes", 20_000, () => client.goAways.length > 0);
      assert.equal(client.goAways[0], 0);
      stream.end("y");
      const parts: Buffer[] = [];
      for await (const part of stream) parts.push(part as Buffer);
      assert.equal((JSON.parse(Buffer.concat(parts).toString()) as { size: number }).size, 2);
      await eventually("the connection ends", 10_000, () => socket.closed);
      if (what === "the server stops") {
        await eventually("the program has ended", 20_000, () => program.exitStatus !== undefined);
        return;
      }
      using next = await SecureClient.connect({ port: program.port });
      assert.deepEqual(await next.get("/"), [200, "two"]);
    });
  }
});

test("options of gunicorn and uvicorn for TLS bring HTTP/2", async () => {
  for (const app of ["wsgi_app:app", "asgi_app:app"]) {
    await using program = await Program.start({
      app, options: ["--certfile", server.certificate, "--keyfile", server.key],
    });
    using client = await SecureClient.connect({ port: program.port });
    assert.equal((await client.get("/tls"))[0], 200);
    assert.equal(await chosenProtocol({ port: program.port, ALPNProtocols: ["http/1.1"] }), "http/1.1");
  }
});
