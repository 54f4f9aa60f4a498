/** The rows of this room, for whoever composes the table, and what they say together. */
import type { Block } from "../config/nginx/block.ts";
import {
  certificateKeyRow, certificateRow, ciphersRow, clientCertificateRow, confCommandRow, crlRow, curveRow, dhparamRow,
  isAcmeVariable, passwordFileRow, preferServerCiphersRow, protocolsRow, rejectHandshakeRow, sessionCacheRow,
  sessionTicketKeyRow, sessionTicketsRow, sessionTimeoutRow, staplingFileRow, staplingResponderRow, staplingRow,
  staplingVerifyRow, trustedCertificateRow, verifyClientRow, verifyDepthRow,
} from "./directives-rows.ts";
import type { TlsSettings, TlsVersion } from "./settings.ts";

export { tlsDirectives, tlsRows } from "./directives-rows.ts";
export { type TlsPlace, tlsMistakes } from "./directives-together.ts";

/** All of TLS 1.3 that OpenSSL offers by itself. */
const CIPHER_SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** What is in force in a block. @param directory what relative files begin with, with its slash */
export function tlsSettings(block: Block, directory: string): TlsSettings {
  const path = (name: string): string => (/^(?:\/|data:)/.test(name) ? name : directory + name);
  const optional = (name: string | undefined): string | undefined =>
    name === undefined || name === "" ? undefined : path(name);
  const keys = block.all(certificateKeyRow);
  const wanted = block.one(protocolsRow);
  const settings: TlsSettings = {
    // A certificate without a key is a mistake that is told elsewhere.
    certificates: block.all(certificateRow).flatMap((certificate, index) => {
      const key = keys[index];
      if (key === undefined || isAcmeVariable(certificate)) return [];
      return [{ certificate: path(certificate), key: path(key) }];
    }),
    passwordFile: optional(block.optional(passwordFileRow)),
    rejectHandshake: block.one(rejectHandshakeRow),
    protocols: VERSIONS.filter((version) => wanted.includes(version)),
    ciphers: block.one(ciphersRow),
    cipherSuites: CIPHER_SUITES,
    preferServerCiphers: block.one(preferServerCiphersRow),
    curves: block.one(curveRow),
    signatureAlgorithms: undefined,
    dhparam: optional(block.optional(dhparamRow)),
    optionBits: 0,
    sessionTimeoutMs: block.one(sessionTimeoutRow),
    sessionTickets: block.one(sessionTicketsRow),
    ticketKeyFiles: block.all(sessionTicketKeyRow).map((name) => path(name)),
    sessionCache: block.one(sessionCacheRow).shared,
    verifyClient: block.one(verifyClientRow),
    verifyDepth: block.one(verifyDepthRow),
    clientCertificate: optional(block.optional(clientCertificateRow)),
    trustedCertificate: optional(block.optional(trustedCertificateRow)),
    crl: optional(block.optional(crlRow)),
    stapling: !block.one(staplingRow) ? undefined : {
      file: optional(block.optional(staplingFileRow)),
      // nginx: an empty one is none.
      responder: block.optional(staplingResponderRow) || undefined,
      verify: block.one(staplingVerifyRow),
    },
  };
  return block.all(confCommandRow).reduce<TlsSettings>((made, change) => ({ ...made, ...change(made) }), settings);
}
