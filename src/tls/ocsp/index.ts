/** Is a certificate still good, by what its authority says (OCSP, RFC 6960)? Answers that handshakes carry along. */
export { Staples } from "./staple.ts";
export type { Staple, StapleUpdate } from "./staple.ts";
export { Stapler } from "./stapler.ts";
export type { StapledCertificate, StapleHandle, StapleNotice, StaplerSettings } from "./stapler.ts";
export { shownCertificate, staplingServer } from "./stapling-server.ts";
