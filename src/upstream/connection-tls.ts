/**
 * TLS toward upstreams: contexts of what the settings name, made once, and sessions to resume.
 * Files are read when the first connection needs them, and kept: a reload reads them anew.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:crypto";
import { isIP } from "node:net";
import * as tls from "node:tls";
import type { TlsConnectOptions } from "../net/index.ts";
import type { Bytes } from "../std/bytes.ts";
import { systemReason } from "../std/system-reason.ts";

/** What nginx says with proxy_ssl_…, evaluated; made by `tlsClientSettings`. */
export interface TlsClientSettings extends TlsClientParts {
  /** Connections of the same digest can stand for one another. */
  readonly digest: string;
}

export interface TlsClientParts {
  /** proxy_ssl_name, or the host of proxy_pass: what the certificate must be for. */
  readonly name: string;
  /** Does the handshake say the name? Never where it is an IP address (RFC 6066 §3). */
  readonly serverName: boolean;
  readonly verify: boolean;
  /** Most certificates between the peer's own and the trusted one. */
  readonly verifyDepth: number;
  /** Paths of PEM files. */
  readonly trustedCertificate: string | undefined;
  readonly crl: string | undefined;
  readonly certificate: string | undefined;
  readonly certificateKey: string | undefined;
  /** Of passphrases, one a line: each is tried. */
  readonly passwordFile: string | undefined;
  /** "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3". */
  readonly protocols: readonly string[];
  /** In OpenSSL's words. */
  readonly ciphers: string;
  readonly sessionReuse: boolean;
  /** What ALPN offers; undefined: no ALPN. */
  readonly alpn?: string | undefined;
}

/** Files that a connection needs are not there, or are not what they should be. */
export class CertificateProblem extends Error {}

/** Contexts and sessions that are kept; beyond it the oldest are forgotten. */
const CONTEXT_COUNT_MAX = 100;
const SESSION_COUNT_MAX = 1000;

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
const WITHOUT_VERSION: Readonly<Record<string, number>> = {
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1, "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
};

/** Left out, node would trust some hundred authorities of its own, and read them all for each context. */
const NOBODY: string[] = [];

/** Adds the digest. To be called once for all requests that have the same parts. */
export function tlsClientSettings(parts: TlsClientParts): TlsClientSettings {
  return { ...parts, digest: JSON.stringify(Object.entries(parts).sort(([one], [other]) => (one < other ? -1 : 1))) };
}

/** What a thread remembers for its TLS connections. */
export class TlsClients {
  readonly #contexts = new Map<string, tls.SecureContext | CertificateProblem>();
  readonly #sessions = new Map<string, Bytes>();

  /** @param peerName whose sessions are resumed */
  options(settings: TlsClientSettings, peerName: string): TlsConnectOptions | CertificateProblem {
    const context = this.#context(settings);
    if (context instanceof CertificateProblem) return context;
    const { name, serverName, verify, verifyDepth, sessionReuse, alpn, digest } = settings;
    const key = `${peerName} ${digest}`;
    const session = sessionReuse ? this.#sessions.get(key) : undefined;
    const options: tls.ConnectionOptions = {
      secureContext: context,
      rejectUnauthorized: verify,
      checkServerIdentity: (_host, certificate) => checkPeer(name, verifyDepth, certificate),
      ...(serverName && isIP(name) === 0 ? { servername: name } : {}),
      ...(session === undefined ? {} : { session }),
      ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
    };
    const onSession = (made: Bytes): void => {
      if (sessionReuse) putBounded(this.#sessions, key, made, SESSION_COUNT_MAX);
    };
    return { options, onSession };
  }

  #context(settings: TlsClientSettings): tls.SecureContext | CertificateProblem {
    const known = this.#contexts.get(settings.digest);
    if (known !== undefined) return known;
    const made = makeContext(settings);
    putBounded(this.#contexts, settings.digest, made, CONTEXT_COUNT_MAX);
    return made;
  }
}

function makeContext(settings: TlsClientSettings): tls.SecureContext | CertificateProblem {
  try {
    const { protocols, ciphers } = settings;
    const wanted = VERSIONS.filter((version) => protocols.includes(version));
    const [first = "TLSv1.2", last = first] = [wanted[0], wanted.at(-1)];
    const between = VERSIONS.slice(VERSIONS.indexOf(first), VERSIONS.indexOf(last));
    const unwanted = between.filter((version) => !wanted.includes(version));
    const secureOptions = unwanted.reduce((bits, version) => bits | (WITHOUT_VERSION[version] ?? 0), 0);
    return tls.createSecureContext({
      minVersion: first, maxVersion: last, secureOptions, ciphers, ...trust(settings), ...ownCertificate(settings),
    });
  } catch (problem) {
    // It is what the peer's connections fail with: the operator reads it in the log of each.
    if (problem instanceof CertificateProblem) return problem;
    return new CertificateProblem(systemReason(problem));
  }
}

/** Who may vouch for the peer. Without verification nobody is asked, and the files need not be there. */
function trust({ verify, trustedCertificate, crl }: TlsClientSettings): tls.SecureContextOptions {
  const ca = verify ? read(trustedCertificate) : undefined, revoked = verify ? read(crl) : undefined;
  return { ca: ca ?? NOBODY, ...(revoked === undefined ? {} : { crl: revoked }) };
}

/** Errors: those of OpenSSL when no passphrase opens the key. */
function ownCertificate(settings: TlsClientSettings): tls.SecureContextOptions {
  const cert = read(settings.certificate), key = read(settings.certificateKey);
  if (cert === undefined || key === undefined) return {};
  const words = read(settings.passwordFile)?.split("\n").filter((line) => line !== "") ?? [];
  for (const passphrase of words) {
    try {
      tls.createSecureContext({ key, passphrase, ca: NOBODY });
      return { cert, key, passphrase };
    } catch {
      // The next one may fit; when none does, the key is tried without, and that is the error.
    }
  }
  return { cert, key };
}

function read(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "latin1");
  } catch (problem) {
    throw new CertificateProblem(`cannot load "${path}": ${systemReason(problem)}`);
  }
}

/** What node asks about a certificate that is trusted. @returns why it is not the peer's, undefined when it is */
function checkPeer(name: string, depthMax: number, certificate: tls.PeerCertificate): Error | undefined {
  let depth = 0;
  let at: tls.PeerCertificate | undefined = certificate;
  // The trusted one is its own issuer, or the last that is known.
  while (at !== undefined && "issuerCertificate" in at) {
    const issuer = (at as tls.DetailedPeerCertificate).issuerCertificate as tls.DetailedPeerCertificate | undefined;
    if (issuer === undefined || issuer === at || issuer.fingerprint256 === at.fingerprint256) break;
    depth++;
    at = issuer;
  }
  if (depth - 1 > depthMax) return new Error("22:certificate chain too long");
  const problem = tls.checkServerIdentity(name, certificate);
  return problem === undefined ? undefined : new Error(`certificate does not match "${name}"`);
}

function putBounded<V>(map: Map<string, V>, key: string, value: V, countMax: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= countMax) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
