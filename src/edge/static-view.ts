/** A request as the files' handler sees it: every answer is made when it is asked for. */
import { redirectLocation } from "../handlers/index.ts";
import type { StaticRequest } from "../handlers/index.ts";
import type { Validators } from "../http/conditional.ts";
import { type FieldSection, NO_FIELDS } from "../http/field-section.ts";
import type { RateSettings } from "../net/index.ts";
import { normalizeHost } from "../route/index.ts";
import type { CurrentRequest } from "./current-request.ts";

export class StaticView implements StaticRequest {
  readonly #exchange: CurrentRequest;

  constructor(exchange: CurrentRequest) {
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
    // The page of an error, or a part of a page, is sent as a whole, whatever the request's conditions are.
    if (!this.#exchange.isMain) return NO_FIELDS;
    return (this.#exchange.errorStatus ?? 200) !== 200 ? NO_FIELDS : this.#exchange.received.fields;
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

  rangesOf(type: string): "any" | "one" | "none" {
    return this.#exchange.location.filters?.rangesOf(type) ?? "any";
  }

  validators(own: Validators): Validators {
    return this.#exchange.location.filters?.validators(own, this.#exchange.evaluation) ?? own;
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
