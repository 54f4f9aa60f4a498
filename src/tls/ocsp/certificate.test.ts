import { equal } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { OcspAuthority } from "../../../tests/support/ocsp-authority.ts";
import { demandsStaple, findIssuer, findResponder, readCertificates } from "./certificate.ts";

const directory = mkdtempSync(join(tmpdir(), "ocsp-certificate-"));
after(() => rmSync(directory, { recursive: true }));
const authority = new OcspAuthority(directory, "authority");
let count = 0;

describe("the responder", () => {
  test("is the one that the certificate names", () => {
    equal(responderOf("OCSP;URI:http://ocsp.test/a"), "http://ocsp.test/a");
    equal(responderOf("caIssuers;URI:http://ca.test/,OCSP;URI:http://ocsp.test:81/?b"), "http://ocsp.test:81/?b");
    equal(responderOf('OCSP;URI:HTTP://ocsp.test/\\"c'), "http://ocsp.test/%22c");
  });

  test("is the one that the operator names, if any", () => {
    equal(responderOf("OCSP;URI:http://ocsp.test/", "http://mine.test/"), "http://mine.test/");
    equal(responderOf(undefined, "http://mine.test/"), "http://mine.test/");
  });

  test("is nobody in most certificates of today", () => {
    equal(responderOf(undefined), "no OCSP responder URL in the certificate");
    equal(responderOf("caIssuers;URI:http://ca.test/"), "no OCSP responder URL in the certificate");
  });

  test("speaks plain HTTP, and is no URL with a password", () => {
    equal(
      responderOf("OCSP;URI:https://ocsp.test/"),
      'invalid URL prefix in OCSP responder "https://ocsp.test/" in the certificate',
    );
    equal(responderOf(undefined, "ldap://x"), 'invalid URL prefix in OCSP responder "ldap://x"');
    equal(responderOf(undefined, "http://"), 'invalid host in OCSP responder "http://"');
    equal(responderOf(undefined, "http://a:b@x/"), 'invalid host in OCSP responder "http://a:b@x/"');
    equal(responderOf(undefined, "http://x:99999/"), 'invalid host in OCSP responder "http://x:99999/"');
  });
});

describe("the issuer", () => {
  test("is the one whose key has signed, among those of the same name", () => {
    const impostor = new OcspAuthority(mkdtempSync(join(directory, "impostor-")), "authority");
    const leaf = issue([]);
    const mine = read(authority.certificate), other = read(impostor.certificate);
    equal(findIssuer(leaf, [other, leaf, mine]), mine);
    equal(findIssuer(leaf, [other, leaf]), undefined);
  });

  test("is looked for among those that can be read", () => {
    const pem = readFileSync(authority.certificate, "latin1");
    equal(readCertificates(["nothing", pem, ""]).length, 1);
  });
});

describe("a certificate demands a staple", () => {
  test("by the TLS feature extension with status_request", () => {
    equal(demandsStaple(issue(["tlsfeature=status_request"])), true);
    equal(demandsStaple(issue(["tlsfeature=critical,status_request"])), true);
    equal(demandsStaple(issue(["tlsfeature=status_request_v2,status_request"])), true);
  });

  test("and not by another feature, or without any", () => {
    equal(demandsStaple(issue(["tlsfeature=status_request_v2"])), false);
    equal(demandsStaple(issue([])), false);
  });
});

function issue(extensions: readonly string[]): X509Certificate {
  count += 1;
  return read(authority.issue(`leaf-${count}`, { extensions }).certificate);
}

function responderOf(access: string | undefined, named?: string): string {
  const leaf = issue(access === undefined ? [] : [`authorityInfoAccess=${access}`]);
  const found = findResponder(leaf, named);
  return found.ok ? found.value.href : found.error.nginx;
}

function read(path: string): X509Certificate {
  return new X509Certificate(readFileSync(path));
}
