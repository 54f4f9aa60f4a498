/**
 * What stapling needs of a certificate: who issued it, who answers for it, and does it insist on being stapled?
 * Nothing here loads the library: most certificates of today name no responder, and then that is all.
 */
import type { X509Certificate } from "node:crypto";
import { asBytes } from "../../std/bytes.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { cryptoModule } from "../pem.ts";
import type { OcspFault } from "./fault.ts";
import type { StapledCertificate } from "./staple.ts";

/** A certificate whose status somebody can be asked for. */
export interface Questioned {
  readonly leaf: X509Certificate;
  readonly issuer: X509Certificate;
}

/** And who that is. */
export interface Inquiry extends Questioned {
  readonly responder: URL;
}

/** A certificate, and its issuer where that was found. */
export interface ReadChain {
  readonly leaf: X509Certificate;
  readonly issuer: X509Certificate | undefined;
}

/** @returns undefined for what is no certificate: whoever makes a context of it says so */
export function readChain({ chain, trusted }: StapledCertificate): ReadChain | undefined {
  const [leaf, ...others] = readCertificates(chain);
  if (leaf === undefined) return undefined;
  return { leaf, issuer: findIssuer(leaf, others) ?? findIssuer(leaf, readCertificates(trusted)) };
}

/** Whom to ask about a certificate that was read, or why there is nobody: nginx's words, without their beginning. */
export function findInquiry({ leaf, issuer }: ReadChain, stapled: StapledCertificate): Result<Inquiry, OcspFault> {
  const { name, responder } = stapled;
  if (issuer === undefined) {
    const hint = "put the issuer's certificate behind it in the file, or into ssl_trusted_certificate";
    return err({ nginx: `issuer certificate not found for certificate "${name}"`, hint });
  }
  const found = findResponder(leaf, responder);
  if (found.ok) return ok({ leaf, issuer, responder: found.value });
  const { nginx, hint } = found.error;
  const whose = nginx.endsWith("in the certificate") ? ` "${name}"` : `, certificate: "${name}"`;
  return err({ nginx: `${nginx}${whose}`, hint });
}

/** @returns those that could be read */
export function readCertificates(pems: readonly string[]): readonly X509Certificate[] {
  const { X509Certificate: Read } = cryptoModule();
  return pems.flatMap((pem) => {
    try {
      return [new Read(pem)];
    } catch {
      return [];
    }
  });
}

/** @returns the one among `candidates` that has signed `leaf`, by name and by key */
export function findIssuer(
  leaf: X509Certificate, candidates: readonly X509Certificate[],
): X509Certificate | undefined {
  return candidates.find((candidate) => leaf.checkIssued(candidate) && leaf.verify(candidate.publicKey));
}

/**
 * Whom to ask (RFC 5280 §4.2.2.1, authorityInfoAccess with id-ad-ocsp).
 * @param named what `ssl_stapling_responder` says, which wins
 * @returns an http URL without a name and password in it
 */
export function findResponder(leaf: X509Certificate, named: string | undefined): Result<URL, OcspFault> {
  const written = named ?? namedResponder(leaf);
  if (written === undefined) {
    return err({
      nginx: "no OCSP responder URL in the certificate",
      hint: "remove ssl_stapling for it, or name a responder with ssl_stapling_responder",
    });
  }
  const where = `OCSP responder "${written}"${named === undefined ? " in the certificate" : ""}`;
  const hint = "name a responder with ssl_stapling_responder http://…";
  if (!/^http:\/\//i.test(written)) return err({ nginx: `invalid URL prefix in ${where}`, hint });
  const url = URL.parse(written);
  const isPlain = url?.username === "" && url.password === "";
  return isPlain ? ok(url) : err({ nginx: `invalid host in ${where}`, hint });
}

/** The first URL of a responder. Node writes one access description a line, in JSON where it holds odd characters. */
function namedResponder(leaf: X509Certificate): string | undefined {
  const written = /^OCSP - URI:(.*)$/m.exec(leaf.infoAccess ?? "")?.[1];
  if (written?.startsWith('"') !== true) return written;
  try {
    return String(JSON.parse(written));
  } catch {
    // An unfinished text of JSON is no URL either, which is what is said then.
    return written;
  }
}

/** id-pe-tlsfeature, 1.3.6.1.5.5.7.1.24, as DER has it. */
const TLS_FEATURE = asBytes(Uint8Array.of(0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18));
/** `critical` of an extension, where it is true. */
const CRITICAL = asBytes(Uint8Array.of(0x01, 0x01, 0xff));
/** The number of the extension status_request. */
const STATUS_REQUEST = asBytes(Uint8Array.of(0x02, 0x01, 0x05));

/**
 * Must it be stapled (RFC 7633: the TLS feature extension with status_request)? Found by its bytes, which DER leaves no
 * choice about; who puts the same bytes elsewhere into a certificate only gets a stricter notice.
 */
export function demandsStaple(leaf: X509Certificate): boolean {
  const der = asBytes(leaf.raw);
  const found = der.indexOf(TLS_FEATURE);
  if (found === -1) return false;
  let at = found + TLS_FEATURE.length;
  if (der.subarray(at, at + CRITICAL.length).equals(CRITICAL)) at += CRITICAL.length;
  // OCTET STRING { SEQUENCE { INTEGER … } }, both shorter than 128 bytes: features are few and small.
  const end = at + 4 + (der[at + 3] ?? 0);
  return der[at] === 0x04 && der[at + 2] === 0x30 && der.subarray(at + 4, end).includes(STATUS_REQUEST);
}
