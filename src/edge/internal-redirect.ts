/** What a request becomes when the server sends it somewhere else itself. */
import type { HttpSettings } from "../config/model.ts";
import { FieldSection } from "../http/field-section.ts";
import type { RequestHead } from "../http/request-head.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";
import { escapeUri, parseRequestUri } from "../route/index.ts";
import type { Evaluation, RequestUri } from "../route/index.ts";

/** A URI within the server: path decoded, arguments as they are. */
export type InternalTarget = Pick<RequestUri, "path" | "args">;

/** The request's target, taken apart; undefined for what is none: a 400. */
export function uriOf({ path, query }: RequestHead, mergeSlashes: boolean): RequestUri | undefined {
  return parseRequestUri(query === "" ? path : `${path}?${query}`, mergeSlashes);
}

/** The request as an error page gets it: nothing of its body is for that page. */
export function internalHead(head: RequestHead): RequestHead {
  return { ...bodilessHead(head), method: head.method === "HEAD" ? "HEAD" : "GET" };
}

/** Fields that speak of a body that does not follow. */
const bodyNames: readonly string[] = ["content-length", "transfer-encoding", "expect"];

/** The request without its body. */
export function bodilessHead(head: RequestHead): RequestHead {
  if (!head.hasBody) return head;
  const { bytes, offsets, semantics, count } = head.fields;
  const kept: number[] = [];
  let hostIndex = -1;
  for (let index = 0; index < count; index++) {
    if (bodyNames.includes(head.fields.name(index).toLowerCase())) continue;
    if (index === semantics.hostIndex) hostIndex = kept.length >> 2;
    kept.push(...offsets.slice(index * 4, index * 4 + 4));
  }
  const left = { ...semantics, hostIndex, contentLength: -1, chunked: false, expectContinue: false };
  return { ...head, hasBody: false, fields: new FieldSection(bytes, kept, left) };
}

/** The head that an application gets: with another target, if rewriting has changed the URI. */
export function rewrittenHead(head: RequestHead, evaluation: Evaluation, { mergeSlashes }: HttpSettings): RequestHead {
  const { path, args } = evaluation;
  // Most paths are written as they are read.
  if (path === head.path && args === head.query) return head;
  const uri = uriOf(head, mergeSlashes);
  if (uri === undefined || (uri.path === path && uri.args === args)) return head;
  const escaped = escapeUri(path, "uri");
  return { ...head, path: escaped, query: args, target: args === "" ? escaped : `${escaped}?${args}` };
}

/** A head with another status, and with fields of an earlier response in place of its own. */
export function keepFields(head: ResponseHead, status: number, kept: readonly FieldLine[]): ResponseHead {
  const names = new Set(kept.map(([name]) => name.toLowerCase()));
  // What speaks of a part, or of a version, of what was asked for: an error's page is neither.
  if (status !== 200 && status !== head.status) for (const name of ["accept-ranges", "last-modified"]) names.add(name);
  if (status === 204) for (const name of ["content-type", "content-length"]) names.add(name);
  const fields = [...head.fields.filter(([name]) => !names.has(name.toLowerCase())), ...kept];
  return new ResponseHead(status, reasonPhrase(status), fields);
}
