/** A request without its body: RFC 9110 §3.1 request line and fields. */
import type { FieldSection } from "./field-section.ts";

export interface RequestHead {
  readonly kind: "request";
  readonly method: string;
  /** The request-target as received (RFC 9112 §3.2). */
  readonly target: string;
  /** Path of the target, still percent-encoded; "*" for the asterisk-form. */
  readonly path: string;
  /** After the first "?", without it; "" when there is none. */
  readonly query: string;
  /** Host and port of an absolute-form target, which replace the Host field (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
  /** 0 or 1 of HTTP/1.x; with HTTP/2, which may whatever 1.1 may, 1. */
  readonly minorVersion: number;
  /** Only where it is not 1. */
  readonly majorVersion?: 2;
  readonly fields: FieldSection;
  /** Does a body follow? */
  readonly hasBody: boolean;
  /** May the connection carry another request after this one? (RFC 9112 §9.3) */
  readonly persistent: boolean;
}

/** The protocol's name and version, as nginx's `$server_protocol` and PEP 3333's SERVER_PROTOCOL have it. */
export function protocolOf({ majorVersion, minorVersion }: RequestHead): string {
  return majorVersion === 2 ? "HTTP/2.0" : `HTTP/1.${minorVersion}`;
}
