/** What we speak over TLS, as ALPN has it (RFC 7301). */
import { type Bytes, concatBytes, fromLatin1 } from "../std/bytes.ts";

/** RFC 9113 §3.2. */
export const HTTP2_PROTOCOL = "h2";
/** RFC 8737 §6.2. */
export const ACME_PROTOCOL = "acme-tls/1";

/** What a connection may become, the best first. */
export const HTTP1_PROTOCOLS: Bytes = protocolList(["http/1.1", "http/1.0"]);
export const HTTP2_PROTOCOLS: Bytes = protocolList([HTTP2_PROTOCOL, "http/1.1", "http/1.0"]);
export const ACME_PROTOCOLS: Bytes = protocolList([ACME_PROTOCOL]);

/** A list as it is in a handshake (RFC 7301 §3.1). */
function protocolList(names: readonly string[]): Bytes {
  return concatBytes(names.map((name) => fromLatin1(String.fromCharCode(name.length) + name)));
}
