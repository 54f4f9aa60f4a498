/** What proxy_pass and grpc_pass send: HTTP, as nginx makes it of the request (ngx_http_proxy_module). */
import { randomBytes } from "node:crypto";
import { constantOf } from "../../config/nginx/complex-value.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import type { HttpSettings } from "../../config/model.ts";
import { splitList } from "../../http/field-list.ts";
import type { RequestHead } from "../../http/request-head.ts";
import type { FieldLine } from "../../http/response-head.ts";
import { type HeadLimits, type ResponseMemory, ResponseReader, type UpstreamReader } from
  "../../protocol/h1/index.ts";
import { encodeBlock } from "../../protocol/h2/index.ts";
import { type Evaluation, type Text, type Variables, byteText, compileText, escapeUri } from "../../route/index.ts";
import type { Bytes } from "../../std/bytes.ts";
import { H2RequestBlocks } from "./h2-head.ts";
import { RequestHeads } from "./request-head.ts";
import { ProxyResponseHeads } from "./response-head.ts";
import type { ProxySettings } from "./settings.ts";
import { type ProxyTarget, parseGrpcTarget, parseProxyTarget } from "./target.ts";
import {
  type PassedRequest, type RefusedRequest, type RequestToPass, type UpstreamProtocol, readerLimits,
} from "./upstream-protocol.ts";

