/** A response without its body (RFC 9110 §3.2), and what its fields say about framing. */
import type { Bytes } from "../std/bytes.ts";
import { isFieldName, isFieldValue } from "./characters.ts";

export type FieldLine = readonly [name: string, value: string];

/** No fields: for all who have none to add. */
export const NO_LINES: readonly FieldLine[] = [];

/** A head after the filters, as its driver writes it. */
export interface PreparedHead {
  /** Status line and fields as HTTP/1.1 text, each with its CRLF; framing and Date follow. */
  readonly lines: string;
  readonly needsDate: boolean;
  /** What it was made with: other settings make other text. */
  readonly settings: object;
}

/** The same for HTTP/2: a header block that means the same on every connection. */
export interface CodedHead {
  /** Status and fields, without a Date of ours. */
  readonly fields: Bytes;
  /** The same with the Date that `dateLine` is. */
  readonly block: Bytes;
  readonly dateLine: string;
  readonly settings: object;
}

/** A head as a location's filters made it of another one. */
export interface FilteredHead {
  /** Whose filters. */
  readonly by: object;
  readonly head: ResponseHead;
  /** The second since the epoch that it is good for; -1 for ever. */
  readonly second: number;
}

export class ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly FieldLine[];
  /** From Content-Length, -1 without one. */
  readonly contentLength: number;
  /** The sender wants the connection closed after this response. */
  readonly close: boolean;
  /** Must reach the client as it is produced: an event stream, or `X-Accel-Buffering: no`. */
  readonly unbuffered: boolean;
  /** Does a field speak to the server (X-Accel-…)? */
  readonly hasAccel: boolean;
  /** Room for what the connection's driver makes of this head, once. */
  prepared: PreparedHead | undefined = undefined;
  coded: CodedHead | undefined = undefined;
  /** And for what the filters of the last location that it passed made of it. */
  filtered: FilteredHead | undefined = undefined;

  /** Errors: none; check with `findFault` first when the fields come from somebody else. */
  constructor(status: number, reason: string, fields: readonly FieldLine[]) {
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    let contentLength = -1;
    let close = false;
    let unbuffered = false;
    let hasAccel = false;
    for (const [name, value] of fields) {
      switch (name.length) {
        case 10:
          if (name.toLowerCase() === "connection") close ||= /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
          break;
        case 12:
          if (name.toLowerCase() === "content-type") unbuffered ||= /^text\/event-stream\b/i.test(value);
          break;
        case 14:
          if (name.toLowerCase() === "content-length") contentLength = Number(value);
          break;
        case 15: case 16: case 18:
          // X-Accel-Expires and -Charset, -Redirect, -Limit-Rate.
          hasAccel ||= name.toLowerCase().startsWith("x-accel-");
          break;
        case 17:
          if (name.toLowerCase() !== "x-accel-buffering") break;
          hasAccel = true;
          unbuffered ||= value.trim().toLowerCase() === "no";
          break;
      }
    }
    this.contentLength = contentLength;
    this.close = close;
    this.unbuffered = unbuffered;
    this.hasAccel = hasAccel;
  }
}

/**
 * Looks for what must never leave in a response head: the last line against response splitting.
 * @returns a sentence naming the field, never its value, or undefined when all is well
 */
export function findFault(status: number, reason: string, fields: readonly FieldLine[]): string | undefined {
  if (!Number.isInteger(status) || status < 100 || status > 999) return `status ${status} is not between 100 and 999`;
  if (!isFieldValue(reason)) return "the reason phrase contains a control character";
  let contentLength: string | undefined;
  for (const [name, value] of fields) {
    if (!isFieldName(name)) return `field name ${JSON.stringify(name.slice(0, 60))} is not a token`;
    if (!isFieldValue(value)) return `the value of ${name} contains a control character`;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      if (!/^\d{1,15}$/.test(value)) return "Content-Length is not a number";
      if (contentLength !== undefined && contentLength !== value) return "two different Content-Length fields";
      contentLength = value;
    }
  }
  return undefined;
}

/** All values of a field joined by ", " (RFC 9110 §5.3), undefined when absent. @param name in lower case */
export function fieldValue(fields: readonly FieldLine[], name: string): string | undefined {
  let found: string | undefined;
  for (const [own, value] of fields) {
    if (own.length !== name.length || own.toLowerCase() !== name) continue;
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}
