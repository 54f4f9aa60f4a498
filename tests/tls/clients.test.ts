// Certificates of clients: who is let in, what variables say of them, and that nothing carries one server's trust over
// to another.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect } from "node:net";
import type { Certificate } from "../support/certificates.ts";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { type Answered, Certificates, ask, pairOf, startTls } from "./site.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());
const server = certificates.sign("shop.test");
const clientsRoot = certificates.authority("clients"), otherRoot = certificates.authority("others");
const middle = certificates.authority("middle", clientsRoot), lowest = certificates.authority("lowest", middle);
const alice = clientsRoot.sign("alice"), mallory = otherRoot.sign("mallory"), revoked = clientsRoot.sign("revoked");
const deep = chained(middle.sign("deep"), middle.certificate);
const deeper = chained(lowest.sign("deeper"), lowest.certificate, middle.certificate);

/** The certificate with those above it. */
function chained(leaf: Certificate, ...above: readonly string[]): Certificate {
  const certificate = leaf.certificate.replace(".crt", ".chain");
  writeFileSync(certificate, [leaf.certificate, ...above].map((path) => readFileSync(path, "utf8")).join(""));
  return { certificate, key: leaf.key };
}

function shown(who: Certificate | undefined): { cert?: Buffer; key?: Buffer } {
  return who === undefined ? {} : { cert: readFileSync(who.certificate), key: readFileSync(who.key) };
}

/** A list that revokes one certificate. */
function crlOf(issuer: Certificate, gone: Certificate): string {
  const directory = join(certificates.directory, "ca");
  mkdirSync(directory);
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  file("index.txt", "");
  file("crlnumber", "01\n");
  const settings = file("ca.cnf", `[ca]\ndefault_ca=own\n[own]\ndatabase=${directory}/index.txt\n`
    + `crlnumber=${directory}/crlnumber\ndefault_md=sha256\ndefault_crl_days=2\n`);
  const common = ["ca", "-config", settings, "-cert", issuer.certificate, "-keyfile", issuer.key];
  execFileSync("openssl", [...common, "-revoke", gone.certificate], { stdio: "pipe" });
  const path = join(directory, "list.pem");
  execFileSync("openssl", [...common, "-gencrl", "-out", path], { stdio: "pipe" });
  return path;
}

describe("a server that asks clients for certificates", () => {
  let program: Program;
  before(async () => {
    const said = 'return 200 "$ssl_client_verify $ssl_client_s_dn"';
    const listen = "listen 127.0.0.1:%PORT% ssl; ssl_client_certificate";
    const own = clientsRoot.certificate;
    program = await startTls(`
      ${pairOf(server)}
      server { listen 127.0.0.1:%PORT% ssl; server_name open.test; ${said}; }
      server {
        server_name on.test; ssl_verify_client on; ${listen} ${own}; location / { ${said}; }
        location /late { error_page 495 496 =200 /why; } location /why { return 200 "why"; }
      }
      server {
        server_name pages.test; ssl_verify_client on; ${listen} ${own};
        error_page 495 =403 /bad; error_page 496 =401 /none;
        location /bad { return 403 "bad $ssl_client_verify"; } location /none { return 401 "none"; }
      }
      server { server_name optional.test; ssl_verify_client optional; ${listen} ${own}; ${said}; }
      server { server_name any.test; ssl_verify_client optional_no_ca; ${listen} ${own}; ${said}; }
      server { server_name other.test; ssl_verify_client on; ${listen} ${otherRoot.certificate}; ${said}; }
      server { server_name same.test; ssl_verify_client on; ${listen} ${own}; ${said}; }
      server { server_name deep.test; ssl_verify_client on; ssl_verify_depth 2; ${listen} ${own}; ${said}; }
      server { server_name flat.test; ssl_verify_client on; ssl_verify_depth 0; ${listen} ${own}; ${said}; }
      server {
        server_name crl.test; ssl_verify_client on; ssl_crl ${crlOf(clientsRoot, revoked)}; ${listen} ${own}; ${said};
      }
      server {
        server_name trusted.test; ssl_verify_client on; ssl_trusted_certificate ${own};
        listen 127.0.0.1:%PORT% ssl; ${said};
      }
    `);
  });
  after(() => program.stop());

  const as = (who: Certificate | undefined, name: string, host: string = name, target: string = "/"):
    Promise<Answered> => ask({ port: program.port, servername: name, host, target, ...shown(who) });
  const outcome = async (...said: Parameters<typeof as>): Promise<string> => {
    const { status, body } = await as(...said);
    return status === 200 ? body : String(status);
  };

  test("lets in who has one that is trusted, and nobody else", async () => {
    for (const name of ["on.test", "trusted.test", "same.test"]) {
      assert.equal(await outcome(alice, name), "SUCCESS CN=alice", name);
      assert.equal(await outcome(mallory, name), "400", name);
      assert.equal(await outcome(undefined, name), "400", name);
    }
    assert.equal(await outcome(mallory, "other.test"), "SUCCESS CN=mallory");
    assert.equal(await outcome(undefined, "open.test"), "NONE ");
  });

  test("may be content with none, or with one of anybody", async () => {
    assert.equal(await outcome(undefined, "optional.test"), "NONE ");
    assert.equal(await outcome(alice, "optional.test"), "SUCCESS CN=alice");
    assert.equal(await outcome(mallory, "optional.test"), "400");
    assert.equal(await outcome(undefined, "any.test"), "NONE ");
    assert.equal(await outcome(alice, "any.test"), "SUCCESS CN=alice");
    assert.equal(await outcome(mallory, "any.test"), "FAILED:unable to verify the first certificate CN=mallory");
  });

  test("shows pages for 495 and 496", async () => {
    const bad = await as(mallory, "pages.test"), none = await as(undefined, "pages.test");
    assert.deepEqual([bad.status, bad.body], [403, "bad FAILED:unable to verify the first certificate"]);
    assert.deepEqual([none.status, none.body], [401, "none"]);
    assert.match((await as(undefined, "on.test")).text, /\r\nConnection: close\r\n/);
  });

  test("bounds how long a chain may be", async () => {
    assert.equal(await outcome(deep, "on.test"), "SUCCESS CN=deep");
    assert.equal(await outcome(deeper, "on.test"), "400");
    assert.equal(await outcome(deeper, "deep.test"), "SUCCESS CN=deeper");
    assert.equal(await outcome(alice, "flat.test"), "SUCCESS CN=alice");
    assert.equal(await outcome(deep, "flat.test"), "400");
  });

  test("refuses what was revoked", async () => {
    assert.equal(await outcome(alice, "crl.test"), "SUCCESS CN=alice");
    assert.equal(await outcome(revoked, "crl.test"), "400");
    assert.equal(await outcome(revoked, "on.test"), "SUCCESS CN=revoked");
  });

  test("is not reached by way of another server's handshake: 421", async () => {
    const names = ["open.test", "on.test", "same.test", "optional.test", "other.test", "deep.test"];
    for (const name of names) {
      for (const host of names) {
        const isSame = name === host || host === "open.test" || [name, host].every((one) => /^(on|same)/.test(one));
        const who = name === "other.test" ? mallory : alice;
        const { status } = await as(who, name, host);
        assert.equal(status, isSame ? 200 : 421, `${host} by way of ${name}`);
      }
    }
    // Without SNI the default server's rules have counted.
    const { status } = await ask({ port: program.port, host: "on.test", ...shown(alice) });
    assert.equal(status, 421);
  });

  test("resumes no session, and takes no other server's", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const sessions: Buffer[] = [];
      const keep = { maxVersion, onSession: (session: Buffer) => sessions.push(session) };
      for (const servername of ["on.test", "open.test"]) {
        await ask({ port: program.port, servername, host: servername, ...shown(alice), ...keep });
      }
      for (const session of sessions) {
        for (const servername of ["on.test", "same.test", "other.test", "optional.test"]) {
          const { isReused, status } = await ask({
            port: program.port, servername, host: servername, session, maxVersion,
          });
          assert.equal(isReused, false, `${servername} ${maxVersion}`);
          assert.equal(status, servername === "optional.test" ? 200 : 400);
        }
      }
    }
  });
});

