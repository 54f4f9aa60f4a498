/**
 * How a TLSSocket takes a staple. Node asks the `server` that a TLSSocket was given, by the event OCSPRequest, and only
 * a client's hello with status_request leads there. It needs no listening server: it calls `listenerCount` and `emit`,
 * and looks for the socket's context in `_sharedCreds` where SNI has chosen none.
 */
import type { KeyObject, X509Certificate } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { SecureContext, Server, TLSSocket } from "node:tls";

/** Node's own: the DER of the context's certificate, of its issuer, and what goes on with the handshake. */
type OcspListener = (certificate: Buffer | null, issuer: Buffer | null, proceed: Proceed) => void;
type Proceed = (error: Error | null, response: Uint8Array | null) => void;

/**
 * Makes the `server` option of TLSSockets.
 * @param context the socket's `secureContext`
 * @param staple what to staple to the certificate that will be shown, called once in a handshake whose client asks
 * @param others who is asked by all other events: for sessions with an id
 */
export function staplingServer(
  context: SecureContext, staple: () => Uint8Array | undefined, others?: EventEmitter,
): Server {
  const answer: OcspListener = (_certificate, _issuer, proceed) => proceed(null, staple() ?? null);
  const server = {
    _sharedCreds: context,
    listenerCount: (event: string): number => (event === "OCSPRequest" ? 1 : (others?.listenerCount(event) ?? 0)),
    emit: (event: string, ...rest: readonly unknown[]): boolean => {
      if (event !== "OCSPRequest") return others?.emit(event, ...rest) ?? false;
      answer(...(rest as Parameters<OcspListener>));
      return true;
    },
  };
  // All that Node uses of it; see the tests, which every version of Node must pass.
  return server as unknown as Server;
}

/** RFC 8446 §4.2.3: in TLS 1.3 an ECDSA algorithm has one curve. */
const CURVE_OF: ReadonlyMap<string, string> = new Map([
  ["ECDSA+SHA256", "prime256v1"], ["ECDSA+SHA384", "secp384r1"], ["ECDSA+SHA512", "secp521r1"],
]);

/**
 * Which of a context's certificates will be shown? Asked while `staple` is called, when OpenSSL has not chosen yet:
 * in TLS 1.3 it takes the first signature algorithm of both sides that a certificate has the key for. In TLS 1.2 the
 * cipher decides, which nobody can ask for, so that there must be only one that fits.
 * @returns the certificate, or undefined where nobody can know: a staple of another certificate would be an error
 */
export function shownCertificate(
  socket: TLSSocket, certificates: readonly X509Certificate[],
): X509Certificate | undefined {
  const [only, second] = certificates;
  if (second === undefined) return only;
  const isTls13 = socket.getProtocol() === "TLSv1.3";
  const shared = socket.getSharedSigalgs();
  const candidates = new Set<X509Certificate>();
  for (const algorithm of shared) {
    const fitting = certificates.find(({ publicKey }) => fits(algorithm, publicKey, isTls13));
    if (fitting !== undefined) candidates.add(fitting);
  }
  const [first, other] = candidates;
  return isTls13 || other === undefined ? first : undefined;
}

/** @param algorithm as Node writes them: RSA-PSS+SHA256, ECDSA+SHA384, Ed25519+UNDEF */
function fits(algorithm: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject, isTls13: boolean): boolean {
  const [kind = ""] = algorithm.split("+");
  switch (asymmetricKeyType) {
    case "rsa": return kind === "RSA-PSS" || (kind === "RSA" && !isTls13);
    case "ec":
      return kind === "ECDSA" && (!isTls13 || CURVE_OF.get(algorithm) === asymmetricKeyDetails?.namedCurve);
    default: return kind.toLowerCase() === asymmetricKeyType;
  }
}
