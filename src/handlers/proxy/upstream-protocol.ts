/** What a proxying location knows of the protocol that its upstream speaks; the walk is the same for all of them. */
import type { PassSettings } from "../../config/pass-settings.ts";
import type { RequestHead } from "../../http/request-head.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { HeadLimits, ResponseMemory, UpstreamReader } from "../../protocol/h1/index.ts";
import type { Evaluation } from "../../route/index.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { TransportSettings } from "../../upstream/index.ts";
import type { FieldsWanted } from "./request-head.ts";
import type { ProxyResponseHeads } from "./response-head.ts";
import type { UpstreamTlsSettings } from "./settings.ts";
import type { ProxyTarget } from "./target.ts";

export interface RequestToPass {
  /** As the location sees it: rewriting has changed its target. */
  readonly head: RequestHead;
  readonly evaluation: Evaluation;
  /** The client's connection, with room for what was made for its last request. */
  readonly connection: FieldsWanted["room"];
  readonly target: ProxyTarget;
  readonly hasBody: boolean;
  /** −1 when it is not known, or there is none. */
  readonly bodySize: number;
}

/** A request as it leaves; its body follows. */
export interface PassedRequest {
  /** Text is latin-1. */
  readonly head: string | Bytes;
  /** For the reader of the response. */
  readonly method: string;
  /** The request-target, for the log of errors. */
  readonly target: string;
  /** How the parts of the body are told apart; what becomes a stream of HTTP/2 needs nothing besides. */
  readonly framing: "plain" | "chunked" | "records";
  /** The protocol that it asks to switch to, in lower case. */
  readonly upgrade: string | undefined;
}

/** It must not leave; the client gets 400, the log the sentence. */
export interface RefusedRequest {
  readonly refused: string;
}

export interface UpstreamProtocol {
  /** Connections of different ones are kept apart. */
  readonly name: "http" | "h2" | "uwsgi" | "fastcgi";
  /** Bounds of a response's head, where requests are streams of HTTP/2; undefined where `reader` has them. */
  readonly streamLimits: HeadLimits | undefined;
  readonly settings: PassSettings & TransportSettings & { readonly tls?: UpstreamTlsSettings };
  readonly responses: ProxyResponseHeads;
  /** May a body leave whose size is not known? */
  readonly mayStream: boolean;
  readonly redirectDefault: { readonly from: string; readonly to: string } | undefined;
  /** The target where it is the same for all requests. */
  readonly constantTarget: ProxyTarget | undefined;
  target(evaluation: Evaluation): ProxyTarget | { readonly fault: string };
  /** Is another body sent in place of the client's? It may be made of that one. */
  readonly replacesBody: boolean;
  replacedBody(evaluation: Evaluation): string | undefined;
  request(wanted: RequestToPass): PassedRequest | RefusedRequest;
  /** The trailer section of a request as it may leave, or undefined without one. @param head of the request */
  trailers(lines: readonly FieldLine[], head: RequestHead): Bytes | undefined;
  reader(memory: ResponseMemory): UpstreamReader;
}

/** Fields of one response: bounded as those of requests are. */
const FIELD_COUNT_MAX = 1000;

/** Bounds of a response's head. @param bufferSize proxy_buffer_size */
export function readerLimits(bufferSize: number): HeadLimits {
  const sizes = { requestLineSizeMax: bufferSize, fieldSizeMax: bufferSize, headSizeMax: bufferSize };
  return { ...sizes, fieldCountMax: FIELD_COUNT_MAX };
}
