/**
 * Is a certificate still good, by what its authority says (OCSP, RFC 6960)? Answers that handshakes carry along. What
 * asks for them is loaded by whoever staples.
 */
export { findInquiry, readChain } from "./certificate.ts";
export { Staples, stapleKey } from "./staple.ts";
export type { StapledCertificate, StapleUpdate } from "./staple.ts";
export type { StapleHandle, Stapler, StaplerSettings } from "./stapler.ts";
export { shownCertificate, staplingServer } from "./stapling-server.ts";
