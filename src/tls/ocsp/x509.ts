/** Certificates as the library sees them, for the parts that Node's class does not show. */
import { createHash, X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { asBytes, type Bytes } from "../../std/bytes.ts";

/** @throws Error for a certificate that OpenSSL reads and the library does not; none is known */
export function parseCertificate(certificate: X509Certificate): Certificate {
  return AsnConvert.parse(certificate.raw, Certificate);
}

/**
 * The other way round. DER has one way to write a certificate; one that was written in another is one whose signature
 * no longer fits.
 * @throws Error when OpenSSL cannot read it
 */
export function toNodeCertificate(certificate: Certificate): X509Certificate {
  return new X509Certificate(new Uint8Array(AsnConvert.serialize(certificate)));
}

/** @param algorithm in OpenSSL's words */
export function digest(algorithm: string, data: ArrayBuffer): Bytes {
  return asBytes(createHash(algorithm).update(new Uint8Array(data)).digest());
}
