/** Agreeing on permessage-deflate (RFC 7692 §5 and §7.1), as a server and as a client. */
import type { DeflateCodec, WsDeflate } from "./deflate.ts";
import type { Extension } from "./extensions.ts";

const NAME = "permessage-deflate";
/** RFC 7692 §7.1.2: 8 to 15, decimal, without leading zeros. */
const BITS = /^(?:8|9|1[0-5])$/;
/** What a peer uses who was told nothing. */
const BITS_MAX = 15;
/** zlib has no raw DEFLATE with a window of 256 bytes (8 bits). */
const BITS_MIN = 9;

/** What a server is ready for: never more than a window of so many bits, in either direction. */
interface DeflatePolicy {
  /** 9 to 15. */
  readonly windowBits: number;
  readonly codec: DeflateCodec;
}

/** The parameters of one offer or answer. */
interface Parameters {
  readonly serverNoTakeover: boolean;
  readonly clientNoTakeover: boolean;
  readonly serverBits: number | undefined;
  /** "any": the parameter stood there without a value, which only an offer may say. */
  readonly clientBits: number | "any" | undefined;
}

/** What a client offers. */
export interface DeflateOffer {
  readonly serverNoTakeover?: boolean;
  readonly clientNoTakeover?: boolean;
  /** 9 to 15. */
  readonly serverBits?: number;
  /** 9 to 15, or "any". */
  readonly clientBits?: number | "any";
  readonly codec: DeflateCodec;
}

/**
 * Takes the first offer that can be met (RFC 7692 §5.1).
 * @returns what both ends then do, and the value of Sec-WebSocket-Extensions that says so; undefined: no compression
 */
export function negotiateDeflate(
  offers: readonly Extension[], policy: DeflatePolicy,
): { readonly agreed: WsDeflate; readonly line: string } | undefined {
  for (const offer of offers) {
    const asked = offer.name === NAME ? readParameters(offer) : undefined;
    if (asked === undefined || (asked.serverBits ?? BITS_MAX) < BITS_MIN) continue;
    const serverBits = Math.min(policy.windowBits, asked.serverBits ?? BITS_MAX);
    // A client that does not know the parameter may use the largest window: it must not make us keep one.
    const bounded = asked.clientBits !== undefined;
    const clientBits = !bounded ? BITS_MAX
      : Math.min(policy.windowBits, asked.clientBits === "any" ? BITS_MAX : asked.clientBits);
    const clientNoTakeover = asked.clientNoTakeover || !bounded;
    let line = `${NAME}; server_max_window_bits=${serverBits}`;
    if (bounded) line += `; client_max_window_bits=${clientBits}`;
    if (asked.serverNoTakeover) line += "; server_no_context_takeover";
    if (clientNoTakeover) line += "; client_no_context_takeover";
    const agreed: WsDeflate = {
      ownWindowBits: serverBits, ownTakeover: !asked.serverNoTakeover,
      peerWindowBits: Math.max(BITS_MIN, clientBits), peerTakeover: !clientNoTakeover,
      codec: policy.codec,
    };
    return { agreed, line };
  }
  return undefined;
}

/** Value of Sec-WebSocket-Extensions for a client's one offer. */
export function formatDeflateOffer(offer: DeflateOffer): string {
  let line = NAME;
  if (offer.serverNoTakeover === true) line += "; server_no_context_takeover";
  if (offer.clientNoTakeover === true) line += "; client_no_context_takeover";
  if (offer.serverBits !== undefined) line += `; server_max_window_bits=${offer.serverBits}`;
  if (offer.clientBits !== undefined) {
    line += `; client_max_window_bits${offer.clientBits === "any" ? "" : `=${offer.clientBits}`}`;
  }
  return line;
}

/** Does the server's answer fit the offer (RFC 7692 §7.1)? @returns undefined when it does not */
export function acceptDeflateAnswer(answer: Extension, offer: DeflateOffer): WsDeflate | undefined {
  const said = answer.name === NAME ? readParameters(answer) : undefined;
  if (said === undefined || said.clientBits === "any") return undefined;
  // §7.1.1.1 and §7.1.2.1: a server that accepts these says so, and may not ask for more than was offered.
  if (offer.serverNoTakeover === true && !said.serverNoTakeover) return undefined;
  if (offer.serverBits !== undefined && (said.serverBits ?? BITS_MAX) > offer.serverBits) return undefined;
  // §7.1.2.2: only in answer to the parameter, and no more than it said.
  if (said.clientBits !== undefined && offer.clientBits === undefined) return undefined;
  const offered = typeof offer.clientBits === "number" ? offer.clientBits : BITS_MAX;
  const clientBits = said.clientBits ?? offered;
  if (clientBits > offered) return undefined;
  return {
    ownWindowBits: clientBits, ownTakeover: !said.clientNoTakeover && offer.clientNoTakeover !== true,
    peerWindowBits: Math.max(BITS_MIN, said.serverBits ?? BITS_MAX), peerTakeover: !said.serverNoTakeover,
    codec: offer.codec,
  };
}

/** RFC 7692 §7.1: undefined for unknown and repeated parameters, and values that must not be there or are wrong. */
function readParameters({ parameters }: Extension): Parameters | undefined {
  const seen = new Map<string, string | undefined>();
  for (const [name, value] of parameters) {
    if (seen.has(name)) return undefined;
    seen.set(name, value);
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        if (value !== undefined) return undefined;
        break;
      case "server_max_window_bits":
        if (value === undefined || !BITS.test(value)) return undefined;
        break;
      case "client_max_window_bits":
        if (value !== undefined && !BITS.test(value)) return undefined;
        break;
      default: return undefined;
    }
  }
  const serverBits = seen.get("server_max_window_bits");
  const clientBits = seen.get("client_max_window_bits");
  return {
    serverNoTakeover: seen.has("server_no_context_takeover"),
    clientNoTakeover: seen.has("client_no_context_takeover"),
    serverBits: serverBits === undefined ? undefined : Number(serverBits),
    clientBits: clientBits === undefined && seen.has("client_max_window_bits") ? "any"
      : clientBits === undefined ? undefined : Number(clientBits),
  };
}