/** Where requests go: what proxy_pass or grpc_pass says. */
export interface HttpPass {
  readonly kind: "proxy" | "grpc";
  readonly url: ComplexValue;
  /** Of the location, whose place the URL's path takes. */
  readonly prefix: string | undefined;
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export class HttpUpstream implements UpstreamProtocol {
  readonly name: "http" | "h2";
  readonly streamLimits: HeadLimits | undefined;
  readonly settings: ProxySettings;
  readonly responses: ProxyResponseHeads;
  readonly #heads: RequestHeads;
  /** Undefined for HTTP/1.x. */
  readonly #blocks: H2RequestBlocks | undefined;
  readonly #constant: ProxyTarget | undefined;
  readonly #url: Text;
  readonly #parse: typeof parseProxyTarget;
  readonly #prefix: string | undefined;
  readonly #method: Text | undefined;
  readonly #body: Text | undefined;
  readonly #redirect: UpstreamProtocol["redirectDefault"];

  constructor(
    settings: ProxySettings, pass: HttpPass,
    http: HttpSettings, variables: Variables,
  ) {
    const isH2 = settings.httpVersion === 2;
    this.name = isH2 ? "h2" : "http";
    this.streamLimits = isH2 ? readerLimits(settings.bufferSize) : undefined;
    this.#blocks = isH2 ? new H2RequestBlocks() : undefined;
    this.settings = settings;
    this.responses = new ProxyResponseHeads(settings, variables);
    this.#heads = new RequestHeads({ ...settings, underscoresInHeaders: http.underscoresInHeaders }, variables);
    const url = constantOf(pass.url);
    this.#parse = pass.kind === "grpc" ? parseGrpcTarget : parseProxyTarget;
    this.#url = compileText(pass.url, variables);
    this.#constant = url === undefined ? undefined : this.#parse(byteText(url));
    this.#prefix = pass.prefix;
    this.#method = settings.method === undefined ? undefined : compileText(settings.method, variables);
    this.#body = settings.setBody === undefined ? undefined : compileText(settings.setBody, variables);
    this.#redirect = this.#constant && redirectOf(byteText(url ?? ""), this.#constant, pass.prefix);
  }

  get replacesBody(): boolean {
    return this.#body !== undefined;
  }

  get mayStream(): boolean {
    return this.settings.httpVersion >= 1;
  }

  get redirectDefault(): UpstreamProtocol["redirectDefault"] {
    return this.#redirect;
  }

  get constantTarget(): ProxyTarget | undefined {
    return this.#constant;
  }

  target(evaluation: Evaluation): ProxyTarget | { readonly fault: string } {
    if (this.#constant !== undefined) return this.#constant;
    const url = this.#url(evaluation);
    const target = this.#parse(url);
    if (target !== undefined) return target;
    return { fault: `invalid URL prefix in "${url}"` };
  }

  replacedBody(evaluation: Evaluation): string | undefined {
    return this.#body?.(evaluation);
  }

  /** HTTP/1.x servers get none: RFC 9110 §6.5.1 lets us drop them, and few of those servers read any. */
  trailers(lines: readonly FieldLine[], head: RequestHead): Bytes | undefined {
    if (this.#blocks === undefined || lines.length === 0) return undefined;
    // Behind content that does not leave there is nothing either.
    if (!this.settings.passRequestBody || !head.hasBody) return undefined;
    const passed = this.#heads.trailers(lines, head.fields);
    return passed.length === 0 ? undefined : encodeBlock(passed);
  }

  reader(memory: ResponseMemory): UpstreamReader {
    return new ResponseReader(readerLimits(this.settings.bufferSize), memory);
  }

  request(wanted: RequestToPass): PassedRequest | RefusedRequest {
    const { head, evaluation, connection, target, bodySize } = wanted;
    const set = this.#method?.(evaluation).toUpperCase();
    const method = set || head.method;
    if (set && !METHOD.test(set)) return { refused: `the method of proxy_method is "${set}"` };
    const { host } = target;
    // A target of absolute form brings a host of its own, beside the fields.
    const room = head.authority === undefined ? connection : { passed: undefined };
    const made = this.#heads.make({ room, fields: head.fields, evaluation, host, method });
    if ("invalid" in made) return { refused: `the value of proxy_set_header ${made.invalid} has a control character` };
    const uri = this.#uri(wanted);
    if (this.#blocks !== undefined) {
      const takesTrailers = splitList((head.fields.get("te") ?? "").toLowerCase()).includes("trailers");
      const scheme = target.isTls ? "https" : "http";
      const block = this.#blocks.make({ method, scheme, path: uri, text: made.text, bodySize, takesTrailers });
      return { head: block, method, target: uri, framing: "plain", upgrade: undefined };
    }
    let framing: PassedRequest["framing"] = "plain";
    let lines = "";
    if (bodySize >= 0) lines = `Content-Length: ${bodySize}\r\n`;
    else if (wanted.hasBody) {
      lines = "Transfer-Encoding: chunked\r\n";
      framing = "chunked";
    }
    // RFC 8441 §5: a client of HTTP/2 has sent no key, and needs none of the answer.
    if (made.upgrade === "websocket" && head.majorVersion === 2) lines += `Sec-WebSocket-Key: ${freshKey()}\r\n`;
    const version = this.settings.httpVersion;
    return {
      head: `${method} ${uri} HTTP/1.${version}\r\n${lines}${made.text}\r\n`, method, target: uri, framing,
      upgrade: made.upgrade,
    };
  }

  /** The request-target: as received where nothing is put into it (RFC 9112 §3.2.1). */
  #uri({ head, evaluation, target }: RequestToPass): string {
    const { uri } = target;
    if (uri === undefined) return originForm(head);
    if (this.#constant === undefined || this.#prefix === undefined) return safe(uri);
    const args = evaluation.args === "" ? "" : `?${evaluation.args}`;
    const { path } = evaluation;
    if (evaluation.isRewritten || !path.startsWith(this.#prefix)) return escapeUri(path, "uri") + args;
    return uri + escapeUri(path.slice(this.#prefix.length), "uri") + args;
  }
}

/** RFC 6455 §4.1: sixteen bytes of chance. */
function freshKey(): string {
  return randomBytes(16).toString("base64");
}

/** The target without scheme and authority. */
function originForm({ target, authority }: RequestHead): string {
  if (authority === undefined) return target;
  const start = target.indexOf("/", target.indexOf("://") + 3);
  const query = target.indexOf("?");
  if (start < 0 || (query >= 0 && query < start)) return query < 0 ? "/" : `/${target.slice(query)}`;
  return target.slice(start);
}

/** A target of variables: what would end it is escaped. */
function safe(uri: string): string {
  const hex = (byte: string): string => byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
  return uri.replace(/[\x00-\x20\x7f]/g, (byte) => `%${hex(byte)}`);
}

/** `proxy_redirect default`: the URL of proxy_pass leads to where its location is, the bare host to the root. */
function redirectOf(
  url: string, { uri }: ProxyTarget, prefix: string | undefined,
): UpstreamProtocol["redirectDefault"] {
  if (uri === undefined) return { from: `${url}/`, to: "/" };
  return prefix === undefined ? undefined : { from: url, to: prefix };
}
