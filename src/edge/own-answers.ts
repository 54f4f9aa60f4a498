/** What the edge answers by itself: files, texts of `return`, responses that are known in advance. */
import type { FixedResponse, StaticAnswer } from "../handlers/index.ts";
import { textResponse } from "../handlers/index.ts";
import type { CompiledLocation } from "./compiled-site.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { InternalTarget } from "./internal-redirect.ts";
import type { Outgoing } from "./outgoing.ts";
import { StaticView } from "./static-view.ts";

/** Longer texts are made anew: a location shall be small. */
const KEPT_TEXT_MAX = 16_384;

/** The request that is answered. */
export interface AnsweredRequest extends CurrentRequest {
  readonly out: Outgoing;
  /** The walk begins again, with this URI. */
  enterUri(target: InternalTarget): void;
}

/** nginx: only GET and HEAD have a response that is known in advance. */
export function answerFixed(request: AnsweredRequest, response: FixedResponse | number): void {
  if (request.head.method !== "GET" && request.head.method !== "HEAD") return request.respondStatus(405);
  if (typeof response === "number") return request.respondStatus(response);
  request.out.ready(response.head, response.body, undefined);
}

export function answerStatic(request: AnsweredRequest, answer: StaticAnswer): void {
  switch (answer.kind) {
    case "status":
      if (answer.status !== 404 || request.http.logNotFound) request.notice("error", answer.notice);
      return request.respondStatus(answer.status, answer.fields);
    case "redirect": return request.respondStatus(answer.status, [["Location", answer.location]]);
    case "internal": return request.enterUri({ path: answer.path, args: request.evaluation.args });
    case "ready": return request.out.ready(answer.head, answer.body, answer.text);
    case "file": return request.out.file(answer);
  }
}

/** `return` with a text; without one, an error's page. */
export function answerText(request: AnsweredRequest, status: number, text: string | undefined): void {
  if (text === undefined && status >= 400) return request.respondStatus(status);
  const isEmpty = (request.errorStatus ?? status) === 204;
  const type = isEmpty ? undefined : request.location.static.contentTypeOf(request.evaluation.path);
  const { head, body } = textOf(request.location, status, text ?? "", type);
  request.out.whole(head, body, 0, body.length);
}

/** What a head becomes is kept with it, so the same text shall have the same head. */
function textOf(location: CompiledLocation, status: number, text: string, type: string | undefined): FixedResponse {
  const last = location.lastText;
  if (last !== undefined && last.text === text && last.status === status && last.type === type) return last.response;
  const response = textResponse(status, text, type);
  if (text.length <= KEPT_TEXT_MAX) location.lastText = { status, text, type, response };
  return response;
}

/** @returns false where the request is for nothing that an issuer of certificates was promised */
export function answerChallenge(request: AnsweredRequest, context: EdgeContext): boolean {
  const answer = context.challenges.answer(request.head.target);
  if (answer === undefined) return false;
  request.out.whole(answer.head, answer.body, 0, answer.body.length);
  context.onChallengeAnswered(answer.id, request.client.address);
  return true;
}

/** @param target a URL, or a path of this server */
export function answerRedirect(request: AnsweredRequest, status: number, target: string): void {
  const location = target.startsWith("/") ? new StaticView(request).absolute(target) : target;
  request.respondStatus(status, [["Location", location]]);
}
