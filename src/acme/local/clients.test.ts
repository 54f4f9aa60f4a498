// What clients make of the authority, once they trust it: the certificate is good for what it is for, and one for
// somebody else's site is refused, though the same authority signed it.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSecureContext } from "node:tls";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";
import { findProgram, requireProgram } from "../../../tools/needs.ts";
import { localCertificate } from "./local-certificate.ts";
import type { LocalCertificate } from "./local-certificate.ts";
import { thisMachine } from "./machine.ts";
import { makeServerCertificate } from "./signed-certificate.ts";

const run = promisify(execFile);
/** Somebody else's site; nothing is sent there. */
const FOREIGN = "shop.example.org";
const FOREIGN_ADDRESS = "192.0.2.1";

/** What the certificate is for. */
const hosts = ["localhost", "127.0.0.1", "shop.test", "shop.localhost"] as const;

const browserNames = ["chromium", "chromium-browser", "google-chrome"] as const;
const skipBrowser = requireProgram(browserNames, "apt-get install -y chromium") ||
  requireProgram("certutil", "apt-get install -y libnss3-tools");

describe("whoever trusts the local authority", () => {
  let folder: string;
  let server: Server;
  let port: number;
  let made: LocalCertificate;
  let foreignPath: string;
  let signerPath: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tricorn-clients-"));
    const names = ["shop.test", "shop.localhost"];
    // Of a system without a list of its own, so that there are hints for browsers.
    const machine = { ...thisMachine(), platform: "linux", osRelease: "" };
    const outcome = await localCertificate({ names, addresses: [], folder: join(folder, "authority"), machine });
    assert.ok(outcome.ok);
    made = outcome.value;
    signerPath = join(folder, "authority/intermediate.pem");
    const signer = readFileSync(signerPath, "utf8"), at = signer.indexOf("-----BEGIN CERTIFICATE");
    const by = { key: signer.slice(0, at), certificate: signer.slice(at) };
    const foreign = await makeServerCertificate(by, [FOREIGN, FOREIGN_ADDRESS], Date.now());
    foreignPath = join(folder, "foreign.pem");
    writeFileSync(foreignPath, foreign.certificate);
    const foreignContext = createSecureContext({ cert: foreign.certificate + by.certificate, key: foreign.key });
    server = createServer({
      cert: made.certificate, key: made.key,
      SNICallback: (name, callback) => callback(null, name === FOREIGN ? foreignContext : undefined),
    }, (_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("openssl verifies the certificate strictly, and refuses somebody else's name", () => {
    const options = ["-x509_strict", "-purpose", "sslserver", "-CAfile", made.authorityPath, "-untrusted", signerPath];
    const verify = (path: string): string =>
      String(execFileSync("openssl", ["verify", ...options, path], { stdio: "pipe" }));
    assert.match(verify(join(folder, "authority/server.pem")), /: OK/);
    assert.throws(() => verify(foreignPath), /permitted subtree violation/);
  });

  async function curl(host: string): Promise<string> {
    const options = ["--silent", "--show-error", "--noproxy", "*", "--resolve", `${host}:${port}:127.0.0.1`];
    return (await run("curl", [...options, "--cacert", made.authorityPath, `https://${host}:${port}/`])).stdout;
  }

  test("curl gets an answer under each name, and none under somebody else's", async () => {
    for (const host of hosts) assert.equal(await curl(host), "hello", host);
    await assert.rejects(curl(FOREIGN), /permitted subtree violation/);
  });

  test("curl wants each name below localhost written out", async () => {
    // X509_check_host takes no wildcard directly below a top-level domain.
    await assert.rejects(curl("other.localhost"), /no alternative certificate subject name/);
  });

  test("Python's ssl verifies it as strictly as it can, and refuses somebody else's name", async () => {
    const program = [
      "import socket, ssl, sys",
      "port, name, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]",
      "context = ssl.create_default_context(cafile=path)",
      "context.verify_flags |= ssl.VERIFY_X509_STRICT",
      "with context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname=name) as secure:",
      "    print(secure.version())",
    ].join("\n");
    const python = (name: string): Promise<{ readonly stdout: string }> =>
      run("python3", ["-c", program, String(port), name, made.authorityPath]);
    for (const host of hosts) assert.match((await python(host)).stdout, /TLSv1.3/, host);
    await assert.rejects(python(FOREIGN), /permitted subtree violation/);
  });

  test("the environment of the hints is enough for curl, Python and Node", async () => {
    const hints = made.trustHints;
    const variables = hints.flatMap((line) => /^ *([A-Z_]+)=(\S+)$/.exec(line)?.slice(1) ?? []);
    const [name, path, , , nodeName = "", nodePath] = variables;
    assert.deepEqual([name, nodeName], ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]);
    const site = `https://localhost:${port}/`;
    const { CURL_CA_BUNDLE: _, SSL_CERT_DIR: __, ...rest } = process.env;
    const env = { ...rest, SSL_CERT_FILE: path, [nodeName]: nodePath, NO_PROXY: "*", no_proxy: "*" };
    const urlopen = `import urllib.request; print(urllib.request.urlopen("${site}").read().decode(), end="")`;
    const fetching = `process.stdout.write(await (await fetch("${site}")).text())`;
    const programs: readonly (readonly [string, readonly string[]])[] = [
      ["curl", ["--silent", "--show-error", site]], ["python3", ["-c", urlopen]],
      [process.execPath, ["--input-type=module", "-e", fetching]],
    ];
    for (const [program, words] of programs) {
      assert.equal((await run(program, words, { env })).stdout, "hello", program);
    }
  });

  async function inBrowser(steps: (page: Page) => Promise<void>): Promise<void> {
    const env = { ...process.env, HOME: join(folder, "home") };
    const command = made.trustHints.find((line) => line.includes("certutil -d")) ?? "";
    execFileSync("sh", ["-c", command], { env, stdio: "pipe", input: "" });
    const browser = await chromium.launch({
      executablePath: findProgram(...browserNames) ?? "",
      env,
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * 127.0.0.1",
      ],
    });
    try {
      await steps(await browser.newPage());
    } finally {
      await browser.close();
    }
  }

  test("Chromium shows the site without a warning, and nothing under somebody else's name", { skip: skipBrowser }, () =>
    inBrowser(async (page) => {
      for (const host of hosts) {
        await page.goto(`https://${host}:${port}/`);
        assert.equal(await page.textContent("body"), "hello", host);
        assert.equal(await page.evaluate("isSecureContext"), true);
      }
      await assert.rejects(page.goto(`https://other.localhost:${port}/`), /ERR_CERT_COMMON_NAME_INVALID/);
      await assert.rejects(page.goto(`https://${FOREIGN}:${port}/`), /ERR_CERT_(AUTHORITY_)?INVALID/);
    }));
});
