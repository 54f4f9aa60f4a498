/** What applications are told of connections. Those that differ in nothing share an object, which is told once. */
import type { X509Certificate } from "node:crypto";
import type { SecureSocket } from "../net/index.ts";
import type { ClientCertificate, TlsFacts } from "../http/tls-facts.ts";
import { distinguishedName } from "./client-certificate.ts";
import { cipherNumber } from "./iana-names.ts";

/** Kinds of connection that are remembered; then they begin anew. */
const KNOWN_MAX = 256;
/** Certificates of a client's chain. */
const CHAIN_MAX = 16;

export class KnownFacts {
  readonly #known = new Map<string, TlsFacts>();

  /** @param client what it has shown, of which no two connections share an object */
  of(socket: SecureSocket, serverName: string, client: ClientCertificate | undefined): TlsFacts {
    const protocol = socket.getProtocol() ?? "";
    const cipher = socket.getCipher()?.name ?? "";
    const own = socket.getX509Certificate();
    const key = client === undefined ? `${protocol} ${cipher} ${serverName} ${own?.fingerprint256 ?? ""}` : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const serverCertificate = own?.toString() ?? "";
    const facts = { protocol, cipher, cipherSuite: cipherNumber(cipher), serverName, serverCertificate, client };
    if (key !== undefined) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(key, facts);
    }
    return facts;
  }
}

/** @param verify as `$ssl_client_verify` */
export function clientCertificate(certificate: X509Certificate, verify: string): ClientCertificate {
  const chain: string[] = [];
  for (let at: X509Certificate | undefined = certificate; at !== undefined && chain.length < CHAIN_MAX;) {
    chain.push(at.toString());
    at = at.issuerCertificate;
  }
  const { subject, issuer, serialNumber: serial, validFrom, validTo } = certificate;
  const names = { subject: distinguishedName(subject), issuer: distinguishedName(issuer) };
  return { chain, verify, ...names, serial, validFrom, validTo };
}
