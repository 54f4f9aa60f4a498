/** What nginx says with ssl_…, for one server: plain data, which names files and holds none of their contents. */

/** A certificate and its key: paths of PEM files, or "data:" with the PEM text itself. */
export interface TlsPair {
  readonly certificate: string;
  readonly key: string;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** Which answers of a certificate's authority handshakes carry along (OCSP stapling), and where they come from. */
export interface StaplingSettings {
  /** Of a response in DER, instead of asking for one. */
  readonly file: string | undefined;
  /** Who is asked instead of those that certificates name. */
  readonly responder: string | undefined;
  /** Does it matter who has signed a response? */
  readonly verify: boolean;
}

export interface TlsSettings {
  readonly certificates: readonly TlsPair[];
  /** Of passphrases, one a line: each is tried. */
  readonly passwordFile: string | undefined;
  /** The handshake is refused, whatever certificate there is. */
  readonly rejectHandshake: boolean;
  /** At least one, without gaps. */
  readonly protocols: readonly TlsVersion[];
  /** Up to TLS 1.2, in OpenSSL's words. */
  readonly ciphers: string;
  /** Of TLS 1.3. */
  readonly cipherSuites: string;
  readonly preferServerCiphers: boolean;
  /** In OpenSSL's words, "auto" for Mozilla's list. */
  readonly curves: string;
  readonly signatureAlgorithms: string | undefined;
  readonly dhparam: string | undefined;
  /** Bits of OpenSSL's SSL_OP_…, besides those of the other settings. */
  readonly optionBits: number;
  readonly sessionTimeoutMs: number;
  readonly sessionTickets: boolean;
  /** Files of 48 or 80 bytes: the first makes tickets, all are taken. Without any, keys are made at random. */
  readonly ticketKeyFiles: readonly string[];
  /** Sessions with an id, in memory of all threads; undefined for none. */
  readonly sessionCache: { readonly name: string; readonly size: number } | undefined;
  readonly verifyClient: "off" | "on" | "optional" | "optional_no_ca";
  /** Most certificates between the client's and the trusted one, which counts as well: nginx's ssl_verify_depth. */
  readonly verifyDepth: number;
  /** Whom clients are told that we trust. */
  readonly clientCertificate: string | undefined;
  /** Whom we trust without saying so. */
  readonly trustedCertificate: string | undefined;
  readonly crl: string | undefined;
  /** Undefined where nothing is stapled. */
  readonly stapling: StaplingSettings | undefined;
}

/** The contents of files by their paths, latin-1. Read by the master, which may read keys; never logged. */
export type TlsFiles = ReadonlyMap<string, string>;

/** Is the value the text itself? */
const INLINE = "data:";

/** Every file that the settings name. */
export function filesOf(settings: TlsSettings): readonly string[] {
  const { certificates, passwordFile, dhparam, ticketKeyFiles, clientCertificate, trustedCertificate, crl } = settings;
  const { stapling } = settings;
  const named = [
    ...certificates.flatMap(({ certificate, key }) => [certificate, key]),
    passwordFile, dhparam, ...ticketKeyFiles, clientCertificate, trustedCertificate, crl, stapling?.file,
  ];
  return [...new Set(named.filter((path) => path !== undefined && !path.startsWith(INLINE)))] as readonly string[];
}

/** A file's name for messages: what stands in the configuration itself is not shown. */
export function shownName(name: string): string {
  return name.startsWith(INLINE) ? `${INLINE}...` : name;
}

/** The text of a file, or of "data:…"; undefined when it could not be read. */
export function textOf(files: TlsFiles, name: string): string | undefined {
  return name.startsWith(INLINE) ? name.slice(INLINE.length) : files.get(name);
}
