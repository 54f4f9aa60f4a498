/** What a request becomes when the server sends it somewhere else itself. */
import type { HttpSettings } from "../config/model.ts";
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
  return { ...head, method: head.method === "HEAD" ? "HEAD" : "GET", hasBody: false };
}

/** The head that an application gets: with another target, if rewriting has changed the URI. */
export function rewrittenHead(head: RequestHead, evaluation: Evaluation, { mergeSlashes }: HttpSettings): RequestHead {
  const uri = uriOf(head, mergeSlashes);
  const { path, args } = evaluation;
  if (uri === undefined || (uri.path === path && uri.args === args)) return head;
  const escaped = escapeUri(path, "uri");
  return { ...head, path: escaped, query: args, target: args === "" ? escaped : `${escaped}?${args}` };
}

/** A head with another status, and with fields of an earlier response in place of its own. */
export function keepFields(head: ResponseHead, status: number, kept: readonly FieldLine[]): ResponseHead {
  const names = new Set(kept.map(([name]) => name.toLowerCase()));
  const fields = [...head.fields.filter(([name]) => !names.has(name.toLowerCase())), ...kept];
  return new ResponseHead(status, reasonPhrase(status), fields);
}
