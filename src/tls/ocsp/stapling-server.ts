/**
 * How a TLSSocket takes a staple. Node asks the `server` that a TLSSocket was given, by the event OCSPRequest, and only
 * a client's hello with status_request leads there. It needs no listening server: it calls `listenerCount` and `emit`,
 * and looks for the socket's context in `_sharedCreds` where SNI has chosen none.
 */
import type { SecureContext, Server } from "node:tls";

/** Node's own: the DER of the context's certificate, of its issuer, and what goes on with the handshake. */
type OcspListener = (certificate: Buffer | null, issuer: Buffer | null, proceed: Proceed) => void;
type Proceed = (error: Error | null, response: Uint8Array | null) => void;

/**
 * Makes the `server` option of TLSSockets.
 * @param context the socket's `secureContext`
 * @param staple what to staple to the certificate that will be shown, called once in a handshake whose client asks
 */
export function staplingServer(context: SecureContext, staple: () => Uint8Array | undefined): Server {
  const answer: OcspListener = (_certificate, _issuer, proceed) => proceed(null, staple() ?? null);
  const server = {
    _sharedCreds: context,
    listenerCount: (event: string): number => (event === "OCSPRequest" ? 1 : 0),
    emit: (event: string, ...rest: Parameters<OcspListener>): boolean => {
      if (event !== "OCSPRequest") return false;
      answer(...rest);
      return true;
    },
  };
  // All that Node uses of it; see the tests, which every version of Node must pass.
  return server as unknown as Server;
}
