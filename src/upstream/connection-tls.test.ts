import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer } from "node:tls";
import type { TLSSocket, TlsOptions } from "node:tls";
import { Clock } from "../net/index.ts";
import { Authority } from "../../tests/support/certificates.ts";
import type { Certificate } from "../../tests/support/certificates.ts";
import { DIAL, KEEPALIVE, Listening, Peerside, tcpPeer } from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { tlsClientSettings } from "./connection-tls.ts";
import type { TlsClientParts } from "./connection-tls.ts";
import type { UpstreamConnection } from "./connection.ts";

const PLAIN: TlsClientParts = {
  name: "app.test", serverName: false, verify: false, verifyDepth: 1, trustedCertificate: undefined, crl: undefined,
  certificate: undefined, certificateKey: undefined, passwordFile: undefined, protocols: ["TLSv1.2", "TLSv1.3"],
  ciphers: "DEFAULT", sessionReuse: true,
};

/** A TLS server; `secured` are the connections after their handshake. */
class TlsSide implements AsyncDisposable {
  readonly side: Peerside;
  readonly secured: TLSSocket[] = [];

  private constructor(side: Peerside) {
    this.side = side;
  }

  static async listen({ certificate, key }: Certificate, more: TlsOptions = {}): Promise<TlsSide> {
    const server = createServer({
      cert: readFileSync(certificate), key: readFileSync(key), allowHalfOpen: true, ...more,
    });
    server.on("tlsClientError", () => undefined);
    const made = new TlsSide(await Peerside.listen({ host: "127.0.0.1", port: 0 }, server));
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      made.secured.push(socket);
    });
    return made;
  }

  socket(index: number): Promise<TLSSocket> {
    return eventually(`handshake ${index}`, 5000, () => this.secured[index]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.side[Symbol.asyncDispose]();
  }
}

