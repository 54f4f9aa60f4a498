import { deepEqual, equal, match } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { OcspAuthority } from "../../../tests/support/ocsp-authority.ts";
import { CLOCK_SKEW_MS, readResponse, type ResponseRules, writeRequest } from "./messages.ts";

const directory = mkdtempSync(join(tmpdir(), "ocsp-messages-"));
after(() => rmSync(directory, { recursive: true }));

const DAY_MS = 86_400_000;
const authority = new OcspAuthority(directory, "authority");
const stranger = new OcspAuthority(directory, "stranger");
const leaf = authority.issue("leaf");
const good = authority.respond(leaf.certificate);

describe("a request", () => {
  test("is what openssl asks with, byte by byte", () => {
    const written = writeRequest({ leaf: read(leaf.certificate), issuer: read(authority.certificate) });
    deepEqual(written, { ok: true, value: authority.request(leaf.certificate) });
  });
});

describe("a response", () => {
  test("says that a certificate is good, and until when", () => {
    const found = readResponse(good, rules());
    if (!found.ok) throw new Error(found.error.nginx);
    const { status, thisUpdateMs, nextUpdateMs = 0 } = found.value;
    equal(status, "good");
    equal(nextUpdateMs - thisUpdateMs, DAY_MS);
    equal(Math.abs(Date.now() - thisUpdateMs) < CLOCK_SKEW_MS, true);
  });

  test("says that a certificate is revoked, or that nobody knows it", () => {
    const gone = authority.issue("gone");
    authority.revoke(gone.serial);
    equal(outcome(authority.respond(gone.certificate), { leaf: read(gone.certificate) }), "revoked");
    authority.forget(gone.serial);
    equal(outcome(authority.respond(gone.certificate), { leaf: read(gone.certificate) }), "unknown");
  });

  test("may name the certificate by another digest, and itself by its key", () => {
    equal(outcome(authority.respond(leaf.certificate, authority, ["-resp_key_id"], ["-sha256"])), "good");
    equal(outcome(authority.respond(leaf.certificate, authority, [], ["-sha512"])), "good");
    equal(
      outcome(authority.respond(leaf.certificate, authority, [], ["-md5"])),
      "certificate status not found in the OCSP response",
    );
  });

  test("must be about this certificate", () => {
    const other = authority.issue("other");
    const missing = "certificate status not found in the OCSP response";
    equal(outcome(good, { leaf: read(other.certificate) }), missing);
    // The same serial number, of another issuer.
    const namesake = stranger.issue("namesake");
    equal(namesake.serial, leaf.serial);
    equal(outcome(stranger.respond(namesake.certificate), { issuer: read(stranger.certificate) }), missing);
  });

  test("counts within five minutes of its time, as nginx has it", () => {
    const found = readResponse(good, rules());
    const { thisUpdateMs, nextUpdateMs = 0 } = found.ok ? found.value : { thisUpdateMs: 0 };
    equal(outcome(good, { nowMs: nextUpdateMs + CLOCK_SKEW_MS }), "good");
    equal(outcome(good, { nowMs: nextUpdateMs + CLOCK_SKEW_MS + 1 }), "OCSP_check_validity() failed (status expired)");
    equal(outcome(good, { nowMs: thisUpdateMs - CLOCK_SKEW_MS }), "good");
    equal(
      outcome(good, { nowMs: thisUpdateMs - CLOCK_SKEW_MS - 1 }), "OCSP_check_validity() failed (status not yet valid)",
    );
  });

  test("that is no answer says why", () => {
    equal(outcome(Buffer.of(0x30, 3, 0x0a, 1, 6)), "OCSP response not successful (6: unauthorized)");
    equal(outcome(Buffer.of(0x30, 3, 0x0a, 1, 3)), "OCSP response not successful (3: trylater)");
    equal(outcome(Buffer.of(0x30, 3, 0x0a, 1, 9)), "OCSP response not successful (9: (UNKNOWN))");
    equal(outcome(Buffer.of(0x30, 3, 0x0a, 1, 0)), "OCSP_response_get1_basic() failed");
    const indefinite = Buffer.of(0x30, 0x80, 0, 0), cut = Buffer.of(0x30, 0x84, 1);
    for (const bytes of [Buffer.alloc(0), Buffer.from("<html>"), indefinite, cut]) {
      equal(outcome(bytes), "d2i_OCSP_RESPONSE() failed");
    }
  });
});

