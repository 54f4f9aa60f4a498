import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { permittedOn } from "./names.ts";
import { makeAuthority } from "./signed-certificate.ts";
import { isTrusted, quoted, trustHints, trustStoreOf } from "./trust-hints.ts";
import type { TrustStore } from "./trust-hints.ts";

describe("the hints how to trust an authority", () => {
  const stores: readonly (readonly [string, string, TrustStore])[] = [
    ["linux", 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', "ca-certificates"],
    ["linux", "ID=ubuntu\nID_LIKE=debian\n", "ca-certificates"],
    ["linux", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', "ca-certificates"],
    ["linux", "ID=alpine\n", "ca-certificates"],
    ["linux", "ID=fedora\n", "p11-kit"],
    ["linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "p11-kit"],
    ["linux", "ID=arch\n", "p11-kit"],
    ["linux", 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "p11-kit"],
    ["linux", "ID=nixos\n", "unknown"],
    ["linux", "", "unknown"],
    ["darwin", "", "macos"],
  ];
  for (const [platform, osRelease, store] of stores) {
    test(`are of ${store} on ${/ID=(.*)/.exec(osRelease)?.[1] ?? platform}`, () =>
      assert.equal(trustStoreOf(platform, osRelease), store));
  }

  const authorityPath = "/home/ada/.local/share/tricorn/authority/ca.pem";
  let place: { readonly authorityPath: string; readonly certificate: string; readonly isRoot: boolean };
  let name: string;

  before(async () => {
    const { root } = await makeAuthority("ada@laptop", permittedOn("laptop"), Date.now());
    place = { authorityPath, certificate: root, isRoot: false };
    name = `tricorn-${createHash("sha256").update(new X509Certificate(root).raw).digest("hex").slice(0, 8)}`;
  });

  test("are the system's command, the browsers' and the environment", () => {
    assert.deepEqual(trustHints({ ...place, store: "ca-certificates" }), [
      "To trust the certificates of this server, once:",
      "  curl, Python and other programs of this machine:",
      `      sudo cp ${authorityPath} /usr/local/share/ca-certificates/tricorn.crt && sudo update-ca-certificates`,
      "  Chromium and Chrome (certutil is in libnss3-tools or nss-tools):",
      `      mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ${name} -i ${authorityPath}`,
      "  Firefox: Settings, Certificates, View Certificates, Authorities, Import:",
      `      ${authorityPath}`,
      "  or one program only, by its environment (curl and Python, requests, Node):",
      `      SSL_CERT_FILE=${authorityPath}`,
      `      REQUESTS_CA_BUNDLE=${authorityPath}`,
      `      NODE_EXTRA_CA_CERTS=${authorityPath}`,
    ]);
  });

  const commands: readonly (readonly [TrustStore, RegExp])[] = [
    ["p11-kit", /^ {6}sudo trust anchor --store \S+ca\.pem$/m],
    ["macos", /^ {6}sudo security add-trusted-cert -d -r trustRoot -k \S+System\.keychain \S+ca\.pem$/m],
    ["unknown", /^ {6}mkdir .* certutil /m],
  ];
  for (const [store, command] of commands) {
    test(`name the command of ${store}`, () => assert.match(trustHints({ ...place, store }).join("\n"), command));
  }

  test("do without sudo for root, and quote what a shell would not take as it is", () => {
    const elsewhere = { ...place, authorityPath: "/it's here/ca.pem" };
    const [, , line = ""] = trustHints({ ...elsewhere, store: "p11-kit", isRoot: true });
    assert.equal(line, "      trust anchor --store '/it'\\''s here/ca.pem'");
    const words = ["/a b/$HOME`x`\"", "'", "~/x", "", "/plain/ca.pem"];
    for (const word of words) assert.equal(String(execFileSync("sh", ["-c", `printf %s ${quoted(word)}`])), word);
  });
});

describe("whether the system trusts an authority", () => {
  let folder: string;
  const certificate = "-----BEGIN CERTIFICATE-----\nAAAABBBB\nCCCC\n-----END CERTIFICATE-----\n";

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tricorn-trust-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function listed(text: string): readonly string[] {
    const path = join(folder, "bundle.pem");
    writeFileSync(path, text);
    return [join(folder, "of-another-system.pem"), path];
  }

  test("is whether its list has the certificate, wherever lines are broken", () => {
    const other = certificate.replace("AAAA", "DDDD");
    assert.equal(isTrusted(certificate, listed(`# a\n${other}${certificate}`)), true);
    assert.equal(isTrusted(certificate, listed(certificate.replace("AAAA", "AAAA\r\n"))), true);
    assert.equal(isTrusted(certificate, listed(other)), false);
    assert.equal(isTrusted(certificate, listed("")), false);
  });

  test("is unknown where there is no list", () => {
    assert.equal(isTrusted(certificate, [join(folder, "none")]), undefined);
  });
});
