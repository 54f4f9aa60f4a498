/** A certificate with its key, as it is kept in one file: first the key, then the chain, all PEM. Checked when read. */
import { X509Certificate, createHash } from "node:crypto";
import { type Result, err, ok } from "../std/result.ts";
import { keyTypeOf, readKey } from "./key-types.ts";
import type { Validity } from "./renewal.ts";
import type { KeyType } from "./settings.ts";

export interface Certificate extends Validity {
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly chain: string;
  readonly key: string;
  /** From 0 up to 1, of the certificate itself: when in a span of time it is its turn. */
  readonly chance: number;
  /** The SHA-256 of its bytes, hexadecimal: which certificate it is. */
  readonly fingerprint: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const KEY = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----[^-]+-----END (?:EC |RSA )?PRIVATE KEY-----/;
/** More than three between a certificate and its root is nobody's. */
const CHAIN_COUNT_MAX = 16;

/** The text of a certificate's file. */
export function certificateText({ key, chain }: Pick<Certificate, "key" | "chain">): string {
  return `${key.trimEnd()}\n${chain.trimEnd()}\n`;
}

/**
 * Reads the text of a file, or what an issuer gave with the key that was made for it.
 * @returns what is wrong with it, as the end of a sentence: "has no private key"
 */
export function readCertificate(text: string): Result<Certificate, string> {
  const [keyText] = KEY.exec(text) ?? [];
  const certificates = text.match(CERTIFICATE) ?? [];
  const [leafText] = certificates;
  if (keyText === undefined) return err("has no private key");
  if (leafText === undefined) return err("has no certificate");
  if (certificates.length > CHAIN_COUNT_MAX) return err(`has more than ${CHAIN_COUNT_MAX} certificates`);
  const key = readKey(keyText);
  const keyType = key && keyTypeOf(key);
  if (key === undefined || keyType === undefined) return err("has a private key that cannot be read");
  const leaves: X509Certificate[] = [];
  try {
    for (const certificate of certificates) leaves.push(new X509Certificate(certificate));
  } catch {
    return err("has a certificate that cannot be read");
  }
  const [leaf] = leaves;
  if (leaf?.checkPrivateKey(key) !== true) return err("has a certificate for another key");
  const names = namesOf(leaf);
  if (names.length === 0) return err("has a certificate without names");
  const digest = createHash("sha256").update(leaf.raw).digest();
  return ok({
    names,
    keyType,
    chain: `${certificates.join("\n")}\n`,
    key: `${keyText}\n`,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    chance: digest.readUInt32BE(0) / 2 ** 32,
    fingerprint: digest.toString("hex"),
  });
}

/** Has the certificate all these names? */
export function coversAll({ names }: Pick<Certificate, "names">, wanted: readonly string[]): boolean {
  return wanted.every((name) => names.includes(name));
}

/** DNS names, in lower case: "DNS:example.org, DNS:www.example.org"; names with commas or quotes are no host's. */
function namesOf(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? "").split(", ").flatMap((entry) =>
    (entry.startsWith("DNS:") ? [entry.slice("DNS:".length).toLowerCase()] : []));
}
