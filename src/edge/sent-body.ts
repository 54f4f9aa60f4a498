/** What an upstream gets of a request's body: the client's, what proxy_set_body puts in its place, or nothing. */
import type { AppBody } from "../app/index.ts";
import type { UpstreamProtocol } from "../handlers/index.ts";
import { NO_BYTES, fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { CurrentRequest } from "./current-request.ts";

const NO_BODY: AppBody = { kind: "whole", bytes: NO_BYTES };

export class SentBody {
  readonly #exchange: CurrentRequest;
  readonly #protocol: UpstreamProtocol;
  #replacement: AppBody | undefined = undefined;
  /** The client's: gathered, or how it comes. */
  given: AppBody = NO_BODY;

  constructor(exchange: CurrentRequest, protocol: UpstreamProtocol) {
    this.#exchange = exchange;
    this.#protocol = protocol;
  }

  /** Does it matter what the client sends? What takes its place may ask for it. */
  get isPassed(): boolean {
    return this.#protocol.settings.passRequestBody || this.#protocol.replacesBody;
  }

  /** Puts what proxy_set_body says in its place, if it says anything. */
  replace(): void {
    const text = this.#protocol.replacedBody(this.#exchange.evaluation);
    if (text !== undefined) this.#replacement = { kind: "whole", bytes: fromLatin1(text) };
  }

  /** What is sent. */
  get body(): AppBody {
    return this.#replacement ?? (this.isPassed ? this.given : NO_BODY);
  }

  /** Its bytes; −1 where they are not known, or where nothing is said of a body. */
  get size(): number {
    const { body } = this;
    const { contentLength } = this.#exchange.head.fields.semantics;
    if (body.kind === "file") return body.size;
    if (body.kind === "stream") return contentLength;
    const isSaid = body !== NO_BODY || (contentLength === 0 && this.#protocol.settings.passRequestBody);
    return isSaid ? body.bytes.length : -1;
  }

  /** The block of the trailer section that follows, once the client's body has ended. */
  get trailers(): Bytes | undefined {
    const { trailers, head } = this.#exchange;
    return this.#replacement === undefined ? this.#protocol.trailers(trailers, head) : undefined;
  }
}
