// Who is served with which certificate, who is refused and how, and what a port for TLS does with everything else.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Certificate } from "../support/certificates.ts";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Certificates, ask, clientHello, exchange, pairOf, startTls } from "./site.ts";

const alertOf = (bytes: Buffer): string => bytes.subarray(0, 7).toString("hex");
const unrecognizedName = "15030300020270", decodeError = "15030300020232";

describe("a socket with TLS", () => {
  const certificates = new Certificates();
  const first = certificates.sign("first.test"), wild = certificates.sign("wild.test");
  const rsa = rsaOf(certificates, "first.test");
  let program: Program;
  let rejectingPort = 0, proxiedPort = 0, crowdedPort = 0;
  before(async () => {
    [rejectingPort, proxiedPort, crowdedPort] = [await freePort(), await freePort(), await freePort()];
    const said = 'return 200 "$server_name $scheme $https $ssl_server_name $ssl_protocol $ssl_alpn_protocol"';
    program = await startTls(`
      client_header_timeout 2s;
      ${pairOf(first)}
      server {
        listen 127.0.0.1:%PORT% ssl; server_name first.test; ${said};
        ${pairOf(first)} ${pairOf(rsa)}
      }
      server { listen 127.0.0.1:%PORT% ssl; server_name *.wild.test ~^r\\d+\\.regex\\.test$; ${said}; ${pairOf(wild)} }
      server { listen 127.0.0.1:%PORT% ssl; server_name no.test; ssl_reject_handshake on; }
      server { listen 127.0.0.1:%PORT% ssl; server_name new.test; ssl_protocols TLSv1.3; ${said}; }
      server {
        listen 127.0.0.1:%PORT% ssl; server_name plain.test; error_page 497 https://$host$request_uri;
        location /p { return 200 p; }
      }
      server { listen 127.0.0.1:${rejectingPort} ssl; ssl_reject_handshake on; }
      server { listen 127.0.0.1:${rejectingPort} ssl; server_name first.test; ${said}; }
      server { listen 127.0.0.1:${crowdedPort} ssl; client_header_timeout 60s; ${said}; }
      server {
        listen 127.0.0.1:${proxiedPort} ssl proxy_protocol;
        return 200 "$proxy_protocol_addr $proxy_protocol_port $scheme";
      }
    `);
  });
  after(() => program.stop());
  after(() => certificates[Symbol.dispose]());

  const subjectOf = async (servername: string): Promise<string | undefined> =>
    (await ask({ port: program.port, servername })).subject;

  test("answers, and its variables say how", async () => {
    const { status, body } = await ask({
      port: program.port, servername: "first.test", host: "first.test", ALPNProtocols: ["http/1.1"],
    });
    assert.deepEqual([status, body], [200, "first.test https on first.test TLSv1.3 http/1.1"]);
    const old = await ask({ port: program.port, host: "first.test", maxVersion: "TLSv1.2" });
    assert.equal(old.body, "first.test https on  TLSv1.2 ");
  });

  test("shows the certificate of the server that the client names", async () => {
    assert.equal(await subjectOf("first.test"), "CN=first.test");
    assert.equal(await subjectOf("a.wild.test"), "CN=wild.test");
    assert.equal(await subjectOf("a.b.WILD.test"), "CN=wild.test");
    assert.equal(await subjectOf("r12.regex.test"), "CN=wild.test");
    for (const name of ["wild.test", "r.regex.test", "else.test"]) assert.equal(await subjectOf(name), "CN=first.test");
  });

  test("lets no strange name harm it: each is nobody's", async () => {
    const strange = ["first.test.", "a\0.wild.test", "\xff\xfe", "127.0.0.1", "[::1]", "a.wild.test:443", " ", "*",
      "a..wild.test", "é.wild.test", "constructor", "__proto__", "x".repeat(255), "-", "%00", "a/../b"];
    for (const serverName of strange) {
      const answer = await exchange(program.port, clientHello({ serverName }), "first");
      // OpenSSL takes no name with a NUL in it.
      const kind = serverName.includes("\0") ? "150303" : "160303";
      assert.equal(answer.subarray(0, 3).toString("hex"), kind, JSON.stringify(serverName));
    }
    const long = await exchange(program.port, clientHello({ serverName: "x".repeat(256) }));
    assert.equal(alertOf(long), decodeError);
    assert.equal(await subjectOf("first.test"), "CN=first.test");
  });

  test("has certificates of several kinds, and takes what the client can verify", async () => {
    const kinds = [["ECDHE-ECDSA-AES128-GCM-SHA256", "ec"], ["ECDHE-RSA-AES128-GCM-SHA256", "rsa"]] as const;
    for (const [ciphers, kind] of kinds) {
      const parts = { servername: "first.test", maxVersion: "TLSv1.2", ciphers } as const;
      const { socket, status } = await ask({ port: program.port, ...parts });
      assert.equal(status, 200, kind);
      assert.equal(socket.encrypted, true);
    }
  });

  test("refuses a handshake where it shall, and where nobody has the name", async () => {
    assert.equal(alertOf(await exchange(program.port, clientHello({ serverName: "no.test" }))), unrecognizedName);
    assert.equal(alertOf(await exchange(rejectingPort, clientHello({}))), unrecognizedName);
    assert.equal(alertOf(await exchange(rejectingPort, clientHello({ serverName: "x.test" }))), unrecognizedName);
    const { body } = await ask({ port: rejectingPort, servername: "first.test", host: "first.test" });
    assert.match(body, /^first\.test https/);
  });

  test("speaks each server's own versions", async () => {
    const parts = { port: program.port, servername: "new.test", host: "new.test" };
    assert.equal((await ask(parts)).status, 200);
    const { refusal } = await ask({ ...parts, maxVersion: "TLSv1.2" });
    assert.equal(refusal, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    const old = { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" } as const;
    assert.match((await ask({ port: program.port, ...old })).refusal ?? "", /ALERT_PROTOCOL_VERSION/);
  });

  test("speaks the groups and ciphers of Mozilla's intermediate profile", async () => {
    const parts = { port: program.port, servername: "first.test" };
    for (const ecdhCurve of ["X25519MLKEM768", "X25519", "P-256", "P-384"]) {
      assert.equal((await ask({ ...parts, ecdhCurve })).status, 200, ecdhCurve);
    }
    for (const ecdhCurve of ["X448", "P-521"]) {
      assert.match((await ask({ ...parts, ecdhCurve })).refusal ?? "", /HANDSHAKE_FAILURE/, ecdhCurve);
    }
    for (const ciphers of ["ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384"]) {
      const { refusal } = await ask({ ...parts, ciphers, maxVersion: "TLSv1.2" });
      assert.match(refusal ?? "", /HANDSHAKE_FAILURE/, ciphers);
    }
  });

  test("ends with an alert where no protocol is common", async () => {
    for (const ALPNProtocols of [["ftp"], ["smtp", "imap"], ["acme-tls/1"]]) {
      const { refusal } = await ask({ port: program.port, ALPNProtocols });
      assert.equal(refusal, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    }
    const { socket } = await ask({ port: program.port, ALPNProtocols: ["h2", "http/1.0", "http/1.1"] });
    assert.equal(socket.alpnProtocol, "http/1.1");
  });

  test("answers plain HTTP with 400, which error_page knows as 497, and lets it go no further", async () => {
    const [head = "", page = ""] = (await exchange(program.port, "GET /p HTTP/1.1\r\nHost: first.test\r\n\r\n"))
      .toString("latin1").split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 400 /);
    assert.match(head, /\r\nConnection: close/);
    assert.match(page, /<h1>400 The plain HTTP request was sent to HTTPS port<\/h1>/);
    const redirect = await exchange(program.port,
      "GET /p?q HTTP/1.1\r\nHost: plain.test\r\nConnection: close\r\n\r\n");
    assert.match(redirect.toString("latin1"), /^HTTP\/1\.1 302 [^]*Location: https:\/\/plain\.test\/p\?q\r\n/);
    const preface = await exchange(program.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert.match(preface.toString("latin1"), /^HTTP\/1\.1 [45]/);
    assert.match(program.output, /client sent plain HTTP request to HTTPS port/);
  });

  test("closes what is neither, and what is broken", async () => {
    assert.equal((await exchange(program.port, "\x80\x2e\x01\x00\x02")).length, 0);
    assert.equal((await exchange(program.port, "\x00\x00")).length, 0);
    const hello = clientHello({ serverName: "first.test" });
    hello[6] = 1;
    assert.equal(alertOf(await exchange(program.port, hello)), decodeError);
  });

  test("waits for a handshake no longer than for a head", async () => {
    const startMs = performance.now();
    const hello = clientHello({ serverName: "first.test" });
    const half = exchange(program.port, hello.subarray(0, 40)), silent = exchange(program.port, "");
    const unanswered = exchange(program.port, hello);
    await Promise.all([half, silent, unanswered]);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 1500 && tookMs < 8000, `${tookMs} ms`);
  });

  test("takes a ClientHello in single bytes", async () => {
    const socket = connect(program.port, "127.0.0.1");
    socket.setNoDelay(true);
    const came = new Promise<Buffer>((resolve) => socket.once("data", resolve));
    const hello = clientHello({ serverName: "first.test" });
    for (const byte of hello) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await came)[0], 22);
    socket.destroy();
  });

  test("stands behind the PROXY protocol, of both versions", async () => {
    const versions = [
      "PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n",
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\xc6\x33\x64\x01\x12\x67\x01\xbb",
    ];
    for (const before of versions) {
      assert.equal((await ask({ port: proxiedPort, before })).body, "192.0.2.9 4711 https");
    }
    const all = Buffer.concat([Buffer.from(versions[0] ?? "", "latin1"), clientHello({})]);
    assert.equal((await exchange(proxiedPort, all, "first"))[0], 22);
    assert.equal((await ask({ port: proxiedPort })).status, 0);
  });

  test("does not renegotiate", () => {
    const port = String(program.port);
    const { stdout, stderr } = spawnSync("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-tls1_2"], {
      input: "R\n", encoding: "utf8", timeout: 10_000,
    });
    assert.match(stdout + stderr, /no renegotiation/i);
  });

  test("keeps serving while many handshakes are left half done, of which it drops the oldest", async () => {
    const hello = clientHello({ serverName: "first.test" });
    let ended = 0;
    const leave = async (count: number): Promise<readonly Socket[]> => {
      const sockets = Array.from({ length: count }, (_, index) => {
        const socket = connect(crowdedPort, "127.0.0.1").on("error", () => undefined).on("close", () => ended++);
        socket.write(index % 2 === 0 ? hello : hello.subarray(0, 20));
        return socket.resume();
      });
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      // Whoever comes behind them is accepted behind them.
      assert.equal((await ask({ port: crowdedPort, servername: "first.test" })).status, 200);
      return sockets;
    };
    const first = await leave(1023);
    assert.equal(ended, 0);
    const more = await leave(10);
    await eventually("the oldest are gone", 5000, () => ended >= 9);
    assert.ok(ended <= 11 && more.every(({ destroyed }) => !destroyed), `${ended} are gone`);
    for (const socket of [...first, ...more]) socket.destroy();
    const isTold = (): boolean => program.output.includes("more than 1024 handshakes of TLS are under way");
    await eventually("a line of the log", 5000, isTold);
  });

  test("changes keys when it is asked to", async () => {
    const client = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${program.port}`, "-tls1_3"]);
    let printed = "";
    for (const stream of [client.stdout, client.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
    }
    for (let asked = 1; asked <= 5; asked++) {
      client.stdin.write("K\n");
      await eventually("keys change", 5000, () => printed.split("KEYUPDATE").length > asked);
    }
    client.stdin.write("GET / HTTP/1.1\r\nHost: first.test\r\nConnection: close\r\n\r\n");
    await eventually("it is over", 5000, () => client.exitCode !== null);
    assert.match(printed, /HTTP\/1\.1 200/);
  });
});

describe("certificates and keys", () => {
  const certificates = new Certificates();
  const pair = certificates.sign("keys.test");
  after(() => certificates[Symbol.dispose]());
  const file = (name: string, text: string): string => {
    const path = join(certificates.directory, name);
    writeFileSync(path, text);
    return path;
  };

  test("may be one file, have a passphrase, or stand in the configuration", async () => {
    const pem = readFileSync(pair.certificate, "utf8"), key = readFileSync(pair.key, "utf8");
    const both = file("both.pem", key + pem);
    const locked = join(certificates.directory, "locked.key");
    execFileSync("openssl", ["ec", "-in", pair.key, "-aes256", "-passout", "pass:right", "-out", locked],
      { stdio: "pipe" });
    const words = file("words", "wrong\nright\n");
    const ways = [
      `ssl_certificate ${both}; ssl_certificate_key ${both};`,
      `ssl_certificate ${pair.certificate}; ssl_certificate_key ${locked}; ssl_password_file ${words};`,
      `ssl_certificate "data:${pem}"; ssl_certificate_key "data:${key}";`,
    ];
    const ports = await Promise.all(ways.map(() => freePort()));
    const servers = ways.map((way, index) => `server { listen 127.0.0.1:${ports[index]} ssl; return 200 ok; ${way} }`);
    const program = await startTls(`server { listen 127.0.0.1:%PORT%; } ${servers.join("\n")}`);
    try {
      for (const port of ports) {
        const { subject, body } = await ask({ port });
        assert.deepEqual([subject, body], ["CN=keys.test", "ok"]);
      }
      const printed = execFileSync("ps", ["-o", "args=", "-p", program.pids.join(",")], { encoding: "utf8" });
      assert.doesNotMatch(printed + program.output, /PRIVATE KEY/);
    } finally {
      await program.stop();
    }
  });

  test("of a whole chain are shown as they stand", async () => {
    const middle = certificates.authority("middle", certificates.root);
    const leaf = middle.sign("chain.test");
    const chain = file("chain.pem", readFileSync(leaf.certificate, "utf8") + readFileSync(middle.certificate, "utf8"));
    const program = await startTls(`
      server { listen 127.0.0.1:%PORT% ssl; return 200 ok; ssl_certificate ${chain}; ssl_certificate_key ${leaf.key}; }
    `);
    try {
      const ca = readFileSync(certificates.root.certificate);
      const parts = { port: program.port, rejectUnauthorized: true, ca, servername: "chain.test" };
      assert.equal((await ask(parts)).body, "ok");
    } finally {
      await program.stop();
    }
  });

  test("that have changed are taken up without a reload, and what is of no use is not", async () => {
    const other = certificates.sign("other.test");
    const certificate = file("live.crt", readFileSync(pair.certificate, "utf8"));
    const key = file("live.key", readFileSync(pair.key, "utf8"));
    const program = await startTls(`
      server { listen 127.0.0.1:%PORT% ssl; return 200 ok; ssl_certificate ${certificate}; ssl_certificate_key ${key}; }
    `, "worker_processes 2;");
    const shown = async (): Promise<string | undefined> => (await ask({ port: program.port })).subject;
    const log = (): string => program.output;
    try {
      assert.equal(await shown(), "CN=keys.test");
      writeFileSync(certificate, readFileSync(other.certificate));
      await eventually("it says why not", 10_000, () => /not taken up.*key values mismatch/.test(log()));
      assert.equal(await shown(), "CN=keys.test");
      writeFileSync(key, readFileSync(other.key));
      await eventually("it is taken up", 10_000, async () => (await shown()) === "CN=other.test");
      writeFileSync(certificate, "nothing");
      await eventually("it says why not", 10_000, () => /not taken up.*no start line/.test(log()));
      for (let count = 0; count < 4; count++) assert.equal(await shown(), "CN=other.test");
    } finally {
      await program.stop();
    }
  });
});

describe("certificates that change while clients come", () => {
  const certificates = new Certificates();
  after(() => certificates[Symbol.dispose]());

  test("cost nobody a handshake, and whoever is there keeps the connection", async () => {
    const [one, other] = [certificates.sign("one.test"), certificates.sign("other.test")];
    const certificate = join(certificates.directory, "live.crt"), key = join(certificates.directory, "live.key");
    const put = (pair: Certificate): void => {
      writeFileSync(certificate, readFileSync(pair.certificate));
      writeFileSync(key, readFileSync(pair.key));
    };
    put(one);
    const program = await startTls(`
      server { listen 127.0.0.1:%PORT% ssl; return 200 ok; ssl_certificate ${certificate}; ssl_certificate_key ${key}; }
    `);
    try {
      const kept = connectTls({ port: program.port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(kept, "secureConnect");
      put(other);
      let count = 0;
      await eventually("the other one is shown", 10_000, async () => {
        const { status, subject } = await ask({ port: program.port });
        assert.equal(status, 200);
        count++;
        return subject === "CN=other.test";
      });
      assert.ok(count > 10, `${count} handshakes`);
      kept.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      const [answer] = await once(kept, "data") as [Buffer];
      assert.match(answer.toString("latin1"), /^HTTP\/1\.1 200 /);
      kept.destroy();
      // A reload takes up at once what has changed.
      put(one);
      program.signal("SIGHUP");
      await eventually("the reload is done", 10_000, () => /the same as before/.test(program.output));
      await eventually("the first one is shown", 10_000, async () =>
        (await ask({ port: program.port })).subject === "CN=one.test");
    } finally {
      await program.stop();
    }
  });
});

/** An RSA certificate for the name, signed by nobody. */
function rsaOf({ directory }: Certificates, name: string): Certificate {
  const certificate = join(directory, `${name}.rsa.crt`), key = join(directory, `${name}.rsa.key`);
  execFileSync("openssl", ["req", "-x509", "-days", "2", "-subj", `/CN=${name}`, "-newkey", "rsa:2048", "-nodes",
    "-keyout", key, "-out", certificate], { stdio: "pipe" });
  return { certificate, key };
}

