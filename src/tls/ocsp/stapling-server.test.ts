import { equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createSecureContext, type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { type Issued, OcspAuthority } from "../../../tests/support/ocsp-authority.ts";
import { Stapler } from "./stapler.ts";
import { shownCertificate, staplingServer } from "./stapling-server.ts";

const directory = mkdtempSync(join(tmpdir(), "ocsp-stapling-"));
after(() => rmSync(directory, { recursive: true }));

const authority = new OcspAuthority(directory, "authority");
const ecdsa = authority.issue("ecdsa");
const rsa = authority.issue("rsa", { newKey: ["-newkey", "rsa:2048"] });
const staples = new Map([ecdsa, rsa].map(({ certificate }) => [
  read(certificate).serialNumber, authority.respond(certificate),
]));
const contexts = { ecdsa: contextOf(ecdsa), rsa: contextOf(rsa), both: contextOf(rsa, ecdsa) };

describe("the staples of a real responder", () => {
  test("reach a client that asks for them", async () => {
    await using responder = await authority.listen();
    const notices: string[] = [];
    const stapler = new Stapler({ notice: (_level, text) => void notices.push(text) });
    const chain = [ecdsa, authority].map(({ certificate }) => readFileSync(certificate, "latin1"));
    const handle = stapler.add({
      name: "ecdsa.crt", chain, trusted: [], responder: responder.url, verify: true, file: undefined,
    });
    await stapler.settled();
    stapler.close();
    equal(notices.join("\n"), "");
    await using side = await TlsSide.listen(contexts.ecdsa, () => handle.staple());
    const said = await side.ask("-status", "-verify_return_error");
    match(said, /OCSP Response Status: successful[^]*Cert Status: good[^]*Verify return code: 0 \(ok\)/);
    match(said, new RegExp(`Serial Number: ${ecdsa.serial.toString(16)}`));
  });

  test("are those of a delegate, where there is one", async () => {
    const delegate = authority.issue("delegate", { extensions: ["extendedKeyUsage=OCSPSigning"] });
    await using responder = await authority.listen(delegate);
    const stapler = new Stapler({ notice: (_level, text) => equal(text, "") });
    const chain = [rsa, authority].map(({ certificate }) => readFileSync(certificate, "latin1"));
    const handle = stapler.add({
      name: "rsa.crt", chain, trusted: [], responder: responder.url, verify: true, file: undefined,
    });
    await stapler.settled();
    stapler.close();
    await using side = await TlsSide.listen(contexts.rsa, () => handle.staple());
    match(await side.ask("-status"), /Responder Id: CN ?= ?delegate[^]*Cert Status: good/);
  });
});

describe("a handshake", () => {
  for (const version of ["-tls1_2", "-tls1_3"]) {
    test(`of ${version} carries the staple, or none`, async () => {
      let staple = staples.get(read(ecdsa.certificate).serialNumber);
      await using side = await TlsSide.listen(contexts.ecdsa, () => staple);
      match(await side.ask("-status", version), /Cert Status: good/);
      staple = undefined;
      match(await side.ask("-status", version), /OCSP response: no response sent/);
    });
  }

  test("of a client that does not want one asks for none", async () => {
    let asked = 0;
    await using side = await TlsSide.listen(contexts.ecdsa, () => void (asked += 1));
    match(await side.ask("-verify_return_error"), /Verify return code: 0 \(ok\)/);
    equal(asked, 0);
  });

  test("carries the staple to the context that SNI has chosen", async () => {
    const options: TLSSocketOptions = { SNICallback: (_name, done) => done(null, contexts.rsa) };
    const staple = staples.get(read(rsa.certificate).serialNumber);
    await using side = await TlsSide.listen(contexts.ecdsa, () => staple, options);
    const said = await side.ask("-status", "-servername", "some.test");
    match(said, /subject=CN ?= ?rsa/);
    match(said, /Cert Status: good/);
  });
});

describe("with two certificates the staple is of the one that is shown", () => {
  const all = [rsa, ecdsa].map(({ certificate }) => read(certificate));
  const stapleFor = (socket: TLSSocket): Uint8Array | undefined =>
    staples.get(shownCertificate(socket, all)?.serialNumber ?? "");

  for (const [shown, args] of [
    [ecdsa, ["-tls1_3"]],
    [ecdsa, ["-tls1_3", "-sigalgs", "ECDSA+SHA384:ECDSA+SHA256:RSA-PSS+SHA256"]],
    [rsa, ["-tls1_3", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256:ECDSA+SHA256"]],
    // Of ECDSA's algorithms only that of another curve.
    [rsa, ["-tls1_3", "-sigalgs", "ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256"]],
    [ecdsa, ["-tls1_2", "-sigalgs", "ECDSA+SHA256"]],
    [rsa, ["-tls1_2", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]],
  ] as const) {
    test(args.join(" "), async () => {
      await using side = await TlsSide.listen(contexts.both, stapleFor);
      const said = await side.ask("-status", ...args);
      match(said, new RegExp(`subject=CN ?= ?${shown === rsa ? "rsa" : "ecdsa"}`));
      match(said, new RegExp(`Serial Number: ${shown.serial.toString(16)}[^]*Cert Status: good`));
    });
  }

  test("and none where TLS 1.2 leaves it open", async () => {
    await using side = await TlsSide.listen(contexts.both, stapleFor);
    match(await side.ask("-status", "-tls1_2"), /OCSP response: no response sent/);
  });
});

/** A server that makes TLSSockets of its connections itself, as the edge does. */
class TlsSide implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(
    secureContext: SecureContext, staple: (socket: TLSSocket) => Uint8Array | undefined, options: TLSSocketOptions = {},
  ): Promise<TlsSide> {
    const server = createServer((connection) => {
      const stapling = staplingServer(secureContext, () => staple(socket));
      const socket = new TLSSocket(connection, { isServer: true, secureContext, server: stapling, ...options });
      socket.on("error", () => socket.destroy());
      socket.on("secure", () => socket.end("hello"));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return new TlsSide(server);
  }

  /** What `openssl s_client` says of a connection. */
  async ask(...args: readonly string[]): Promise<string> {
    const { port } = this.#server.address() as AddressInfo;
    const all = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", authority.certificate, ...args];
    return new Promise((resolve) => {
      execFile("openssl", all, (_error, stdout, stderr) => resolve(stdout + stderr)).stdin?.end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function contextOf(...issued: readonly Issued[]): SecureContext {
  return createSecureContext({
    cert: issued.map(({ certificate }) => readFileSync(certificate)), key: issued.map(({ key }) => readFileSync(key)),
  });
}

function read(path: string): X509Certificate {
  return new X509Certificate(readFileSync(path));
}
