/**
 * `mirror`: the same request for other locations, whose responses nobody gets (ngx_http_mirror_module). With
 * mirror_request_body the body is gathered first, since all of them want it.
 */
import type { AppBody } from "../app/index.ts";
import { GatheredBody } from "../handlers/index.ts";
import type { RequestHead } from "../http/request-head.ts";
import { parseInternalUri } from "../route/index.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { type InternalTarget, bodilessHead } from "./internal-redirect.ts";
import type { Outgoing } from "./outgoing.ts";
import type { RequestBody } from "./request-body.ts";

/** One of the requests that are made. */
export interface MirroredRequest {
  readonly target: InternalTarget;
  readonly head: RequestHead;
  readonly body: AppBody | undefined;
}

/** What of the request is mirrored. */
export interface MirrorSource extends CurrentRequest {
  readonly out: Outgoing;
  readonly upload: RequestBody | undefined;
}

/**
 * @param begin makes one of the requests
 * @param then goes on with the request itself, whose body is given by then
 */
export function mirror(
  context: EdgeContext, source: MirrorSource, begin: (request: MirroredRequest) => void, then: () => void,
): void {
  const { uris, requestBody } = source.location.settings.mirror;
  const { upload, head } = source;
  const wanted = requestBody && head.hasBody ? upload : undefined;
  const made = (): void => {
    for (const uri of uris) {
      const target = parseInternalUri(uri);
      const body = wanted?.again(context.requestPath());
      if (target !== undefined) begin({ target, head: body === undefined ? bodilessHead(head) : head, body });
    }
    then();
  };
  if (wanted === undefined || wanted.isGiven) return made();
  const gathered = new MirroredBody(source);
  wanted.give(gathered, () => {
    const { http } = source;
    const settings = { http, spoolPath: context.requestPath, keeps: true, onNotice: context.onError };
    return new GatheredBody(gathered, settings, made);
  });
}

/** The body before anybody is asked. */
class MirroredBody {
  readonly #source: MirrorSource;
  body: AppBody = { kind: "stream", expectContinue: false };

  constructor(source: MirrorSource) {
    this.#source = source;
  }

  get abandoned(): boolean {
    return this.#source.abandoned || this.#source.responding;
  }

  sendContinue(): void {
    if (this.#source.head.fields.semantics.expectContinue) this.#source.out.channel.sendContinue();
  }

  pauseBody(): void {
    this.#source.out.channel.pauseBody();
  }

  resumeBody(): void {
    this.#source.out.channel.resumeBody();
  }

  respondStatus(status: number): void {
    this.#source.respondStatus(status);
  }
}
