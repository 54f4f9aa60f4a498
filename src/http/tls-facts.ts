/** What applications are told of a connection's TLS: the same object for all requests of a connection. */

/** A certificate that a client has shown. */
export interface ClientCertificate {
  /** PEM, the client's own first. */
  readonly chain: readonly string[];
  /** As nginx's `$ssl_client_verify`: "SUCCESS", "FAILED:reason". */
  readonly verify: string;
  /** Distinguished names as RFC 4514 writes them. */
  readonly subject: string;
  readonly issuer: string;
  /** In hexadecimal. */
  readonly serial: string;
  /** As OpenSSL prints them: "Nov 21 10:00:00 2026 GMT". */
  readonly validFrom: string;
  readonly validTo: string;
}

export interface TlsFacts {
  /** As OpenSSL names it: "TLSv1.3". */
  readonly protocol: string;
  /** OpenSSL's name. */
  readonly cipher: string;
  /** IANA's number of the cipher suite; undefined for one without. */
  readonly cipherSuite: number | undefined;
  /** What the client asked for by SNI, "" if nothing. */
  readonly serverName: string;
  /** PEM. */
  readonly serverCertificate: string;
  readonly client: ClientCertificate | undefined;
}
