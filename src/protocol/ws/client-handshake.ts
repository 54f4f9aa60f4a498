/** The opening handshake as a client makes it (RFC 6455 §4.1). */
import { splitList } from "../../http/field-list.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { WsDeflate } from "./deflate.ts";
import { parseExtensions } from "./extensions.ts";
import { acceptKey } from "./handshake.ts";
import { acceptDeflateAnswer, formatDeflateOffer } from "./negotiate-deflate.ts";
import type { DeflateOffer } from "./negotiate-deflate.ts";

/** What a client asks for. */
export interface ClientHandshake {
  /** Origin-form: path and query. */
  readonly target: string;
  /** Value of Host. */
  readonly host: string;
  /** Base64 of sixteen random bytes. */
  readonly key: string;
  readonly subprotocols: readonly string[];
  readonly deflate: DeflateOffer | undefined;
  /** Further fields, such as Origin and Cookie. */
  readonly fields: readonly FieldLine[];
}

/** What both ends then do. */
export interface ClientAgreement {
  readonly kind: "agreement";
  readonly subprotocol: string | undefined;
  readonly deflate: WsDeflate | undefined;
}

/** The server said something else: the client MUST _Fail the WebSocket Connection_. The reason is for a log. */
export interface ClientRefusal {
  readonly kind: "refusal";
  readonly reason: string;
}

/** The request as latin-1 text. */
export function formatHandshake({ target, host, key, subprotocols, deflate, fields }: ClientHandshake): string {
  let text = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
  if (subprotocols.length > 0) text += `Sec-WebSocket-Protocol: ${subprotocols.join(", ")}\r\n`;
  if (deflate !== undefined) text += `Sec-WebSocket-Extensions: ${formatDeflateOffer(deflate)}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/**
 * Checks the response by the steps of RFC 6455 §4.1.
 * @param sha1Base64 base64 of the SHA-1 of an ASCII text
 */
export function checkHandshakeResponse(
  asked: ClientHandshake, status: number, fields: readonly FieldLine[], sha1Base64: (text: string) => string,
): ClientAgreement | ClientRefusal {
  const valuesOf = (name: string): readonly string[] =>
    fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  const refuse = (reason: string): ClientRefusal => ({ kind: "refusal", reason });
  if (status !== 101) return refuse(`status ${status}`);
  const upgrade = valuesOf("upgrade").join(", ").toLowerCase();
  if (upgrade !== "websocket") return refuse("Upgrade not websocket");
  const connection = valuesOf("connection").flatMap((value) => splitList(value.toLowerCase()));
  if (!connection.includes("upgrade")) return refuse("Upgrade not named in Connection");
  const accepts = valuesOf("sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== acceptKey(asked.key, sha1Base64)) {
    return refuse("Sec-WebSocket-Accept does not answer the key");
  }
  const protocols = valuesOf("sec-websocket-protocol");
  const [subprotocol] = protocols;
  if (protocols.length > 1) return refuse("several Sec-WebSocket-Protocol");
  if (subprotocol !== undefined && !asked.subprotocols.includes(subprotocol)) {
    return refuse("a subprotocol that was not offered");
  }
  const lines = valuesOf("sec-websocket-extensions");
  if (lines.length === 0) return { kind: "agreement", subprotocol, deflate: undefined };
  const extensions = parseExtensions(lines.join(", "));
  const [answer] = extensions ?? [];
  if (extensions === undefined || answer === undefined || extensions.length > 1 || asked.deflate === undefined) {
    return refuse("extensions that were not offered");
  }
  const deflate = acceptDeflateAnswer(answer, asked.deflate);
  return deflate === undefined ? refuse("extension parameters that were not offered")
    : { kind: "agreement", subprotocol, deflate };
}
