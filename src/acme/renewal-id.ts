/**
 * A certificate's name for its issuer (RFC 9773 §4.1): the key identifier of who signed it, and its own serial number,
 * each as it stands in the certificate. Node reads neither as it stands, so the few steps through DER (X.690 §8) to
 * them are here; the certificate was read by Node before, so it is one.
 */
import { X509Certificate } from "node:crypto";

/** A value in DER. */
interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

const SEQUENCE = 0x30, INTEGER = 0x02, OBJECT_ID = 0x06, OCTET_STRING = 0x04, CONTEXT_0 = 0x80, EXTENSIONS = 0xa3;
/** 2.5.29.35, RFC 5280 §4.2.1.1. */
const AUTHORITY_KEY_IDENTIFIER = Buffer.from([0x55, 0x1d, 0x23]);

/**
 * @param chain PEM; its first certificate counts
 * @returns undefined for a certificate that does not say whose key has signed it
 */
export function renewalId(chain: string): string | undefined {
  const { raw } = new X509Certificate(chain);
  const [certificate] = elements(raw, SEQUENCE);
  const [toBeSigned] = elements(certificate?.content, SEQUENCE);
  const fields = elements(toBeSigned?.content);
  const serial = fields.find(({ tag }) => tag === INTEGER);
  const [list] = elements(fields.find(({ tag }) => tag === EXTENSIONS)?.content, SEQUENCE);
  const extension = elements(list?.content, SEQUENCE).map(({ content }) => elements(content)).find(([id]) =>
    id?.tag === OBJECT_ID && id.content.equals(AUTHORITY_KEY_IDENTIFIER));
  const value = extension?.find(({ tag }) => tag === OCTET_STRING);
  const [identifier] = elements(value?.content, SEQUENCE);
  const [keyId] = elements(identifier?.content, CONTEXT_0);
  if (serial === undefined || keyId === undefined) return undefined;
  return `${keyId.content.toString("base64url")}.${serial.content.toString("base64url")}`;
}

/** The values that stand one after another, up to what is none. @param tag only those with it */
function elements(bytes: Buffer | undefined, tag?: number): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; bytes !== undefined && at + 2 <= bytes.length;) {
    const first = bytes[at + 1] ?? 0;
    // Up to 127 the size itself; above, how many bytes it has.
    const sizeBytes = first < 0x80 ? 0 : first - 0x80;
    if (sizeBytes > 4 || at + 2 + sizeBytes > bytes.length) break;
    const size = sizeBytes === 0 ? first : bytes.readUIntBE(at + 2, sizeBytes);
    const start = at + 2 + sizeBytes;
    if (start + size > bytes.length) break;
    found.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return tag === undefined ? found : found.filter((element) => element.tag === tag);
}
