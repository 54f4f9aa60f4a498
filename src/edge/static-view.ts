/** A request as the files' handler sees it: every answer is made when it is asked for. */
import { redirectLocation } from "../handlers/index.ts";
import type { StaticRequest } from "../handlers/index.ts";
import { FieldSection } from "../http/field-section.ts";
import type { RateSettings } from "../net/index.ts";
import { normalizeHost } from "../route/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Exchange } from "./exchange.ts";

/** The page of an error is sent as a whole, whatever the request's conditions are. */
const NO_CONDITIONS = new FieldSection(NO_BYTES, [], {
  contentLength: -1, chunked: false, close: false, keepAlive: false, expectContinue: false, upgrade: undefined,
  hostIndex: -1, forwarded: false,
});

export class StaticView implements StaticRequest {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#exchange.head.method;
  }

  get path(): string {
    return this.#exchange.evaluation.path;
  }

  get args(): string {
    return this.#exchange.evaluation.args;
  }

  get fields(): FieldSection {
    return this.#exchange.isErrorPage ? NO_CONDITIONS : this.#exchange.received.fields;
  }

  /** nginx's gzip_http_version 1.1 and gzip_proxied off. */
  get mayCompress(): boolean {
    const { minorVersion, fields } = this.#exchange.received;
    return minorVersion >= 1 && fields.get("via") === undefined;
  }

  get directory(): string | undefined {
    return this.#exchange.location.directory(this.#exchange.evaluation);
  }

  get index(): readonly string[] | undefined {
    return this.#exchange.location.index?.(this.#exchange.evaluation);
  }

  get rate(): RateSettings | undefined {
    return this.#exchange.rate;
  }

  get scheme(): "http" | "https" {
    return this.#exchange.peer.scheme;
  }

  get host(): string {
    return normalizeHost(this.#exchange.hostField) ?? "";
  }

  get serverName(): string {
    return this.#exchange.serverName;
  }

  get localAddress(): string {
    return this.#exchange.connection.local.address;
  }

  get localPort(): number {
    return this.#exchange.connection.local.port ?? 0;
  }

  /** A path of this server as a Location. */
  absolute(path: string): string {
    return redirectLocation(this.#exchange.location.settings.files, this, path);
  }
}
