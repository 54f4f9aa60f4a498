import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Authority } from "../../tests/support/certificates.ts";
import { certificateText, coversAll, readCertificate } from "./certificate.ts";
import { makeKey } from "./key-types.ts";

describe("the file of a certificate", () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-certificate-"));
  const authority = new Authority(directory, "authority");
  const own = authority.sign("site.example");
  const key = readFileSync(own.key, "utf8"), chain = readFileSync(own.certificate, "utf8");
  after(() => rmSync(directory, { recursive: true, force: true }));

  function refusal(text: string): string {
    const read = readCertificate(text);
    return read.ok ? "none" : read.error;
  }

  test("is read as it was written", () => {
    const read = readCertificate(certificateText({ key, chain }));
    assert.ok(read.ok);
    const { names, keyType, chance, notBefore, notAfter } = read.value;
    assert.deepEqual([names, keyType], [["site.example"], "ecdsa:256"]);
    assert.ok(chance >= 0 && chance < 1 && notBefore < Date.now() && notAfter > Date.now());
    const again = readCertificate(certificateText(read.value));
    assert.deepEqual(again, read);
    assert.equal(coversAll(read.value, ["site.example"]), true);
    assert.equal(coversAll(read.value, ["site.example", "other.example"]), false);
  });

  test("is refused for what is missing or wrong in it", async () => {
    assert.equal(refusal(chain), "has no private key");
    assert.equal(refusal(key), "has no certificate");
    assert.equal(refusal(key + readFileSync(authority.certificate, "utf8")), "has a certificate for another key");
    assert.equal(refusal((await makeKey("ecdsa:256")) + chain), "has a certificate for another key");
    assert.equal(refusal(key.replace(/\n[^-]{10}/, "\nAAAAAAAAAA") + chain), "has a private key that cannot be read");
    assert.equal(refusal(key + chain.replace("MII", "AII")), "has a certificate that cannot be read");
    assert.equal(refusal(""), "has no private key");
  });

  test("has sixteen certificates at most", () => {
    const issuer = readFileSync(authority.certificate, "utf8");
    assert.equal(refusal(key + chain + issuer.repeat(15)), "none");
    assert.equal(refusal(key + chain + issuer.repeat(16)), "has more than 16 certificates");
  });
});
