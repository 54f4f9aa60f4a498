/**
 * Who has signed a response, and may they (RFC 6960 §4.2.2.2)? The issuer may, and whom the issuer itself has
 * appointed: by a certificate with id-kp-OCSPSigning that the issuer has signed. Nobody else, and no chain of
 * appointments. Whether an appointment was revoked is not asked, which RFC 6960 §4.2.2.2.1 leaves to the client.
 */
import { verify, type X509Certificate } from "node:crypto";
import { type BasicOCSPResponse, id_kp_OCSPSigning, type ResponderID } from "@peculiar/asn1-ocsp";
import { AsnConvert } from "@peculiar/asn1-schema";
import { asBytes } from "../../std/bytes.ts";
import type { OcspFault } from "./fault.ts";
import { digest, parseCertificate, toNodeCertificate } from "./x509.ts";

/** Certificates that a response may carry: two are usual, the responder's and its issuer's. */
const CERTIFICATES_MAX = 8;

/**
 * Algorithms of signatures and their digests, null where the key says it. SHA-1 is missing on purpose: CAs must not
 * sign responses with it (CA/Browser Forum, ballot SC-053), and clients refuse it.
 */
const SIGNATURES: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.3.101.112", null],
  ["1.3.101.113", null],
]);

export interface SignerRules {
  /** Who has issued the certificate in question. */
  readonly issuer: X509Certificate | undefined;
  readonly mustBeAuthorized: boolean;
  readonly nowMs: number;
}

/** @returns why the response's signature does not count, undefined when it does */
export function signerFault(basic: BasicOCSPResponse, rules: SignerRules): OcspFault | undefined {
  const { certs = [], signatureAlgorithm: { algorithm }, tbsResponseData: { responderID } } = basic;
  if (certs.length > CERTIFICATES_MAX) return refuse(`${certs.length} certificates in it, at most ${CERTIFICATES_MAX}`);
  if (!SIGNATURES.has(algorithm)) return refuse(`signature algorithm ${algorithm} is not supported`);
  let carried: readonly X509Certificate[];
  try {
    carried = certs.map(toNodeCertificate);
  } catch {
    return refuse("a certificate in it cannot be read");
  }
  const { issuer } = rules;
  const known = issuer === undefined ? carried : [issuer, ...carried];
  // The first fault of those that the response could mean is the one to tell.
  let fault = refuse("signer certificate not found");
  for (const candidate of known.filter((certificate) => isNamed(responderID, certificate))) {
    const found = faultOf(basic, candidate, rules);
    if (found === undefined) return undefined;
    fault = found;
  }
  return fault;
}

function faultOf(basic: BasicOCSPResponse, signer: X509Certificate, rules: SignerRules): OcspFault | undefined {
  if (rules.mustBeAuthorized) {
    const reason = authorityFault(signer, rules);
    if (reason !== undefined) return refuse(reason);
  }
  return hasSigned(basic, signer) ? undefined : refuse("signature failure");
}

/** Does the response say that this is who has signed it? Clients look for the signer by the same name or digest. */
function isNamed({ byKey, byName }: ResponderID, certificate: X509Certificate): boolean {
  const { tbsCertificate: { subject, subjectPublicKeyInfo } } = parseCertificate(certificate);
  // RFC 6960 §4.2.1: KeyHash is SHA-1 of the key, without tag, length and unused bits.
  if (byKey !== undefined) {
    return digest("sha1", subjectPublicKeyInfo.subjectPublicKey).equals(new Uint8Array(byKey.buffer));
  }
  if (byName === undefined) return false;
  return asBytes(new Uint8Array(AsnConvert.serialize(subject))).equals(new Uint8Array(AsnConvert.serialize(byName)));
}

function authorityFault(signer: X509Certificate, { issuer, nowMs }: SignerRules): string | undefined {
  if (issuer === undefined) return "unable to get local issuer certificate";
  if (signer.raw.equals(issuer.raw)) return undefined;
  if (!signer.checkIssued(issuer) || !signer.verify(issuer.publicKey)) return "the signer is not of the issuer";
  // Extended key usage, which Node calls keyUsage.
  const usages: readonly string[] | undefined = signer.keyUsage;
  if (usages?.includes(id_kp_OCSPSigning) !== true) return "missing ocspsigning usage";
  if (nowMs < signer.validFromDate.getTime()) return "the signer's certificate is not yet valid";
  return nowMs <= signer.validToDate.getTime() ? undefined : "the signer's certificate has expired";
}

function hasSigned(basic: BasicOCSPResponse, { publicKey }: X509Certificate): boolean {
  const { signatureAlgorithm: { algorithm }, signature, tbsResponseDataRaw } = basic;
  if (tbsResponseDataRaw === undefined) return false;
  try {
    return verify(SIGNATURES.get(algorithm), new Uint8Array(tbsResponseDataRaw), publicKey, new Uint8Array(signature));
  } catch {
    // A key of another kind than the signature's: OpenSSL says so by an error.
    return false;
  }
}

function refuse(reason: string): OcspFault {
  return {
    nginx: `OCSP_basic_verify() failed (${reason})`,
    hint: "only the issuer, or whom it has appointed, may answer: look at ssl_trusted_certificate and the responder",
  };
}
