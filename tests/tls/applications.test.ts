// What applications are told of a client's TLS, and the options of gunicorn and uvicorn that they are started with.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { venvPython } from "../../tools/venv.ts";
import { Program, appsDirectory } from "../support/program.ts";
import { type Asked, Certificates, ask, startTls } from "./site.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());
const server = certificates.sign("shop.test");
const clients = certificates.authority("clients");
const alice = clients.sign("alice"), mallory = certificates.authority("others").sign("mallory");
const pem = readFileSync(server.certificate, "utf8");

type Told = Record<string, unknown>;

async function told(asked: Asked): Promise<Told> {
  const { body, status, text } = await ask(asked);
  assert.equal(status, 200, text);
  return JSON.parse(body) as Told;
}

const shown = (who: typeof alice): Partial<Asked> => ({
  cert: readFileSync(who.certificate), key: readFileSync(who.key),
});

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`an application of ${kind.toUpperCase()}`, () => {
    async function start(directives: string): Promise<Program> {
      return startTls(`server {
        listen 127.0.0.1:%PORT% ssl; ssl_certificate ${server.certificate}; ssl_certificate_key ${server.key};
        ${directives} location / { app_pass shop; }
      }`, `app shop { module ${kind}_app:app; python ${venvPython}; chdir ${appsDirectory}; }`);
    }

    test("is told how its connection is encrypted", async () => {
      await using program = await start("");
      const { port } = program;
      const [one, other] = await Promise.all([
        told({ port, target: "/tls", servername: "shop.test", minVersion: "TLSv1.3" }),
        told({ port, target: "/tls", maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
      ]);
      if (kind === "wsgi") {
        assert.deepEqual(one, {
          HTTPS: "on", "wsgi.url_scheme": "https", SSL_PROTOCOL: "TLSv1.3", SSL_CIPHER: one["SSL_CIPHER"],
          SSL_TLS_SNI: "shop.test", SSL_CLIENT_VERIFY: "NONE",
        });
        assert.match(String(one["SSL_CIPHER"]), /^TLS_/);
        assert.deepEqual([other["SSL_PROTOCOL"], other["SSL_CIPHER"], other["SSL_TLS_SNI"]],
          ["TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", ""]);
        return;
      }
      const { tls } = one as { readonly tls: Told };
      assert.equal(one["scheme"], "https");
      assert.equal(String(tls["server_cert"]).trim(), pem.trim());
      const { server_cert: _, cipher_suite: __, ...rest } = tls;
      assert.deepEqual(rest,
        { client_cert_chain: [], client_cert_name: null, client_cert_error: null, tls_version: 0x0304 });
      const old = other["tls"] as Told;
      assert.deepEqual([old["tls_version"], old["cipher_suite"]], [0x0303, 0xc02b]);
    });

    test("is told who its client has shown to be, and never another one's name", async () => {
      await using program = await start(`
        ssl_client_certificate ${clients.certificate}; ssl_verify_client optional_no_ca;
      `);
      const { port } = program;
      const name = (facts: Told): unknown => kind === "wsgi"
        ? [facts["SSL_CLIENT_VERIFY"], facts["SSL_CLIENT_S_DN"] ?? null]
        : [(facts["tls"] as Told)["client_cert_error"], (facts["tls"] as Told)["client_cert_name"]];
      for (let round = 0; round < 3; round++) {
        const asked = [shown(alice), shown(mallory), {}].map((who) => told({ port, target: "/tls", ...who }));
        const [known, stranger, nobody] = await Promise.all(asked);
        assert.ok(known !== undefined && stranger !== undefined && nobody !== undefined);
        assert.deepEqual(name(known), [kind === "wsgi" ? "SUCCESS" : null, "CN=alice"]);
        assert.match(JSON.stringify(name(stranger)), /unable to .*"CN=mallory"\]$/);
        assert.deepEqual(name(nobody), [kind === "wsgi" ? "NONE" : null, null]);
      }
    });
  });
}

describe("options of gunicorn and uvicorn", () => {
  const encrypted = join(certificates.directory, "encrypted.key");
  execFileSync("openssl", ["ec", "-in", server.key, "-aes256", "-passout", "pass:se cret$1", "-out", encrypted], {
    stdio: "pipe",
  });

  test("start an application behind TLS, with an encrypted key and certificates of clients", async () => {
    await using program = await Program.start({
      app: "wsgi_app:app",
      options: [
        "--ssl-certfile", server.certificate, "--ssl-keyfile", encrypted,
        "--ssl-keyfile-password", "se cret$1", "--ca-certs", clients.certificate, "--cert-reqs", "2",
        "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384",
      ],
    });
    const { port } = program;
    assert.match(program.output, /listening +https:/);
    const facts = await told({ port, target: "/tls", maxVersion: "TLSv1.2", ...shown(alice) });
    assert.deepEqual([facts["SSL_CIPHER"], facts["SSL_CLIENT_S_DN"]], ["ECDHE-ECDSA-AES256-GCM-SHA384", "CN=alice"]);
    assert.equal((await ask({ port, target: "/tls" })).status, 400);
  });
});
