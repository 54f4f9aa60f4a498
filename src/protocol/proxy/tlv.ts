/** Further facts of the PROXY protocol's second version: a type, a length, a value (its specification, §2.2). */
import type { Bytes } from "../../std/bytes.ts";
import { fromLatin1 } from "../../std/bytes.ts";

export interface ProxyTlv {
  /** A byte. */
  readonly type: number;
  /** Bytes, one character each. */
  readonly value: string;
}

const HEAD_SIZE = 3;
const SSL = 0x20;
/** Of PP2_TYPE_SSL: which kinds of TLS there were (a byte), whether the certificate held (4), then what is in it. */
const SSL_VERIFY_AT = 1, SSL_HEAD_SIZE = 5;

/** What nginx calls them (`$proxy_protocol_tlv_name`). */
const types: ReadonlyMap<string, number> = new Map([
  ["alpn", 0x01], ["authority", 0x02], ["unique_id", 0x05], ["ssl", SSL], ["netns", 0x30],
]);
/** Those within PP2_TYPE_SSL. */
const sslTypes: ReadonlyMap<string, number> = new Map([
  ["version", 0x21], ["cn", 0x22], ["cipher", 0x23], ["sig_alg", 0x24], ["key_alg", 0x25],
]);

/** All TLVs of `bytes[start, end)`. As in nginx, one that is longer than the rest ends them. */
export function readTlvs(bytes: Bytes, start: number, end: number): readonly ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = start; at + HEAD_SIZE <= end;) {
    const valueAt = at + HEAD_SIZE;
    const next = valueAt + bytes.readUInt16BE(at + 1);
    if (next > end) break;
    tlvs.push({ type: bytes.readUInt8(at), value: bytes.latin1Slice(valueAt, next) });
    at = next;
  }
  return tlvs;
}

/**
 * The value that `$proxy_protocol_tlv_name` has.
 * @param name a name of nginx's or the type as "0x2a"; with "ssl_" in front, one within PP2_TYPE_SSL
 * @returns bytes, one character each; the number of `ssl_verify` in decimal; undefined where there is none
 */
export function tlvNamed(tlvs: readonly ProxyTlv[], name: string): string | undefined {
  if (!name.startsWith("ssl_")) return valueOf(tlvs, typeOf(name, types));
  const ssl = valueOf(tlvs, SSL);
  if (ssl === undefined || ssl.length < SSL_HEAD_SIZE) return undefined;
  const bytes = fromLatin1(ssl);
  const inner = name.slice("ssl_".length);
  if (inner === "verify") return String(bytes.readUInt32BE(SSL_VERIFY_AT));
  return valueOf(readTlvs(bytes, SSL_HEAD_SIZE, bytes.length), typeOf(inner, sslTypes));
}

function typeOf(name: string, known: ReadonlyMap<string, number>): number | undefined {
  const digits = /^0x([0-9a-f]{1,16})$/i.exec(name)?.[1];
  return digits === undefined ? known.get(name) : Number.parseInt(digits, 16);
}

/** The first of a type. */
function valueOf(tlvs: readonly ProxyTlv[], type: number | undefined): string | undefined {
  return tlvs.find((tlv) => tlv.type === type)?.value;
}
