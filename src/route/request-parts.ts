/** Parts of a request that variables name: an argument, a cookie, the user of basic authentication. */

/**
 * `$arg_name`: the first argument of that name, without regard to case, as received.
 * @returns undefined when there is none; "name" without "=" is none
 */
export function argumentOf(args: string, name: string): string | undefined {
  if (args === "") return undefined;
  for (const argument of args.split("&")) {
    const equals = argument.indexOf("=");
    if (equals === name.length && argument.slice(0, equals).toLowerCase() === name) return argument.slice(equals + 1);
  }
  return undefined;
}

/** `$cookie_name`: the first cookie of that name, without regard to case. A comma ends a pair only before its value. */
export function cookieOf(field: string, name: string): string | undefined {
  let at = 0;
  while (at < field.length) {
    at = skipSpaces(field, at);
    const behind = skipSpaces(field, at + name.length);
    if (field.charCodeAt(behind) === EQUALS && field.slice(at, at + name.length).toLowerCase() === name) {
      const end = field.indexOf(";", behind);
      return field.slice(skipSpaces(field, behind + 1), end < 0 ? undefined : end);
    }
    while (at < field.length && field.charCodeAt(at) !== SEMICOLON && field.charCodeAt(at) !== COMMA) at++;
    at++;
  }
  return undefined;
}

const SPACE = 0x20, COMMA = 0x2c, SEMICOLON = 0x3b, EQUALS = 0x3d;

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at++;
  return at;
}

/** The user of `Authorization: Basic …` (RFC 7617 §2), undefined when it names none. */
export function basicUser(authorization: string): string | undefined {
  const match = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(authorization);
  const credentials = match === null ? "" : decodeBase64(match[1] ?? "");
  const colon = credentials.indexOf(":");
  return colon < 0 ? undefined : credentials.slice(0, colon);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** RFC 4648 §4, to bytes as text. */
function decodeBase64(text: string): string {
  let decoded = "";
  let bits = 0;
  let count = 0;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) break;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += String.fromCharCode((bits >> count) & 0xff);
  }
  return decoded;
}
