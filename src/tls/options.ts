/**
 * TLS as gunicorn and uvicorn have it on the command line: a certificate, a key, and whom clients must be.
 */
import { choice, text } from "../config/arguments.ts";
import type { AnyRow, OptionRow, World } from "../config/directive.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive } from "../config/statements.ts";

const certfileRow: OptionRow<string> = {
  name: "certfile",
  aliases: ["ssl-certfile"],
  argument: text("PATH"),
  group: "TLS",
  doc: "Speak HTTPS with this certificate: PEM, those of the authorities in between behind it.",
  example: "tricorn shop.wsgi --bind :8443 --certfile cert.pem --keyfile key.pem",
  nginx: "ssl_certificate",
};

const keyfileRow: OptionRow<string> = {
  name: "keyfile",
  aliases: ["ssl-keyfile"],
  argument: text("PATH"),
  group: "TLS",
  doc: "The certificate's key, PEM; left out if it is in the same file.",
  example: "tricorn shop.wsgi --bind :8443 --certfile cert.pem --keyfile key.pem",
  nginx: "ssl_certificate_key",
};

const passwordRow: OptionRow<string> = {
  name: "ssl-keyfile-password",
  argument: text("TEXT"),
  group: "TLS",
  doc: "What the key is encrypted with. Everybody on the machine can read a command line: better in the environment, "
    + "as TRICORN_SSL_KEYFILE_PASSWORD.",
  example: "tricorn shop.wsgi --certfile cert.pem --keyfile key.pem --ssl-keyfile-password secret",
  nginx: "ssl_password_file",
};

const authoritiesRow: OptionRow<string> = {
  name: "ca-certs",
  aliases: ["ssl-ca-certs"],
  argument: text("PATH"),
  group: "TLS",
  doc: "Authorities that sign the certificates of clients, PEM.",
  example: "tricorn shop.wsgi --certfile cert.pem --keyfile key.pem --ca-certs clients.pem --cert-reqs 2",
  nginx: "ssl_client_certificate",
};

const requirementRow: OptionRow<string> = {
  name: "cert-reqs",
  aliases: ["ssl-cert-reqs"],
  argument: choice(["0", "1", "2"]),
  group: "TLS",
  doc: "Must clients show a certificate? 0: no; 1: they may, and then it must be a good one; 2: they must.",
  example: "tricorn shop.wsgi --certfile cert.pem --keyfile key.pem --ca-certs clients.pem --cert-reqs 2",
  nginx: "ssl_verify_client",
};

const ciphersRow: OptionRow<string> = {
  name: "ciphers",
  aliases: ["ssl-ciphers"],
  argument: text("LIST"),
  group: "TLS",
  doc: "Ciphers of TLS up to 1.2, as OpenSSL writes them.",
  example: "tricorn shop.wsgi --certfile cert.pem --keyfile key.pem --ciphers ECDHE+AESGCM",
  nginx: "ssl_ciphers",
};

export const tlsOptionRows: readonly AnyRow[] = [
  certfileRow, keyfileRow, passwordRow, authoritiesRow, requirementRow, ciphersRow,
];

/** What ssl_verify_client calls the numbers of Python's ssl.CERT_…. */
const requirements: Readonly<Record<string, string>> = { 0: "off", 1: "optional", 2: "on" };

/**
 * What the one server says of TLS.
 * @returns undefined where it speaks HTTP; then the options that would need TLS are complained about
 */
export function tlsStatements(
  values: OptionValues, world: World, report: (diagnostic: Diagnostic) => void,
): readonly Statement[] | undefined {
  const certificate = values.optional(certfileRow);
  if (certificate === undefined) {
    const needing = tlsOptionRows.find((row) => values.source(row) !== "default");
    if (needing !== undefined) {
      report(error(`--${needing.name} was given without --certfile`, "name the certificate: --certfile cert.pem"));
    }
    return undefined;
  }
  const path = (text: string): string => (text.startsWith("/") ? text : `${world.cwd}/${text}`);
  const [password, authorities, ciphers] = [passwordRow, authoritiesRow, ciphersRow].map((row) => values.optional(row));
  const requirement = requirements[values.optional(requirementRow) ?? "0"] ?? "off";
  if (requirement !== "off" && authorities === undefined) {
    report(error("--cert-reqs was given without --ca-certs", "name who signs the certificates of clients: --ca-certs"));
  }
  return [
    directive("ssl_certificate", path(certificate)),
    directive("ssl_certificate_key", path(values.optional(keyfileRow) ?? certificate)),
    ...(password === undefined ? [] : [directive("ssl_password_file", `data:${password}`)]),
    ...(authorities === undefined ? [] : [directive("ssl_client_certificate", path(authorities))]),
    ...(requirement === "off" ? [] : [directive("ssl_verify_client", requirement)]),
    ...(ciphers === undefined ? [] : [directive("ssl_ciphers", ciphers)]),
  ];
}
