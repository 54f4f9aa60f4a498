/**
 * The server's writing half of HTTP/1.1: response heads and chunked framing (RFC 9112 §4, §6, §7).
 * Text is latin-1, one character a byte, because the socket writes that fastest.
 */
import { reasonPhrase } from "../../http/status.ts";
import type { FieldLine, ResponseHead } from "../../http/response-head.ts";

/** How the end of a response's body is told (RFC 9112 §6.3). */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

export const LAST_CHUNK = "0\r\n\r\n";
export const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** Status line and field lines, each with its CRLF, without the empty line: framing fields follow. */
export function formatHeadLines(status: number, reason: string, fields: readonly FieldLine[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return text;
}

/** A whole informational response (RFC 9110 §15.2), e.g. 103 Early Hints. */
export function formatInformational(status: number, fields: readonly FieldLine[]): string {
  return `${formatHeadLines(status, reasonPhrase(status), fields)}\r\n`;
}

/** The line that opens a chunk of `size` bytes; its data and a CRLF follow. */
export function formatChunkSize(size: number): string {
  return `${size.toString(16)}\r\n`;
}

/** The last chunk with a trailer section (RFC 9112 §7.1.2). */
export function formatTrailers(fields: readonly FieldLine[]): string {
  let text = "0\r\n";
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/**
 * Chooses the framing of a response to a HTTP/1.x request (RFC 9112 §6.3).
 * @param length size of the body in bytes where it is known, else −1
 */
export function chooseFraming(
  head: ResponseHead, mayHaveBody: boolean, minorVersion: number, length: number,
): BodyFraming {
  if (!mayHaveBody) return { kind: "none" };
  if (head.contentLength >= 0) return { kind: "length", length: head.contentLength };
  if (length >= 0) return { kind: "length", length };
  return minorVersion >= 1 ? { kind: "chunked" } : { kind: "close" };
}
