/**
 * OCSP's messages (RFC 6960 §4): a request is written, a response is read and judged. This file, signer.ts and x509.ts
 * are all that knows the library, and nothing imports them but at the first certificate that is stapled.
 *
 * A response is hostile until its signer is known: its size is bounded before (responder.ts), its depth and its number
 * of elements by the library, and whatever does not fit the schema is a fault and never an exception.
 */
import type { X509Certificate } from "node:crypto";
import {
  BasicOCSPResponse, CertID, id_pkix_ocsp_basic, OCSPRequest, OCSPResponse, Request, TBSRequest,
} from "@peculiar/asn1-ocsp";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { assert } from "../../std/assert.ts";
import { asBytes, type Bytes } from "../../std/bytes.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { Questioned } from "./certificate.ts";
import type { OcspFault } from "./fault.ts";
import { signerFault } from "./signer.ts";
import { digest, parseCertificate } from "./x509.ts";

/** How much two clocks may differ: nginx's 300 seconds. */
export const CLOCK_SKEW_MS = 300_000;

/** Of a CertID. They name certificates and protect nothing, so SHA-1, which every responder knows, is asked with. */
const SHA1 = "1.3.14.3.2.26";
const DIGESTS: ReadonlyMap<string, string> = new Map([
  [SHA1, "sha1"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

/** RFC 6960 §4.2.1, in OpenSSL's spelling. */
const RESPONSE_STATUS: Readonly<Record<number, string>> = {
  1: "malformedrequest", 2: "internalerror", 3: "trylater", 5: "sigrequired", 6: "unauthorized",
};

export interface CertificateStatus {
  readonly status: "good" | "revoked" | "unknown";
  /** Milliseconds since 1970. */
  readonly thisUpdateMs: number;
  /** undefined: there is newer information at any time. */
  readonly nextUpdateMs: number | undefined;
}

/** How much of a response is checked. */
export interface ResponseRules {
  readonly leaf: X509Certificate;
  /** Without it the certificate is known by its issuer's name and its serial number alone. */
  readonly issuer: X509Certificate | undefined;
  /**
   * `authorized`: signed by the issuer, or by whom the issuer has appointed (nginx: ssl_stapling_verify on).
   * `signed`: by the certificate that it names, whoever that is (off). `none`: it is the operator's own file.
   */
  readonly signer: "authorized" | "signed" | "none";
  readonly nowMs: number;
}

/** Writes the request for one certificate's status, without a nonce, so that the responder may answer from a cache. */
export function writeRequest({ leaf, issuer }: Questioned): Result<Bytes, OcspFault> {
  const identity = identify(leaf, issuer);
  if (!identity.ok) return identity;
  const { issuerName, issuerKey, serialNumber } = identity.value;
  assert(issuerKey !== undefined, "the issuer was given");
  const reqCert = new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: SHA1, parameters: null }),
    issuerNameHash: new OctetString(digest("sha1", issuerName)),
    issuerKeyHash: new OctetString(digest("sha1", issuerKey)),
    serialNumber,
  });
  const tbsRequest = new TBSRequest({ requestList: [new Request({ reqCert })] });
  return ok(asBytes(new Uint8Array(AsnConvert.serialize(new OCSPRequest({ tbsRequest })))));
}

/**
 * Reads a response and judges it (RFC 6960 §3.2): is it whole, of somebody who may say so, about this certificate, and
 * of this time?
 * @param der an OCSPResponse, and nothing after it
 * @returns what it says about the certificate, which need not be "good"
 */
export function readResponse(der: Uint8Array, rules: ResponseRules): Result<CertificateStatus, OcspFault> {
  const parsed = parseResponse(der);
  if (!parsed.ok) return parsed;
  const basic = parsed.value;
  if (rules.signer !== "none") {
    const fault = signerFault(basic, { ...rules, mustBeAuthorized: rules.signer === "authorized" });
    if (fault !== undefined) return err(fault);
  }
  const identity = identify(rules.leaf, rules.issuer);
  if (!identity.ok) return identity;
  const single = basic.tbsResponseData.responses.find(({ certID }) => isAbout(certID, identity.value));
  if (single === undefined) {
    return err({
      nginx: "certificate status not found in the OCSP response",
      hint: "the responder knows other certificates than this one",
    });
  }
  const { certStatus, thisUpdate, nextUpdate } = single;
  const status = certStatus.revoked !== undefined ? "revoked" : certStatus.good !== undefined ? "good" : "unknown";
  return checkTimes({ status, thisUpdateMs: thisUpdate.getTime(), nextUpdateMs: nextUpdate?.getTime() }, rules.nowMs);
}

