/**
 * The first bytes of a client on a port for TLS: a ClientHello (RFC 8446 §4.1.2), plain HTTP, or neither.
 *
 * Only what has to be known before the handshake is read: the name of SNI, which says whose certificates and rules
 * count, ALPN, and the lists that variables show. All else is OpenSSL's, which reads the same bytes afterwards; so what
 * is malformed here is refused rather than guessed, that both may never see different names.
 */
import { asBytes } from "../../std/bytes.ts";

/** Most bytes that are kept of a client without a handshake: records, with their heads. Browsers send below 3 KB. */
export const CLIENT_HELLO_SIZE_MAX = 16_384;

export interface ClientHello {
  /** SNI as it was sent, latin-1; undefined without. */
  readonly serverName: string | undefined;
  /** ALPN, latin-1. */
  readonly protocols: readonly string[];
  /** Numbers of IANA's registries, in the client's order. */
  readonly ciphers: readonly number[];
  readonly groups: readonly number[];
}

export type FirstBytes =
  /** `size` bytes are needed at least. */
  | { readonly kind: "need-data"; readonly size: number }
  | { readonly kind: "hello"; readonly hello: ClientHello }
  /** No TLS: what an HTTP request may begin with. */
  | { readonly kind: "plain" }
  /** `alert` is what the client is told, undefined where it speaks no TLS. */
  | {
      readonly kind: "violation";
      readonly reason: string;
      readonly alert: "decode_error" | "record_overflow" | "unexpected_message" | undefined;
    };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEAD_SIZE = 5;
const MESSAGE_HEAD_SIZE = 4;
/** RFC 8446 §5.1. */
const RECORD_SIZE_MAX = 16_384;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_GROUPS = 10;
const EXTENSION_ALPN = 16;
const HOST_NAME = 0;
const NAME_SIZE_MAX = 255;

/** @param bytes all that the client has sent so far */
export function readClientHello(bytes: Uint8Array): FirstBytes {
  const [first] = bytes;
  if (first === undefined) return { kind: "need-data", size: 1 };
  if (first !== HANDSHAKE) {
    // RFC 9112 §2.2: empty lines before a request are passed over; its method is a token.
    if (/[\r\n!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(first))) return { kind: "plain" };
    return { kind: "violation", reason: "neither TLS nor HTTP", alert: undefined };
  }
  const gathered = gather(bytes);
  if (!(gathered instanceof Uint8Array)) return gathered;
  const hello = readHello(new Reader(gathered));
  return hello === undefined ? refuse("decode_error", "malformed ClientHello") : { kind: "hello", hello };
}

function refuse(alert: "decode_error" | "record_overflow" | "unexpected_message", reason: string): FirstBytes {
  return { kind: "violation", reason, alert };
}

/** The ClientHello out of its records, without its head. */
function gather(bytes: Uint8Array): Uint8Array | FirstBytes {
  const parts: Uint8Array[] = [];
  let size = 0;
  let wanted = MESSAGE_HEAD_SIZE;
  let at = 0;
  while (size < wanted) {
    if (bytes.length < at + RECORD_HEAD_SIZE) return needed(at + RECORD_HEAD_SIZE);
    const [type, major] = bytes.subarray(at);
    const length = uint16(bytes, at + 3);
    if (type !== HANDSHAKE) return refuse("unexpected_message", `a record of type ${type} before the ClientHello`);
    if (major !== 3) return refuse("decode_error", "a record of another protocol");
    // RFC 8446 §5.1: no empty ones.
    if (length === 0) return refuse("unexpected_message", "an empty record");
    if (length > RECORD_SIZE_MAX) return refuse("record_overflow", "a record that is too long");
    const end = at + RECORD_HEAD_SIZE + length;
    if (bytes.length < end || end > CLIENT_HELLO_SIZE_MAX) return needed(end);
    parts.push(bytes.subarray(at + RECORD_HEAD_SIZE, end));
    size += length;
    at = end;
    if (wanted === MESSAGE_HEAD_SIZE && size >= MESSAGE_HEAD_SIZE) {
      const head = joined(parts, MESSAGE_HEAD_SIZE);
      if (head[0] !== CLIENT_HELLO) return refuse("unexpected_message", "a handshake without a ClientHello");
      wanted += ((head[1] ?? 0) << 16) | uint16(head, 2);
      if (wanted > CLIENT_HELLO_SIZE_MAX) return refuse("decode_error", "a ClientHello that is too long");
    }
  }
  // RFC 8446 §5.1: nothing of another key epoch may stand behind it in its record.
  if (size > wanted) return refuse("unexpected_message", "bytes behind the ClientHello");
  return joined(parts, wanted).subarray(MESSAGE_HEAD_SIZE);
}

