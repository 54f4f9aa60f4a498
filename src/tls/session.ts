/**
 * What is known of a connection on a port for TLS: what was negotiated, who the client has shown to be, and to which
 * servers of the port that is enough.
 */
import type { X509Certificate } from "node:crypto";
import type { PeerCertificate, DetailedPeerCertificate } from "node:tls";
import type { SecureSocket } from "../net/index.ts";
import type { ClientHello } from "../protocol/tls/index.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import { certificateVariable } from "./client-certificate.ts";
import type { ChosenContext } from "./contexts.ts";
import { HTTP2_PROTOCOL } from "./protocols.ts";
import { type KnownFacts, clientCertificate } from "./facts.ts";
import { cipherName, groupName } from "./iana-names.ts";
import type { TlsSettings } from "./settings.ts";

/** What requests ask of their connection. */
export interface ConnectionTls {
  readonly scheme: "http" | "https";
  /** ALPN has chosen "h2" (RFC 9113 §3.2). */
  readonly isHttp2: boolean;
  /** May a request go to the server with these settings? @returns nginx's number for why not */
  refusal(target: TlsSettings): 421 | 495 | 496 | 497 | undefined;
  /** @returns undefined when it has no value. @param name "ssl_…" */
  variable(name: string): string | undefined;
  /** What applications are told; undefined without TLS. */
  readonly facts: TlsFacts | undefined;
}

/** A client that speaks HTTP without TLS where TLS is expected. */
export const PLAIN_ON_TLS: ConnectionTls = {
  scheme: "http",
  isHttp2: false,
  refusal: () => 497,
  facts: undefined,
  variable: () => undefined,
};

/** Problems that `optional_no_ca` lets pass: nobody knows who has issued it. */
const OPTIONAL: readonly string[] = [
  "DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_UNTRUSTED",
];

interface Verified {
  readonly certificate: X509Certificate | undefined;
  /** What is wrong with it, in OpenSSL's words. */
  readonly problem: { readonly code: string; readonly message: string } | undefined;
}

export class TlsSession implements ConnectionTls {
  readonly scheme = "https";
  readonly #socket: SecureSocket;
  readonly #hello: ClientHello;
  /** What the handshake was made with. */
  readonly #settings: TlsSettings;
  /** Those of the server that SNI has named. */
  readonly #server: TlsSettings;
  readonly #known: KnownFacts;
  #facts: TlsFacts | undefined;
  #verified: Verified | undefined;

  /** @param chosen what the handshake was made with, and the settings of the server that SNI has named */
  constructor(socket: SecureSocket, hello: ClientHello, chosen: ChosenContext) {
    this.#socket = socket;
    this.#hello = hello;
    this.#settings = chosen.settings;
    this.#server = chosen.server;
    this.#known = chosen.known;
  }

  get isHttp2(): boolean {
    return this.#socket.alpnProtocol === HTTP2_PROTOCOL;
  }

  get facts(): TlsFacts {
    return (this.#facts ??= this.#makeFacts());
  }

  #makeFacts(): TlsFacts {
    const { certificate } = this.#verification;
    const client = certificate && clientCertificate(certificate, this.variable("ssl_client_verify") ?? "NONE");
    return this.#known.of(this.#socket, this.#hello.serverName ?? "", client);
  }

  refusal(target: TlsSettings): 421 | 495 | 496 | undefined {
    if (target.verifyClient === "off") return undefined;
    // RFC 9110 §15.5.20: the client was asked for a certificate by another server's rules, or not at all.
    if (target !== this.#server && !hasSamePolicy(target, this.#settings)) return 421;
    const { certificate, problem } = this.#verification;
    if (problem !== undefined) {
      return target.verifyClient === "optional_no_ca" && OPTIONAL.includes(problem.code) ? undefined : 495;
    }
    return certificate === undefined && target.verifyClient === "on" ? 496 : undefined;
  }

  variable(name: string): string | undefined {
    const socket = this.#socket;
    switch (name) {
      case "ssl_protocol": return socket.getProtocol() ?? undefined;
      case "ssl_cipher": return socket.getCipher()?.name;
      case "ssl_ciphers": return this.#hello.ciphers.map((number) => cipherName(number)).join(":");
      case "ssl_curves": return this.#hello.groups.map((number) => groupName(number)).join(":");
      case "ssl_server_name": return this.#hello.serverName;
      case "ssl_session_reused": return socket.isSessionReused() ? "r" : ".";
      case "ssl_session_id": return sessionId(socket.getSession());
      case "ssl_alpn_protocol": return socket.alpnProtocol === false ? undefined : (socket.alpnProtocol ?? undefined);
      case "ssl_client_verify": {
        const { certificate, problem } = this.#verification;
        if (problem !== undefined) return `FAILED:${problem.message}`;
        return certificate === undefined ? "NONE" : "SUCCESS";
      }
      default: {
        const { certificate } = this.#verification;
        return certificate === undefined ? undefined : certificateVariable(name, certificate, Date.now());
      }
    }
  }

  get #verification(): Verified {
    return (this.#verified ??= this.#verify());
  }

  #verify(): Verified {
    const certificate = this.#settings.verifyClient === "off" ? undefined : this.#socket.getPeerX509Certificate();
    if (certificate === undefined) return { certificate, problem: undefined };
    const problem = this.#socket.verifyProblem();
    if (problem !== undefined) return { certificate, problem };
    const { verifyDepth } = this.#settings;
    const isTooLong = issuersOf(this.#socket.getPeerCertificate(true)) - 1 > verifyDepth;
    const tooLong = { code: "CERT_CHAIN_TOO_LONG", message: "certificate chain too long" };
    return { certificate, problem: isTooLong ? tooLong : undefined };
  }
}

function hasSamePolicy(one: TlsSettings, other: TlsSettings): boolean {
  return one.verifyClient === other.verifyClient && one.verifyDepth === other.verifyDepth &&
    one.clientCertificate === other.clientCertificate && one.trustedCertificate === other.trustedCertificate &&
    one.crl === other.crl;
}

/** How many certificates stand above this one, the trusted one included. */
function issuersOf(certificate: PeerCertificate): number {
  let count = 0;
  let at: PeerCertificate | undefined = certificate;
  while (at !== undefined && "issuerCertificate" in at) {
    const issuer = (at as DetailedPeerCertificate).issuerCertificate as DetailedPeerCertificate | undefined;
    if (issuer === undefined || issuer === at || issuer.fingerprint256 === at.fingerprint256) break;
    count++;
    at = issuer;
  }
  return count;
}

/**
 * The id of a session, in hexadecimal.
 * @param session OpenSSL's SSL_SESSION as DER: a sequence of version, version of TLS, cipher, id and more
 */
function sessionId(session: Uint8Array | undefined): string | undefined {
  if (session === undefined || session[0] !== 0x30) return undefined;
  const sizeOfLength = (session[1] ?? 0) < 0x80 ? 1 : 1 + ((session[1] ?? 0) & 0x7f);
  let at = 1 + sizeOfLength;
  for (let skipped = 0; skipped < 3; skipped++) at += 2 + (session[at + 1] ?? 0);
  const id = session.subarray(at + 2, at + 2 + (session[at + 1] ?? 0));
  return id.length === 0 ? undefined : [...id].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