function parseResponse(der: Uint8Array): Result<BasicOCSPResponse, OcspFault> {
  const hint = "what answers there is no OCSP responder, or it is out of order";
  if (!isOneElement(asBytes(der))) return err({ nginx: "d2i_OCSP_RESPONSE() failed", hint });
  try {
    const { responseStatus, responseBytes } = AsnConvert.parse(der, OCSPResponse);
    // An enumeration of the library's, of which a responder may send any other number.
    const number: number = responseStatus;
    if (number !== 0) {
      const nginx = `OCSP response not successful (${number}: ${RESPONSE_STATUS[number] ?? "(UNKNOWN)"})`;
      return err({ nginx, hint: "the responder does not answer for this certificate now" });
    }
    if (responseBytes?.responseType !== id_pkix_ocsp_basic) {
      return err({ nginx: "OCSP_response_get1_basic() failed", hint });
    }
    return ok(AsnConvert.parse(responseBytes.response, BasicOCSPResponse));
  } catch {
    // The library throws for whatever does not fit the schema, and says nothing that would help the operator.
    return err({ nginx: "d2i_OCSP_RESPONSE() failed", hint });
  }
}

/** Does the first element end where the bytes end? What follows it would be stapled with it. */
function isOneElement(der: Bytes): boolean {
  const first = der[1] ?? 0;
  if (first < 0x80) return der.length === 2 + first;
  const count = first - 0x80;
  return count >= 1 && count <= 4 && der.length > 2 + count && der.length === 2 + count + der.readUIntBE(2, count);
}

/** What a CertID is made of (RFC 6960 §4.1.1). */
interface Identity {
  /** DER of the name. */
  readonly issuerName: ArrayBuffer;
  /** The key's bits, without tag, length and the number of unused ones. */
  readonly issuerKey: ArrayBuffer | undefined;
  readonly serialNumber: ArrayBuffer;
}

function identify(leaf: X509Certificate, issuer: X509Certificate | undefined): Result<Identity, OcspFault> {
  try {
    const { issuer: name, serialNumber } = parseCertificate(leaf).tbsCertificate;
    const parsed = issuer === undefined ? undefined : parseCertificate(issuer);
    const issuerKey = parsed?.tbsCertificate.subjectPublicKeyInfo.subjectPublicKey;
    return ok({ issuerName: AsnConvert.serialize(name), issuerKey, serialNumber });
  } catch {
    // OpenSSL has read it before: it is in use, and only cannot be stapled.
    return err({ nginx: "OCSP_cert_to_id() failed", hint: "remove ssl_stapling for it, or have it issued anew" });
  }
}

/** Is a CertID of this certificate? By whatever digest the responder likes. */
function isAbout(id: CertID, { issuerName, issuerKey, serialNumber }: Identity): boolean {
  const algorithm = DIGESTS.get(id.hashAlgorithm.algorithm);
  return algorithm !== undefined
    && isSame(id.serialNumber, serialNumber)
    && isSame(id.issuerNameHash.buffer, digest(algorithm, issuerName))
    && (issuerKey === undefined || isSame(id.issuerKeyHash.buffer, digest(algorithm, issuerKey)));
}

function isSame(one: ArrayBuffer, other: ArrayBuffer | Bytes): boolean {
  return asBytes(new Uint8Array(one)).equals(new Uint8Array(other));
}

function checkTimes(found: CertificateStatus, nowMs: number): Result<CertificateStatus, OcspFault> {
  const { thisUpdateMs, nextUpdateMs } = found;
  const refuse = (reason: string): Result<CertificateStatus, OcspFault> => err({
    nginx: `OCSP_check_validity() failed (${reason})`,
    hint: "compare the clock of this machine with the responder's",
  });
  if (!(thisUpdateMs <= nowMs + CLOCK_SKEW_MS)) return refuse("status not yet valid");
  if (nextUpdateMs === undefined) return ok(found);
  if (!(nextUpdateMs >= thisUpdateMs)) return refuse("nextupdate before thisupdate");
  return nextUpdateMs >= nowMs - CLOCK_SKEW_MS ? ok(found) : refuse("status expired");
}
