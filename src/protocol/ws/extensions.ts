/** The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1), offers and answers alike. */
import { isFieldName } from "../../http/characters.ts";

/** One element of the list. A parameter without a value has `undefined`; repetitions are kept, in their order. */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[];
}

/** A token, or a quoted-string (RFC 9110 §5.6.4), then blanks. */
const TOKEN_PART = /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*/y;
const QUOTED_PART = /[ \t]*"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)"[ \t]*/y;

/**
 * Reads one field value, or several joined by commas.
 * @returns the elements in their order, undefined when it is not of the grammar: then the handshake fails
 */
export function parseExtensions(value: string): readonly Extension[] | undefined {
  const extensions: Extension[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(value);
    if (match !== null) at = pattern.lastIndex;
    return match?.[1];
  };
  for (;;) {
    const name = take(TOKEN_PART);
    if (name === undefined) return undefined;
    const parameters: [string, string | undefined][] = [];
    while (value[at] === ";") {
      at++;
      const parameter = take(TOKEN_PART);
      if (parameter === undefined) return undefined;
      let given: string | undefined;
      if (value[at] === "=") {
        at++;
        given = take(TOKEN_PART) ?? take(QUOTED_PART)?.replace(/\\(.)/g, "$1");
        // "The value after quoted-string unescaping MUST conform to the 'token' ABNF."
        if (given === undefined || !isFieldName(given)) return undefined;
      }
      parameters.push([parameter, given]);
    }
    extensions.push({ name, parameters });
    if (at === value.length) return extensions;
    if (value[at++] !== ",") return undefined;
  }
}