describe("a TLS connection to a peer", () => {
  let clock: Clock;
  let pool: ConnectionPool;
  let directory: string;
  let root: Authority, other: Authority, middle: Authority;
  let leaf: Certificate, deepLeaf: Certificate;

  before(() => {
    clock = new Clock();
    pool = new ConnectionPool(clock);
    directory = mkdtempSync(join(tmpdir(), "tls-"));
    root = new Authority(directory, "root");
    other = new Authority(directory, "other");
    middle = new Authority(directory, "middle", root);
    leaf = root.sign("app.test");
    const { certificate, key } = middle.sign("deep.test");
    const chain = join(directory, "chain.pem");
    writeFileSync(chain, readFileSync(certificate, "latin1") + readFileSync(middle.certificate, "latin1"));
    deepLeaf = { certificate: chain, key };
  });

  after(() => {
    pool.close();
    clock.close();
    rmSync(directory, { recursive: true });
  });

  function dial(side: Peerside, parts: Partial<TlsClientParts>, user: Listening, upstream = {}): UpstreamConnection {
    const tls = tlsClientSettings({ ...PLAIN, ...parts });
    return pool.connect(upstream, tcpPeer(side.port), KEEPALIVE, { ...DIAL, connectTimeoutMs: 2000, tls }, user);
  }

  /** What a handshake leads to: "connected", or why not. */
  async function outcome(side: TlsSide, parts: Partial<TlsClientParts>): Promise<string> {
    const user = new Listening();
    const connection = dial(side.side, parts, user);
    await eventually("an outcome", 5000, () => user.events.length > 0);
    connection.close();
    return user.why === undefined ? user.events.join() : user.reason();
  }

  test("carries bytes both ways, is kept, and is never written around", async () => {
    await using side = await TlsSide.listen(leaf);
    const user = new Listening();
    const upstream = {};
    const connection = dial(side.side, {}, user, upstream);
    connection.writeLatin1("early ");
    await user.heard("connected");
    const socket = await side.socket(0);
    let came = "";
    socket.on("data", (bytes) => (came += bytes.toString()));
    connection.writeLatin1("late");
    await eventually("what was written", 5000, () => came === "early late");
    socket.write(Buffer.alloc(300_000, "y"));
    await eventually("all of it", 5000, () => user.text.length === 300_000);
    equal(connection.idleDescriptor, -1, "sendfile would send it unencrypted");
    connection.keep();
    const again = new Listening();
    equal(dial(side.side, {}, again, upstream), connection, "the settings are another object, and say the same");
    connection.keep();
    notEqual(dial(side.side, { name: "else.test" }, again, upstream), connection);
    equal(pool.idleCount, 1);
    socket.end();
    await eventually("it leaves the pool", 5000, () => pool.idleCount === 0);
  });

  test("waits for a peer that takes its bytes slowly, but not for one that takes none", async () => {
    await using side = await TlsSide.listen(leaf);
    const user = new Listening();
    const tls = tlsClientSettings(PLAIN);
    const dialled = { ...DIAL, sendTimeoutMs: 1000, tls };
    const connection = pool.connect({}, tcpPeer(side.side.port), KEEPALIVE, dialled, user);
    await user.heard("connected");
    const socket = await side.socket(0);
    let left = 0;
    socket.on("data", (bytes) => {
      left -= bytes.length;
      if (left <= 0) socket.pause();
    });
    socket.pause();
    connection.writeBytes(Buffer.alloc(64 * 1024 * 1024));
    const startMs = performance.now();
    const sips = setInterval(() => {
      left = 1024 * 1024;
      socket.resume();
    }, 50);
    await eventually("more than the timeout", 5000, () => performance.now() - startMs > 1500);
    deepEqual(user.events, ["connected"]);
    clearInterval(sips);
    equal(await user.reason(), "send-timeout");
  });

  test("is cut without close_notify where it is reset", async () => {
    await using side = await TlsSide.listen(leaf);
    const user = new Listening();
    const connection = dial(side.side, {}, user);
    await user.heard("connected");
    const socket = await side.socket(0);
    let ends = 0;
    socket.on("end", () => ends++);
    connection.writeLatin1("half");
    connection.reset();
    socket.resume();
    await eventually("it is gone", 5000, () => ends > 0 || socket.destroyed);
    equal(pool.size, 0);
  });

  test("says the name in its handshake only when told to, and never an address", async () => {
    await using side = await TlsSide.listen(leaf);
    await outcome(side, {});
    await outcome(side, { serverName: true });
    await outcome(side, { serverName: true, name: "127.0.0.1" });
    await side.socket(2);
    deepEqual(side.secured.map(({ servername }) => servername), [false, "app.test", false]);
  });

  test("checks who the peer is only when told to", async () => {
    await using side = await TlsSide.listen(leaf);
    const trustedCertificate = root.certificate;
    equal(await outcome(side, { trustedCertificate: other.certificate }), "connected");
    equal(await outcome(side, { verify: true, trustedCertificate }), "connected");
    match(
      await outcome(side, { verify: true, trustedCertificate: other.certificate }),
      /^verify unable to (?:verify the first certificate|get local issuer certificate)/,
    );
    equal(
      await outcome(side, { verify: true, trustedCertificate, name: "else.test" }),
      'verify certificate does not match "else.test"',
    );
  });

  test("bounds the length of the peer's chain", async () => {
    await using side = await TlsSide.listen(deepLeaf);
    const parts = { verify: true, trustedCertificate: root.certificate, name: "deep.test" };
    equal(await outcome(side, { ...parts, verifyDepth: 1 }), "connected");
    equal(await outcome(side, { ...parts, verifyDepth: 0 }), "verify 22:certificate chain too long");
  });

  test("shows its own certificate, whose key may have a passphrase", async () => {
    const mine = root.sign("client.test");
    const key = join(directory, "locked.key"), passwordFile = join(directory, "words");
    const lock = ["ec", "-in", mine.key, "-aes256", "-passout", "pass:right", "-out", key];
    execFileSync("openssl", lock, { stdio: "pipe" });
    writeFileSync(passwordFile, "wrong\nright\n");
    const ca = readFileSync(root.certificate);
    const more: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca, maxVersion: "TLSv1.2" };
    await using side = await TlsSide.listen(leaf, more);
    equal(await outcome(side, { certificate: mine.certificate, certificateKey: key, passwordFile }), "connected");
    match(await outcome(side, {}), /^(?:SSL_do_handshake\(\)|recv\(\)|verify) /);
    match(
      await outcome(side, { certificate: mine.certificate, certificateKey: key }),
      /^SSL_CTX /,
      "no passphrase opens the key",
    );
  });

  test("fails with a sentence where a file is missing", async () => {
    await using side = await TlsSide.listen(leaf);
    const trustedCertificate = join(directory, "nothing.pem");
    equal(
      await outcome(side, { verify: true, trustedCertificate }),
      `SSL_CTX cannot load "${trustedCertificate}": 2: No such file or directory`,
    );
    equal(
      await outcome(side, { verify: true, trustedCertificate: root.certificate, crl: trustedCertificate }),
      `SSL_CTX cannot load "${trustedCertificate}": 2: No such file or directory`,
    );
    equal(side.side.sockets.length, 0, "nothing was connected");
  });

  test("reads nothing about trust where nobody checks who the peer is", async () => {
    await using side = await TlsSide.listen(leaf);
    const missing = join(directory, "nothing.pem");
    equal(await outcome(side, { trustedCertificate: missing, crl: missing }), "connected");
  });

  test("trusts no authority that it was not told", async () => {
    await using side = await TlsSide.listen(leaf);
    match(await outcome(side, { verify: true }), /^verify unable to/);
  });

  test("speaks only the versions that it was told", async () => {
    await using side = await TlsSide.listen(leaf, { maxVersion: "TLSv1.2" });
    match(await outcome(side, { protocols: ["TLSv1.3"] }), /^SSL_do_handshake\(\) .*protocol version/);
    equal(await outcome(side, { protocols: ["TLSv1.2"] }), "connected");
    equal((await side.socket(0)).getProtocol(), "TLSv1.2");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`resumes ${version} sessions of the same peer and settings, unless told not to`, async () => {
      await using side = await TlsSide.listen(leaf, { minVersion: version, maxVersion: version });
      const reused = async (parts: Partial<TlsClientParts>): Promise<boolean> => {
        const user = new Listening();
        const index = side.secured.length;
        const connection = dial(side.side, parts, user);
        await user.heard("connected");
        const socket = await side.socket(index);
        // Tickets come before it.
        socket.write("ticket");
        await user.read("ticket");
        connection.close();
        return socket.isSessionReused();
      };
      equal(await reused({}), false);
      equal(await reused({}), true);
      equal(await reused({ name: "else.test" }), false);
      equal(await reused({ sessionReuse: false }), false);
      equal(await reused({ sessionReuse: false }), false);
    });

    test(`takes no FIN for the end of a ${version} stream without close_notify`, async () => {
      await using side = await TlsSide.listen(leaf, { minVersion: version, maxVersion: version });
      for (const isClean of [true, false]) {
        for (const isPaused of [true, false]) {
          const user = new Listening();
          const index = side.secured.length;
          const connection = dial(side.side, {}, user);
          await user.heard("connected");
          const socket = await side.socket(index);
          if (isPaused) connection.pause();
          socket.write("half of it");
          if (isClean) socket.end();
          await eventually("it is written", 5000, () => socket.writableLength === 0);
          if (!isClean) cutUnderneath(socket);
          if (isPaused) connection.resume();
          if (isClean) await user.heard("end");
          else equal(await user.reason(), "SSL_read() unexpected eof while reading");
          equal(user.text, "half of it");
          connection.close();
        }
      }
    });
  }

  test("is bounded by the connect timeout until its handshake is done, and tells who left it", async () => {
    await using silent = await Peerside.listen({ host: "127.0.0.1", port: 0 }, createTcpServer());
    const user = new Listening();
    const tls = tlsClientSettings(PLAIN);
    pool.connect({}, tcpPeer(silent.port), KEEPALIVE, { ...DIAL, connectTimeoutMs: 300, tls }, user);
    equal(await user.reason(), "connect-timeout");
    const left = new Listening();
    dial(silent, {}, left);
    (await silent.socket(1)).end();
    equal(await left.reason(), "SSL_do_handshake() peer closed connection in SSL handshake");
    const garbage = new Listening();
    dial(silent, {}, garbage);
    (await silent.socket(2)).end("HTTP/1.1 400 Bad Request\r\n\r\n");
    match(await garbage.reason(), /^SSL_do_handshake\(\) .*(?:packet length|wrong version number)/);
  });
});

/** Closes the TCP connection of a TLS socket with nothing but FIN. */
function cutUnderneath(socket: TLSSocket): void {
  const handle: unknown = Reflect.get(socket, "_handle");
  const tcp = Reflect.get(handle as object, "_parent") as { close(): void };
  tcp.close();
}
