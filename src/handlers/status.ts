/** Responses that the edge makes itself: a status and one sentence. */
import { fromLatin1, fromUtf8 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";

/** A whole response that is known in advance. */
export interface FixedResponse {
  readonly head: ResponseHead;
  readonly body: Bytes;
}

/** When we are full, a client may try again after a second: long enough to matter, short enough to be kept. */
export const overloadFields: readonly FieldLine[] = [["Retry-After", "1"]];

/** A text that the configuration has. @param type its Content-Type, undefined for none */
export function textResponse(status: number, text: string, type: string | undefined): FixedResponse {
  const body = fromLatin1(text);
  const fields: FieldLine[] = type === undefined ? [] : [["Content-Type", type]];
  // RFC 9110 §8.6: no Content-Length where there can be no content.
  if (status !== 204) fields.push(["Content-Length", String(body.length)]);
  return { head: new ResponseHead(status, reasonPhrase(status), fields), body };
}

/** Statuses of nginx's own, which error_page can tell apart: to clients all of them are 400. */
const OWN_REASONS: ReadonlyMap<number, string> = new Map([
  [494, "Request Header Or Cookie Too Large"], [495, "The SSL certificate error"],
  [496, "No required SSL certificate was sent"], [497, "The plain HTTP request was sent to HTTPS port"],
]);

/**
 * A page for a status code. Nothing of the request appears in it, so it cannot be made to say anything.
 * @param close tell the client that the connection ends with it
 * @param more fields that belong to this one
 */
export function statusResponse(given: number, close: boolean, more: readonly FieldLine[] = []): FixedResponse {
  const own = OWN_REASONS.get(given);
  const status = own === undefined ? given : 400;
  const reason = own ?? reasonPhrase(status);
  const body = fromUtf8(
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${status} ${reason}</title></head>\n` +
      `<body style="font-family: system-ui, sans-serif; text-align: center; margin-top: 15vh">` +
      `<h1>${status} ${reason}</h1></body></html>\n`,
  );
  const fields: FieldLine[] = [["Content-Type", "text/html; charset=utf-8"], ["Content-Length", String(body.length)]];
  if (status === 405) fields.push(["Allow", "GET, HEAD, POST"]);
  fields.push(...more);
  if (close) fields.push(["Connection", "close"]);
  return { head: new ResponseHead(status, reasonPhrase(status), fields), body };
}