function needed(size: number): FirstBytes {
  if (size > CLIENT_HELLO_SIZE_MAX) return refuse("decode_error", "a ClientHello that is too long");
  return { kind: "need-data", size };
}

/** The first `size` bytes of `parts`. */
function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    const taken = part.subarray(0, size - at);
    whole.set(taken, at);
    at += taken.length;
  }
  return whole;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** A structure of RFC 8446 §3; reading beyond its end makes it broken. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  take(size: number): Uint8Array {
    if (this.#at + size > this.#bytes.length) this.isBroken = true;
    const taken = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    return taken;
  }

  uint8(): number {
    return this.take(1)[0] ?? 0;
  }

  uint16(): number {
    return uint16(this.take(2), 0);
  }

  /** A vector whose length has one byte, or two. */
  vector(lengthSize: 1 | 2): Uint8Array {
    return this.take(lengthSize === 1 ? this.uint8() : this.uint16());
  }
}

/** @returns undefined for what is none */
function readHello(reader: Reader): ClientHello | undefined {
  reader.take(2 + 32);
  reader.vector(1);
  const ciphers = numbers(reader.vector(2));
  reader.vector(1);
  if (reader.isBroken || ciphers === undefined || ciphers.length === 0) return undefined;
  const extensions = reader.isEmpty ? new Map<number, Uint8Array>() : readExtensions(reader.vector(2));
  if (extensions === undefined || reader.isBroken || !reader.isEmpty) return undefined;
  const serverName = readServerName(extensions.get(EXTENSION_SERVER_NAME));
  const protocols = readProtocols(extensions.get(EXTENSION_ALPN));
  const groups = readGroups(extensions.get(EXTENSION_GROUPS));
  if (serverName === undefined || protocols === undefined || groups === undefined) return undefined;
  return { serverName: serverName === "" ? undefined : serverName, protocols, ciphers, groups };
}

function readExtensions(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> | undefined {
  const reader = new Reader(bytes);
  const extensions = new Map<number, Uint8Array>();
  while (!reader.isEmpty) {
    const type = reader.uint16();
    // RFC 8446 §4.2: none twice.
    if (extensions.has(type)) return undefined;
    extensions.set(type, reader.vector(2));
    if (reader.isBroken) return undefined;
  }
  return extensions;
}

/** RFC 6066 §3. @returns "" without, undefined for what is none */
function readServerName(extension: Uint8Array | undefined): string | undefined {
  if (extension === undefined) return "";
  const list = new Reader(extension);
  const names = new Reader(list.vector(2));
  if (list.isBroken || !list.isEmpty) return undefined;
  const type = names.uint8();
  const name = names.vector(2);
  // One name: no other type was ever defined, and OpenSSL takes no second.
  const isOne = type === HOST_NAME && !names.isBroken && names.isEmpty;
  return !isOne || name.length === 0 || name.length > NAME_SIZE_MAX ? undefined : asBytes(name).toString("latin1");
}

/** RFC 7301 §3.1. */
function readProtocols(extension: Uint8Array | undefined): readonly string[] | undefined {
  if (extension === undefined) return [];
  const list = new Reader(extension);
  const names = new Reader(list.vector(2));
  const protocols: string[] = [];
  while (!names.isEmpty && !names.isBroken) {
    const name = names.vector(1);
    if (name.length === 0) return undefined;
    protocols.push(asBytes(name).toString("latin1"));
  }
  return list.isBroken || !list.isEmpty || names.isBroken || protocols.length === 0 ? undefined : protocols;
}

/** RFC 8422 §5.1.1 and RFC 8446 §4.2.7. */
function readGroups(extension: Uint8Array | undefined): readonly number[] | undefined {
  if (extension === undefined) return [];
  const list = new Reader(extension);
  const groups = numbers(list.vector(2));
  return list.isBroken || !list.isEmpty ? undefined : groups;
}

/** @returns undefined for half a number */
function numbers(bytes: Uint8Array): readonly number[] | undefined {
  if (bytes.length % 2 === 1) return undefined;
  return Array.from({ length: bytes.length / 2 }, (_, index) => uint16(bytes, 2 * index));
}
