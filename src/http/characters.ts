/**
 * Which bytes may stand where: the character classes of RFC 9110 §5.6 and RFC 3986 as tables of 256.
 * A table costs one load for each byte, and every byte of a head is looked at.
 */

function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

const isAlphaNumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
const oneOf = (characters: string) => (byte: number): boolean => characters.includes(String.fromCharCode(byte));

const isTokenCharacter = (byte: number): boolean =>
  isAlphaNumeric(byte) || (byte < 128 && oneOf("!#$%&'*+-.^_`|~")(byte));

/** RFC 9110 §5.6.2: tchar. */
export const TOKEN: Uint8Array = table(isTokenCharacter);

/**
 * A method: tchar without lower case. Deviates: RFC 9110 §9.1 allows any token, but case counts, so that "get" is no
 * GET for our own rules and becomes one in an application that folds case. nginx and gunicorn refuse it too.
 */
export const METHOD: Uint8Array = table((byte) => isTokenCharacter(byte) && !(byte >= 0x61 && byte <= 0x7a));

/** RFC 9110 §5.5: HTAB, SP, VCHAR and obs-text. */
export const FIELD_VALUE: Uint8Array = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** A request-target: VCHAR without "#" (RFC 9112 §3.2 has no fragment in any form). */
export const REQUEST_TARGET: Uint8Array = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** RFC 3986 §3.2.2: reg-name, without "," (a list of hosts is no host) and with the "%" of an encoded byte. */
export const HOST: Uint8Array = table((byte) => isAlphaNumeric(byte) || (byte < 128 && oneOf("-._~%!$&'()*+;=")(byte)));

/** RFC 3986 §3.2.2: what an IPv6 literal is made of. */
export const IP_LITERAL: Uint8Array = table((byte) => oneOf("0123456789abcdefABCDEF:.")(byte));

/** RFC 3986 §3.2.2: is it an IPvFuture, such as "v1.x"? @param literal what stands between the brackets */
export function isIpFuture(literal: string): boolean {
  return /^v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+$/i.test(literal);
}

/** Value of a hexadecimal digit, 255 for everything else. */
export const HEX: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Is `name` a field name, a token of RFC 9110 §5.1? */
export function isFieldName(name: string): boolean {
  if (name.length === 0) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code > 255 || TOKEN[code] === 0) return false;
  }
  return true;
}

/** Has `value` only what RFC 9110 §5.5 allows in a field value, as latin-1? */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 255 || FIELD_VALUE[code] === 0) return false;
  }
  return true;
}
