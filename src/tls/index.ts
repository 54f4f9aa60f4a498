/** Who are we to the client, and how is it proven? Certificates, contexts, tickets, and what a handshake has shown. */
export { TlsContexts, allocateSessionZones } from "./contexts.ts";
export type { ChosenContext, SessionZones, TlsSecrets } from "./contexts.ts";
export { readTlsFiles } from "./files.ts";
export { ACME_PROTOCOL, ACME_PROTOCOLS, HTTP1_PROTOCOLS, HTTP2_PROTOCOLS } from "./protocols.ts";
export { type TlsProblem, contextOptions, makeContext } from "./pem.ts";
export { PLAIN_ON_TLS, TlsSession } from "./session.ts";
export type { ConnectionTls } from "./session.ts";
export { Staples, findInquiry, readChain, stapleKey } from "./ocsp/index.ts";
export type { StapledCertificate, StapleHandle, Stapler, StaplerSettings, StapleUpdate } from "./ocsp/index.ts";
export { type TlsFiles, type TlsSettings, filesOf } from "./settings.ts";
export { stapledCertificates, startStapler } from "./stapled.ts";
export { ROTATION_MS, type TicketKeys, randomTicketKey, rotated } from "./ticket-keys.ts";