describe("the signature of a response", () => {
  const delegation = ["extendedKeyUsage=OCSPSigning"];

  test("may be of somebody whom the issuer has appointed", () => {
    const delegate = authority.issue("delegate", { extensions: delegation });
    equal(outcome(authority.respond(leaf.certificate, delegate)), "good");
    equal(outcome(authority.respond(leaf.certificate, delegate, ["-resp_key_id"])), "good");
    match(outcome(authority.respond(leaf.certificate, delegate, ["-resp_no_certs"])), /signer certificate not found/);
  });

  test("is not taken from another certificate of the issuer", () => {
    const server = authority.issue("server", { extensions: ["extendedKeyUsage=serverAuth"] });
    const unrestricted = authority.issue("unrestricted");
    const anything = authority.issue("anything", { extensions: ["extendedKeyUsage=anyExtendedKeyUsage"] });
    for (const signer of [server, unrestricted, anything]) {
      equal(
        outcome(authority.respond(leaf.certificate, signer)), "OCSP_basic_verify() failed (missing ocspsigning usage)",
      );
    }
  });

  test("is not taken from another authority, or from whom that has appointed", () => {
    const foreign = stranger.issue("foreign", { extensions: delegation });
    for (const signer of [stranger, foreign]) {
      equal(
        outcome(authority.respond(leaf.certificate, signer)),
        "OCSP_basic_verify() failed (the signer is not of the issuer)",
      );
    }
  });

  test("is not taken from another authority with the issuer's name", () => {
    const other = mkdtempSync(join(directory, "other-"));
    const impostor = new OcspAuthority(other, "authority");
    match(outcome(authority.respond(leaf.certificate, impostor, ["-resp_no_certs"])), /signature failure/);
    match(outcome(authority.respond(leaf.certificate, impostor)), /signature failure|not of the issuer/);
  });

  test("is not taken from somebody whose appointment is over", () => {
    const brief = authority.issue("brief", { extensions: delegation, days: 1 });
    const response = authority.respond(leaf.certificate, brief, ["-ndays", "3"]);
    const nowMs = Date.now() + DAY_MS * 1.5;
    equal(outcome(response, { nowMs }), "OCSP_basic_verify() failed (the signer's certificate has expired)");
    match(outcome(response, { nowMs: Date.now() - DAY_MS }), /the signer's certificate is not yet valid/);
  });

  test("may be of anybody where nobody verifies, but must fit", () => {
    const response = authority.respond(leaf.certificate, stranger);
    equal(outcome(response, { signer: "signed" }), "good");
    const signature = response.indexOf(new X509Certificate(readFileSync(stranger.certificate)).raw);
    // Before the certificates that the response carries stands the signature.
    response[signature - 20] = (response[signature - 20] ?? 0) ^ 1;
    equal(outcome(response, { signer: "signed" }), "OCSP_basic_verify() failed (signature failure)");
    equal(outcome(response, { signer: "none" }), "good");
  });

  for (const [name, newKey] of [
    ["RSA", ["-newkey", "rsa:2048"]],
    ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]],
    ["Ed25519", ["-newkey", "ed25519"]],
  ] as const) {
    test(`may be of ${name}`, () => {
      const issuer = new OcspAuthority(directory, name, newKey);
      const { certificate } = issuer.issue(`of ${name}`);
      const question = { leaf: read(certificate), issuer: read(issuer.certificate) };
      equal(outcome(issuer.respond(certificate), question), "good");
    });
  }

  test("is not taken with SHA-1", () => {
    equal(
      outcome(authority.respond(leaf.certificate, authority, ["-rmd", "sha1"])),
      "OCSP_basic_verify() failed (signature algorithm 1.2.840.10045.4.1 is not supported)",
    );
  });

  test("comes with eight certificates at most", () => {
    const others = join(directory, "others.pem");
    const one = readFileSync(stranger.certificate, "latin1");
    writeFileSync(others, one.repeat(7));
    equal(outcome(authority.respond(leaf.certificate, authority, ["-rother", others])), "good");
    writeFileSync(others, one.repeat(8));
    const nine = authority.respond(leaf.certificate, authority, ["-rother", others]);
    equal(outcome(nine), "OCSP_basic_verify() failed (9 certificates in it, at most 8)");
  });
});

describe("a damaged response", () => {
  test("is never taken for another status, whichever byte it is", () => {
    authority.revoke(leaf.serial);
    const revoked = authority.respond(leaf.certificate);
    for (const index of revoked.keys()) {
      const damaged = Buffer.from(revoked);
      damaged[index] = (damaged[index] ?? 0) ^ (1 << index % 8);
      const found = outcome(damaged);
      // Not everything is signed: the certificates that it carries are not.
      if (found !== "revoked") match(found, /^(?:OCSP_|OCSP response not|d2i_|certificate status not found)/);
    }
  });

  test("is refused when it is cut, or when something follows", () => {
    for (const size of good.keys()) equal(outcome(good.subarray(0, size)), "d2i_OCSP_RESPONSE() failed");
    equal(outcome(Buffer.concat([good, Buffer.of(0)])), "d2i_OCSP_RESPONSE() failed");
  });

  test("of elements in elements, or of very many, ends quickly", () => {
    const startMs = performance.now();
    let deep = Buffer.alloc(0);
    while (deep.length < 60_000) deep = Buffer.concat([Buffer.of(0x30, 0x83, ...bigEndian(deep.length)), deep]);
    equal(outcome(deep), "d2i_OCSP_RESPONSE() failed");
    const many = Buffer.alloc(60_000).fill(Buffer.of(5, 0));
    const wide = Buffer.concat([Buffer.of(0x30, 0x83, ...bigEndian(many.length)), many]);
    equal(outcome(wide), "d2i_OCSP_RESPONSE() failed");
    equal(performance.now() - startMs < 5000, true);
  });
});

function read(path: string): X509Certificate {
  return new X509Certificate(readFileSync(path));
}

function rules(more: Partial<ResponseRules> = {}): ResponseRules {
  const [mine, issuer] = [read(leaf.certificate), read(authority.certificate)];
  return { leaf: mine, issuer, signer: "authorized", nowMs: Date.now(), ...more };
}

/** The status, or what is wrong. */
function outcome(der: Uint8Array, more: Partial<ResponseRules> = {}): string {
  const found = readResponse(der, rules(more));
  return found.ok ? found.value.status : found.error.nginx;
}

function bigEndian(size: number): readonly number[] {
  return [size >> 16, (size >> 8) & 255, size & 255];
}