test("variables say of a certificate what nginx says", async () => {
  const names = ["s_dn", "i_dn", "s_dn_legacy", "i_dn_legacy", "serial", "fingerprint", "v_start", "v_end",
    "verify", "escaped_cert"].map((name) => `ssl_client_${name}`).concat("ssl_protocol", "ssl_cipher",
    "ssl_server_name", "ssl_session_reused", "ssl_curves", "ssl_early_data", "https", "scheme");
  const odd = oddCertificate();
  const block = (port: number): string => `
    server {
      listen 127.0.0.1:${port} ssl; ${pairOf(server)} ssl_protocols TLSv1.2 TLSv1.3;
      ssl_verify_client optional_no_ca; ssl_client_certificate ${clientsRoot.certificate};
      return 200 "${names.map((name) => `${name}=$${name}`).join("\n")}";
    }`;
  const port = await freePort();
  const folder = join(certificates.directory, "nginx");
  mkdirSync(folder);
  const conf = join(folder, "nginx.conf");
  writeFileSync(conf, `pid ${folder}/pid; error_log ${folder}/error.log; events { } http { access_log off; ${
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")
  } ${block(port)} }`);
  const nginx = spawn("/usr/sbin/nginx", ["-c", conf, "-g", "daemon off; master_process off;"], { stdio: "ignore" });
  const program = await startTls(block(0).replace(":0", ":%PORT%"));
  try {
    await eventually("nginx listens", 10_000, () => new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    }));
    for (const who of [alice, odd, undefined]) {
      // Of groups that this nginx's OpenSSL knows no names for, ours does.
      const parts = { servername: "shop.test", ecdhCurve: "X25519:P-256", ...shown(who) };
      const ours = await ask({ port: program.port, ...parts }), theirs = await ask({ port, ...parts });
      assert.equal(theirs.status, 200);
      assert.deepEqual(ours.body.split("\n"), theirs.body.split("\n"));
    }
  } finally {
    nginx.kill();
    await program.stop();
  }
});

/** One whose names need escapes. */
function oddCertificate(): Certificate {
  const certificate = join(certificates.directory, "odd.crt"), key = join(certificates.directory, "odd.key");
  const subject = "/C=DE/O=A, B + C=\"D\";<E>#\\\\/OU= Ünit /CN=#x/emailAddress=a@b.test";
  execFileSync("openssl", ["req", "-x509", "-days", "2", "-utf8", "-subj", subject, "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate], { stdio: "pipe" });
  return { certificate, key };
}
