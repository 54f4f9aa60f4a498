/**
 * The reading half of the PROXY protocol as a pure machine: bytes in, one header out (HAProxy's "The PROXY protocol",
 * versions 1 and 2, §2). Both versions are taken, whichever comes; what is neither is refused at its first wrong byte.
 *
 * Deviates: what a header says of something else than TCP over IP (families, transports and commands that are not
 * known included) is passed over, as in nginx, and the connection's own addresses count.
 */
import { addressText } from "../../std/address-text.ts";
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, concatBytes, copyBytes, fromLatin1 } from "../../std/bytes.ts";
import { parseIpAddress } from "../../std/ip-address.ts";
import { readTlvs } from "./tlv.ts";
import type { ProxyTlv } from "./tlv.ts";

/** nginx: NGX_PROXY_PROTOCOL_MAX_HEADER. */
export const PROXY_HEADER_SIZE_MAX = 4096;

const SIGNATURE_V1 = fromLatin1("PROXY ");
const SIGNATURE_V2 = fromLatin1("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family and transport, length of the rest. */
const HEAD_SIZE_V2 = 16;
const VERSION_2 = 2;
const COMMAND_PROXY = 1;
const TRANSPORT_STREAM = 1;
/** AF_INET and AF_INET6: bytes of one address. */
const addressSizes: ReadonlyMap<number, 4 | 16> = new Map([[1, 4], [2, 16]]);
const PORT_SIZE = 2;
const PORT_MAX = 65_535;
/** Version 1 has no more in a line. */
const SHOWN_SIZE_MAX = 107;

export interface ProxyEnd {
  /** As it was sent by version 1; RFC 5952's text of version 2's bytes. */
  readonly address: string;
  /** undefined for 0, as in nginx. */
  readonly port: number | undefined;
}

export interface ProxyHeader {
  readonly kind: "header";
  readonly source: ProxyEnd;
  readonly destination: ProxyEnd;
  readonly tlvs: readonly ProxyTlv[];
}

export interface ProxyViolation {
  readonly kind: "violation";
  /** For the log. */
  readonly reason: string;
}

/** `unknown`: the proxy speaks for itself, or of what it cannot say here. */
export type ProxyEvent = "need-data" | ProxyHeader | { readonly kind: "unknown" } | ProxyViolation;

const UNKNOWN: ProxyEvent = { kind: "unknown" };

export class ProxyHeaderReader {
  #bytes: Bytes = NO_BYTES;
  /** Bytes of the header, once it is read. */
  #size = 0;

  /**
   * Takes bytes that are valid during the call, and says what they and those before are. Nothing may follow a result
   * other than "need-data".
   */
  receive(bytes: Bytes): ProxyEvent {
    this.#bytes = this.#bytes.length === 0 ? bytes : concatBytes([this.#bytes, bytes]);
    const event = this.#read();
    if (event === "need-data" && this.#bytes === bytes) this.#bytes = copyBytes(bytes);
    return event;
  }

  /** What came behind the header; valid as long as what was received last. */
  takeRest(): Bytes {
    return this.#bytes.subarray(this.#size);
  }

  #read(): ProxyEvent {
    const bytes = this.#bytes;
    if (startsAlike(bytes, SIGNATURE_V1)) return bytes.length < SIGNATURE_V1.length ? "need-data" : this.#readV1();
    if (startsAlike(bytes, SIGNATURE_V2)) return bytes.length < HEAD_SIZE_V2 ? "need-data" : this.#readV2();
    return broken(bytes);
  }

  #readV1(): ProxyEvent {
    const bytes = this.#bytes;
    const end = bytes.indexOf("\r\n");
    if (end < 0 || end + 2 > PROXY_HEADER_SIZE_MAX) {
      return end < 0 && bytes.length < PROXY_HEADER_SIZE_MAX ? "need-data" : tooLarge;
    }
    this.#size = end + 2;
    const line = bytes.latin1Slice(SIGNATURE_V1.length, end);
    if (/^UNKNOWN[^\r\n]*$/.test(line)) return UNKNOWN;
    const [, version, from = "", to = "", fromPort = "", toPort = ""] =
      /^TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? [];
    const source = endOf(from, fromPort, Number(version));
    const destination = endOf(to, toPort, Number(version));
    if (source === undefined || destination === undefined) return broken(bytes);
    return { kind: "header", source, destination, tlvs: [] };
  }

  #readV2(): ProxyEvent {
    const bytes = this.#bytes;
    const [command, version] = halves(bytes.readUInt8(12));
    const [transport, family] = halves(bytes.readUInt8(13));
    if (version !== VERSION_2) return { kind: "violation", reason: `unknown PROXY protocol version: ${version}` };
    const size = HEAD_SIZE_V2 + bytes.readUInt16BE(14);
    if (size > PROXY_HEADER_SIZE_MAX) return tooLarge;
    if (bytes.length < size) return "need-data";
    this.#size = size;
    const addressSize = addressSizes.get(family);
    if (command !== COMMAND_PROXY || transport !== TRANSPORT_STREAM || addressSize === undefined) return UNKNOWN;
    const toAt = HEAD_SIZE_V2 + addressSize;
    const portsAt = toAt + addressSize;
    const tlvsAt = portsAt + PORT_SIZE * 2;
    if (tlvsAt > size) return broken(bytes);
    const version4or6 = addressSize === 4 ? 4 : 6;
    const ending = (at: number, portAt: number): ProxyEnd => {
      const value = BigInt(`0x${bytes.toString("hex", at, at + addressSize)}`);
      return { address: addressText({ version: version4or6, value }), port: portOf(bytes.readUInt16BE(portAt)) };
    };
    return {
      kind: "header",
      source: ending(HEAD_SIZE_V2, portsAt),
      destination: ending(toAt, portsAt + PORT_SIZE),
      tlvs: readTlvs(bytes, tlvsAt, size),
    };
  }
}

const tooLarge: ProxyViolation = { kind: "violation", reason: "header is too large" };

/** Shown with what is no text written as \xNN, of a text the first line: it may be anything. */
function broken(bytes: Bytes): ProxyViolation {
  const text = bytes.latin1Slice(0, Math.min(bytes.length, SHOWN_SIZE_MAX));
  const shown = (/^(?:(?!\r\n).)+/s.exec(text)?.[0] ?? text).replace(/[^ !#-[\]-~]/g, (each) =>
    `\\x${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  return { kind: "violation", reason: `broken header: "${shown}"` };
}

/** Are all bytes that came those of the signature? */
function startsAlike(bytes: Bytes, signature: Bytes): boolean {
  const size = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, size, 0, size) === 0;
}

/** @returns the lower and the higher four bits */
function halves(byte: number): readonly [low: number, high: number] {
  return [byte & 0x0f, byte >> 4];
}

function endOf(address: string, digits: string, version: number): ProxyEnd | undefined {
  const port = Number(digits);
  if (parseIpAddress(address)?.version !== version || port > PORT_MAX) return undefined;
  return { address, port: portOf(port) };
}

function portOf(port: number): number | undefined {
  return port === 0 ? undefined : port;
}
