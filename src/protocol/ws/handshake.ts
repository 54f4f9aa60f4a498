/**
 * The opening handshake as a server reads it (RFC 6455 §4.2). Whatever is wrong with a request that asks for an upgrade
 * to websocket is refused; such a request is never taken for an ordinary one.
 */
import { isFieldName } from "../../http/characters.ts";
import { splitList } from "../../http/field-list.ts";
import type { FieldSection } from "../../http/field-section.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { type Extension, parseExtensions } from "./extensions.ts";

/** RFC 6455 §1.3: the GUID that proves that the server speaks WebSocket. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Base64 of sixteen bytes. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 6455 §4.3: 0 to 255, without leading zeros. */
const VERSION = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;

export interface Handshake {
  /** "" with HTTP/2. */
  readonly key: string;
  /** In the client's order of preference. */
  readonly subprotocols: readonly string[];
  /** Offers, in the client's order of preference. */
  readonly extensions: readonly Extension[];
}

/** To be answered so; 426 with `Sec-WebSocket-Version: 13` (RFC 6455 §4.4). The reason is for a log. */
export interface HandshakeRefusal {
  readonly status: 400 | 426;
  readonly reason: string;
}

/** Does this request ask to become a WebSocket? Then `readHandshake` says whether it may. */
export function asksForWebSocket(head: RequestHead): boolean {
  const { upgrade } = head.fields.semantics;
  // RFC 9110 §7.8: an Upgrade field in an HTTP/1.0 request is ignored.
  return upgrade !== undefined && head.minorVersion >= 1 && splitList(upgrade).includes("websocket");
}

/** Checks everything that RFC 6455 §4.2.1 asks of a client. */
export function readHandshake(head: RequestHead): Handshake | HandshakeRefusal {
  if (head.method !== "GET") return refuse("method not GET");
  if (head.minorVersion < 1) return refuse("HTTP version below 1.1");
  if (head.hasBody) return refuse("body in a handshake");
  const { upgrade } = head.fields.semantics;
  if (upgrade === undefined) return refuse("no Upgrade, or not named in Connection");
  if (!splitList(upgrade).includes("websocket")) return refuse("Upgrade to something else");
  const fields = handshakeFields(head.fields);
  if (fields.versions.length !== 1) return refuse("Sec-WebSocket-Version missing or repeated");
  const [version = ""] = fields.versions;
  if (!VERSION.test(version)) return refuse("Sec-WebSocket-Version malformed");
  if (version !== "13") return { status: 426, reason: `Sec-WebSocket-Version ${version}` };
  const [key = ""] = fields.keys;
  // RFC 8441 §5: with HTTP/2 there is no key; what one would prove, :protocol has said.
  if (head.majorVersion !== 2) {
    if (fields.keys.length !== 1) return refuse("Sec-WebSocket-Key missing or repeated");
    if (!KEY.test(key)) return refuse("Sec-WebSocket-Key malformed");
  }
  const subprotocols = fields.protocols.flatMap(splitList);
  if (!subprotocols.every(isFieldName)) return refuse("Sec-WebSocket-Protocol malformed");
  const extensions: Extension[] = [];
  for (const value of fields.extensions) {
    const parsed = parseExtensions(value);
    // RFC 6455 §9.1: a value that is not of the grammar fails the connection.
    if (parsed === undefined) return refuse("Sec-WebSocket-Extensions malformed");
    extensions.push(...parsed);
  }
  return { key, subprotocols, extensions };
}

/**
 * Value of Sec-WebSocket-Accept (RFC 6455 §4.2.2).
 * @param sha1Base64 base64 of the SHA-1 of an ASCII text
 */
export function acceptKey(key: string, sha1Base64: (text: string) => string): string {
  return sha1Base64(key + GUID);
}

function refuse(reason: string): HandshakeRefusal {
  return { status: 400, reason };
}

interface HandshakeFields {
  readonly keys: string[];
  readonly versions: string[];
  readonly protocols: string[];
  readonly extensions: string[];
}

function handshakeFields(fields: FieldSection): HandshakeFields {
  const found: HandshakeFields = { keys: [], versions: [], protocols: [], extensions: [] };
  for (let index = 0; index < fields.count; index++) {
    const name = fields.name(index).toLowerCase();
    switch (name) {
      case "sec-websocket-key": found.keys.push(fields.value(index)); break;
      case "sec-websocket-version": found.versions.push(fields.value(index)); break;
      case "sec-websocket-protocol": found.protocols.push(fields.value(index)); break;
      case "sec-websocket-extensions": found.extensions.push(fields.value(index)); break;
    }
  }
  return found;
}
