// Variables of a client's certificate; what nginx itself says is compared in tests/tls/clients.test.ts.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Certificates } from "../../tests/tls/site.ts";
import { certificateVariable } from "./client-certificate.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());

test("a certificate has so many days left, and none when it is over", () => {
  const certificate = new X509Certificate(readFileSync(certificates.sign("a.test").certificate));
  const endMs = certificate.validToDate.getTime();
  const day = 86_400_000;
  const left = (nowMs: number): string | undefined => certificateVariable("ssl_client_v_remain", certificate, nowMs);
  assert.deepEqual([left(endMs - 2 * day), left(endMs - 2 * day + 1000), left(endMs - 1000), left(endMs + day)],
    ["2", "1", "0", "0"]);
});

test("a certificate stands in one line, for fields; raw it is PEM", () => {
  const certificate = new X509Certificate(readFileSync(certificates.sign("b.test").certificate));
  const raw = certificateVariable("ssl_client_raw_cert", certificate, 0) ?? "";
  assert.equal(raw, certificate.toString());
  const line = certificateVariable("ssl_client_cert", certificate, 0) ?? "";
  assert.equal(line.replaceAll(" ", "\n").replace("BEGIN\n", "BEGIN ").replace("END\n", "END "), raw.trimEnd());
  assert.equal(decodeURIComponent(certificateVariable("ssl_client_escaped_cert", certificate, 0) ?? ""), raw);
  assert.equal(certificateVariable("ssl_client_nothing", certificate, 0), undefined);
});
