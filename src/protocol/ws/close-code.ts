/** The codes that say why a WebSocket was closed (RFC 6455 §7.4 and the IANA registry). */

/**
 * May a Close frame carry this code? 1004 is reserved, 1005, 1006 and 1015 only ever stand for the absence of a Close
 * frame (§7.4.1); 1012 to 1014 came later, by registration; 1016 to 2999 are for the protocol's future (§7.4.2).
 */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 1000 && code <= 1014) return code < 1004 || code > 1006;
  return code >= 3000 && code <= 4999;
}
