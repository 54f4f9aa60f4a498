// What is said of certificates and other files of TLS that are of no use: nginx's words, and where it stands.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { root } from "../../tools/venv.ts";
import { Certificates } from "./site.ts";

describe("a configuration of TLS", () => {
  const certificates = new Certificates();
  after(() => certificates[Symbol.dispose]());
  const pair = certificates.sign("a.test"), other = certificates.sign("b.test");
  const file = (name: string, text: string): string => {
    const path = join(certificates.directory, name);
    writeFileSync(path, text);
    return path;
  };

  /** What `-t` says of a server with this in it: nginx's line, and that with the place. */
  function check(server: string): readonly string[] {
    const path = file("tricorn.conf", `events { } http { server {\n listen 127.0.0.1:1 ssl;\n ${server}\n} }\n`);
    const words = ["-t", "-c", path, "-p", certificates.directory];
    const { stderr } = spawnSync(join(root, "bin/tricorn"), words, { encoding: "utf8" });
    return stderr.replaceAll(`${certificates.directory}/`, "").split("\n");
  }
  const good = `ssl_certificate ${pair.certificate}; ssl_certificate_key ${pair.key};`;

  test("that is of use is accepted", () => {
    assert.match(check(good).join("\n"), /test is successful/);
    assert.match(check("ssl_reject_handshake on;").join("\n"), /test is successful/);
    assert.match(check(`ssl_conf_command Options PrioritizeChaCha,-SessionTicket; ssl_conf_command MinProtocol TLSv1.3;
      ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_dhparam ${file("dh.pem", dhparam)};
      ssl_conf_command SignatureAlgorithms ECDSA+SHA256; ssl_ecdh_curve X25519:prime256v1; ${good}`).join("\n"),
    /test is successful/);
  });

  const missing = "error:80000002:system library::No such file or directory:calling fopen";
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["no certificate", "", /no "ssl_certificate" is defined for the "listen \.\.\. ssl" directive in .*:1$/m],
    ["no key", `ssl_certificate ${pair.certificate};`,
      /no "ssl_certificate_key" is defined for certificate "a\.test\.crt"$/m],
    ["a certificate that is not there", `ssl_certificate no.crt; ssl_certificate_key ${pair.key};`,
      new RegExp(`cannot load certificate "no\\.crt": BIO_new_file\\(\\) failed \\(SSL: ${missing}`)],
    ["a key that is not there", `ssl_certificate ${pair.certificate}; ssl_certificate_key no.key;`,
      new RegExp(`cannot load certificate key "no\\.key": BIO_new_file\\(\\) failed \\(SSL: ${missing}`)],
    ["a key of another certificate", `ssl_certificate ${pair.certificate}; ssl_certificate_key ${other.key};`,
      /SSL_CTX_use_PrivateKey\("b\.test\.key"\) failed \(SSL: .*key values mismatch\)/],
    ["what is no certificate", `ssl_certificate ${pair.key}; ssl_certificate_key ${pair.key};`,
      /cannot load certificate "a\.test\.key": PEM_read_bio_X509_AUX\(\) failed \(SSL: .*no start line/],
    ["no ciphers", `ssl_ciphers nonsense; ${good}`,
      /SSL_CTX_set_cipher_list\("nonsense"\) failed \(SSL: .*no cipher match\)/],
    ["no curve", `ssl_ecdh_curve bogus; ${good}`, /SSL_CTX_set1_curves_list\("bogus"\) failed/],
    ["nobody to trust", `ssl_verify_client on; ${good}`, /no ssl_client_certificate for ssl_verify_client/],
    ["a ticket key of a wrong size", `ssl_session_ticket_key ${file("short", "x".repeat(47))}; ${good}`,
      /"short" must be 48 or 80 bytes/],
    ["variables", `ssl_certificate $ssl_server_name.crt; ssl_certificate_key ${pair.key};`,
      /variables are not supported/],
    ["an unknown command", `ssl_conf_command Sausage x; ${good}`, /SSL_CONF_cmd\("Sausage", "x"\) failed/],
    ["an unknown option", `ssl_conf_command Options Sausage; ${good}`, /SSL_CONF_cmd\("Options", "Sausage"\) failed/],
    ["an unknown version", `ssl_protocols TLSv1.4; ${good}`, /invalid value "TLSv1\.4"/],
    ["early data", `ssl_early_data on; ${good}`, /"ssl_early_data" is not supported/],
    ["a cache that is too small", `ssl_session_cache shared:a:1k; ${good}`, /session cache "shared:a:1k" is too small/],
  ];
  for (const [what, server, expected] of cases) {
    test(`with ${what} is refused`, () => {
      const lines = check(server);
      assert.match(lines.join("\n"), expected);
      assert.match(lines.join("\n"), /^tricorn\.conf:[23]:\d+: error: /m);
    });
  }

  test("says when a certificate is over, and is accepted", () => {
    const { certificate, key } = expired(certificates.directory);
    const said = check(`ssl_certificate ${certificate}; ssl_certificate_key ${key};`).join("\n");
    assert.match(said, /certificate ".*old\.crt" has expired: /);
    assert.match(said, /test is successful/);
  });

  test("never shows a key", () => {
    const lines = readFileSync(pair.key, "utf8").trim().split("\n");
    const broken = [lines[0], ...lines.slice(2)].join("\n");
    const said = check(`ssl_certificate ${pair.certificate}; ssl_certificate_key "data:${broken}";`).join("\n");
    assert.match(said, /cannot load certificate key "data:\.\.\."/);
    for (const line of lines.slice(2, -1)) assert.ok(!said.includes(line), said);
  });
});

/** A certificate of yesterday. */
function expired(directory: string): { readonly certificate: string; readonly key: string } {
  const certificate = join(directory, "old.crt"), key = join(directory, "old.key");
  execFileSync("openssl", ["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key], { stdio: "pipe" });
  const request = join(directory, "old.csr"), settings = join(directory, "old.cnf");
  writeFileSync(join(directory, "old.txt"), "");
  writeFileSync(settings, `[ca]\ndefault_ca=own\n[own]\ndatabase=${directory}/old.txt\nnew_certs_dir=${directory}\n`
    + "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n");
  execFileSync("openssl", ["req", "-new", "-subj", "/CN=old", "-key", key, "-out", request], { stdio: "pipe" });
  execFileSync("openssl", ["ca", "-batch", "-config", settings, "-selfsign", "-keyfile", key, "-in", request, "-out",
    certificate, "-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-notext"], { stdio: "pipe" });
  return { certificate, key };
}

/** RFC 7919's ffdhe2048, as OpenSSL writes it. */
const dhparam = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`;
