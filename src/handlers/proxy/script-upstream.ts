/** What uwsgi_pass and fastcgi_pass send: parameters in place of a head. */
import { parseAddress } from "../../config/nginx/address.ts";
import { constantOf } from "../../config/nginx/complex-value.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import type { HttpSettings } from "../../config/model.ts";
import { FastCgiReader, encodeBeginAndParams } from "../../protocol/fastcgi/index.ts";
import { type ResponseMemory, ResponseReader, type UpstreamReader } from "../../protocol/h1/index.ts";
import { encodeUwsgi } from "../../protocol/uwsgi/index.ts";
import { type Evaluation, type Text, type Variables, byteText, compileText } from "../../route/index.ts";
import { Params } from "./params.ts";
import { ProxyResponseHeads } from "./response-head.ts";
import type { FastCgiSettings, UwsgiSettings } from "./settings.ts";
import type { ProxyTarget } from "./target.ts";
import {
  type PassedRequest, type RefusedRequest, type RequestToPass, type UpstreamProtocol, readerLimits,
} from "./upstream-protocol.ts";

/** Where a script's request goes. */
export interface ScriptPass {
  readonly address: ComplexValue;
  readonly isTls: boolean;
}

abstract class ScriptUpstream<Settings extends UwsgiSettings | FastCgiSettings> implements UpstreamProtocol {
  readonly name: "uwsgi" | "fastcgi";
  readonly streamLimits: undefined;
  readonly settings: Settings;
  readonly responses: ProxyResponseHeads;
  abstract readonly mayStream: boolean;
  readonly replacesBody = false;
  readonly redirectDefault: undefined = undefined;
  readonly constantTarget: ProxyTarget | undefined;
  protected readonly params: Params;
  readonly #address: Text;
  readonly #scheme: "uwsgi" | "suwsgi" | "fastcgi";

  constructor(
    settings: Settings, { address, isTls }: ScriptPass, scheme: "uwsgi" | "fastcgi", http: HttpSettings,
    variables: Variables,
  ) {
    this.name = scheme;
    this.settings = settings;
    this.responses = new ProxyResponseHeads(settings, variables);
    const { passRequestHeaders, params } = settings;
    const { underscoresInHeaders } = http;
    this.params = new Params({ params, passRequestHeaders, underscoresInHeaders }, variables);
    this.#scheme = isTls && scheme === "uwsgi" ? "suwsgi" : scheme;
    this.#address = compileText(address, variables);
    const constant = constantOf(address);
    this.constantTarget = constant === undefined ? undefined : this.#targetOf(byteText(constant));
  }

  target(evaluation: Evaluation): ProxyTarget | { readonly fault: string } {
    if (this.constantTarget !== undefined) return this.constantTarget;
    const address = this.#address(evaluation);
    return this.#targetOf(address) ?? { fault: `invalid address of an upstream: "${address}"` };
  }

  replacedBody(): undefined {
    return undefined;
  }

  abstract request(wanted: RequestToPass): PassedRequest | RefusedRequest;
  /** CGI has none (RFC 3875). */
  trailers(): undefined {
    return undefined;
  }

  abstract reader(memory: ResponseMemory): UpstreamReader;

  #targetOf(address: string): ProxyTarget | undefined {
    const parsed = parseAddress(/^\d+$/.test(address) ? `${address}:80` : address);
    if (!parsed.ok) return undefined;
    const { value } = parsed;
    const common = { isTls: this.#scheme === "suwsgi", uri: undefined, scheme: `${this.#scheme}://` as const };
    if (value.kind === "unix") return { ...common, place: value, host: address, port: "" };
    const { host, port } = value;
    if (host === undefined) return undefined;
    return { ...common, place: { kind: "host", host, port }, host: address, port: String(port ?? 80) };
  }
}

export class UwsgiUpstream extends ScriptUpstream<UwsgiSettings> {
  /** Nothing but CONTENT_LENGTH says where a body ends. */
  readonly mayStream = false;

  constructor(settings: UwsgiSettings, pass: ScriptPass, http: HttpSettings, variables: Variables) {
    super(settings, pass, "uwsgi", http, variables);
  }

  request({ head, evaluation, bodySize }: RequestToPass): PassedRequest | RefusedRequest {
    const { modifier1, modifier2 } = this.settings;
    const packet = encodeUwsgi(this.params.make({ head, evaluation, bodySize }), modifier1, modifier2);
    if (packet === undefined) return { refused: "uwsgi: the parameters of the request are larger than 65535 bytes" };
    return { head: packet, method: head.method, target: head.target, framing: "plain", upgrade: undefined };
  }

  reader(memory: ResponseMemory): UpstreamReader {
    return new ResponseReader(readerLimits(this.settings.bufferSize), memory, "script");
  }
}

export class FastCgiUpstream extends ScriptUpstream<FastCgiSettings> {
  /** Records say where a body ends; as with nginx, whoever switches buffering off has no CONTENT_LENGTH of chunks. */
  readonly mayStream = true;
  readonly #caught: readonly string[];

  constructor(settings: FastCgiSettings, pass: ScriptPass, http: HttpSettings, variables: Variables) {
    super(settings, pass, "fastcgi", http, variables);
    this.#caught = settings.catchStderr.map(byteText);
  }

  request({ head, evaluation, bodySize }: RequestToPass): PassedRequest {
    const begin = encodeBeginAndParams(this.params.make({ head, evaluation, bodySize }), this.settings.keepConn);
    return { head: begin, method: head.method, target: head.target, framing: "records", upgrade: undefined };
  }

  reader(memory: ResponseMemory): UpstreamReader {
    return new FastCgiReader(readerLimits(this.settings.bufferSize), memory, this.settings.keepConn, this.#caught);
  }
}
