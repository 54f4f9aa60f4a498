/** How applications are told of their connection's TLS: once, with a base of the wire. */
import type { TlsFacts } from "../http/tls-facts.ts";
import type { MarshalWriter } from "../protocol/wire/index.ts";
import { fromUtf8 } from "../std/bytes.ts";

/** Numbers on the wire (RFC 8446 §4.1.2, RFC 5246 §A.1 and before). */
const VERSIONS: Readonly<Record<string, number>> = {
  "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304,
};

/** An upper bound of what the two functions below write, in bytes. */
export function tlsSizeMax({ serverName, serverCertificate, client }: TlsFacts): number {
  const ofClient = client === undefined ? [] : [client.subject, client.issuer, client.serial, ...client.chain];
  const texts = [serverName, serverCertificate, ...ofClient];
  // A character takes three bytes of UTF-8 at most.
  return texts.reduce((size, text) => size + text.length * 3 + 8, 1024);
}

/** Writes the pairs of a scope's `scheme` and `tls` (ASGI, "TLS Extension" 0.2). */
export function writeScopeTls(writer: MarshalWriter, facts: TlsFacts): void {
  const { protocol, cipherSuite, serverCertificate, client } = facts;
  const number = (value: number | undefined): void => (value === undefined ? writer.none() : writer.int(value));
  writer.interned("scheme");
  writer.latin1("https");
  writer.interned("tls");
  writer.beginDict();
  writer.interned("server_cert");
  writer.latin1(serverCertificate);
  writer.interned("client_cert_chain");
  const chain = client?.chain ?? [];
  writer.list(chain.length);
  for (const certificate of chain) writer.latin1(certificate);
  writer.interned("client_cert_name");
  if (client === undefined) writer.none();
  else writer.unicode(client.subject);
  writer.interned("client_cert_error");
  if (client === undefined || client.verify === "SUCCESS") writer.none();
  else writer.unicode(client.verify.replace(/^FAILED:/, ""));
  writer.interned("tls_version");
  number(VERSIONS[protocol]);
  writer.interned("cipher_suite");
  number(cipherSuite);
  writer.endDict();
}

/** Writes the pairs of an environ: CGI's HTTPS, and SSL_… as Apache's mod_ssl names them. */
export function writeEnvironTls(writer: MarshalWriter, { protocol, cipher, serverName, client }: TlsFacts): void {
  const pairs = [
    ["wsgi.url_scheme", "https"], ["HTTPS", "on"], ["SSL_PROTOCOL", protocol], ["SSL_CIPHER", cipher],
    ["SSL_TLS_SNI", serverName], ["SSL_CLIENT_VERIFY", client?.verify ?? "NONE"],
  ];
  if (client !== undefined) {
    const { subject, issuer, serial, validFrom, validTo, chain: [certificate = ""] } = client;
    pairs.push(["SSL_CLIENT_S_DN", subject], ["SSL_CLIENT_I_DN", issuer], ["SSL_CLIENT_M_SERIAL", serial]);
    pairs.push(["SSL_CLIENT_V_START", validFrom], ["SSL_CLIENT_V_END", validTo], ["SSL_CLIENT_CERT", certificate]);
  }
  for (const [key = "", value = ""] of pairs) {
    writer.interned(key);
    writer.latin1(bytesOf(value));
  }
}

/** PEP 3333: a character stands for a byte, of UTF-8 here. */
function bytesOf(text: string): string {
  return fromUtf8(text).latin1Slice();
}
