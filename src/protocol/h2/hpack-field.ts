/** One field line as HPACK carries it: judged once, when it is read, however often an index names it afterwards. */
import { FIELD_VALUE, TOKEN } from "../../http/characters.ts";

/** RFC 7541 §4.1: what an entry counts beyond its octets. */
export const ENTRY_OVERHEAD = 32;

/** What a field is to the message; "malformed" (RFC 9113 §8.1.1) makes the whole message so. */
export type FieldKind =
  | "regular" | "cookie" | "host" | "malformed"
  | ":method" | ":scheme" | ":path" | ":authority" | ":protocol" | ":status";

const pseudoNames: readonly FieldKind[] = [":method", ":scheme", ":path", ":authority", ":protocol", ":status"];
/** RFC 9113 §8.2.2: fields of the connection, which HTTP/2 has not. */
const connectionNames: ReadonlySet<string> = new Set([
  "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade",
]);
const UPPER_A = 0x41, UPPER_Z = 0x5a, SP = 0x20, HTAB = 0x09, COLON = 0x3a;

export class HpackField {
  readonly name: string;
  readonly value: string;
  readonly kind: FieldKind;
  #line: string | undefined = undefined;

  /** @param name and value one character a byte */
  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.kind = kindOf(name, value);
  }

  /** As HPACK counts it. */
  get size(): number {
    return this.name.length + this.value.length + ENTRY_OVERHEAD;
  }

  /** RFC 9113 §8.3: is it no field, but a part of the message's first line? */
  get isPseudo(): boolean {
    return this.name.charCodeAt(0) === COLON;
  }

  /** As a field line of HTTP/1.1, with its CRLF. Only for fields that are not malformed. */
  get line(): string {
    return (this.#line ??= `${this.name}: ${this.value}\r\n`);
  }
}

function kindOf(name: string, value: string): FieldKind {
  if (!isValue(value)) return "malformed";
  if (name.charCodeAt(0) === COLON) return pseudoNames.find((kind) => kind === name) ?? "malformed";
  if (!isName(name) || connectionNames.has(name)) return "malformed";
  switch (name) {
    case "cookie": case "host": return name;
    // RFC 9113 §8.2.2: TE MUST NOT contain any value other than "trailers".
    case "te": return value.toLowerCase() === "trailers" ? "regular" : "malformed";
    default: return "regular";
  }
}

/** RFC 9113 §8.2.1: a token without upper case. */
function isName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (TOKEN[code] !== 1 || (code >= UPPER_A && code <= UPPER_Z)) return false;
  }
  return name.length > 0;
}

/** RFC 9113 §8.2.1: without NUL, CR, LF, and no blank at its ends; further as RFC 9110 §5.5. */
function isValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false;
  for (let i = 0; i < length; i++) if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
  return true;
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
