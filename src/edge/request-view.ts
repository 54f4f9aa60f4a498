/**
 * A request as its variables see it (`RequestFacts` of src/route): every answer is made when it is asked for.
 */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { hostname } from "node:os";
import { protocolOf } from "../http/request-head.ts";
import { fieldValue } from "../http/response-head.ts";
import { NGINX_VERSION } from "../std/version.ts";
import { normalizeHost } from "../route/index.ts";
import type { PeerFacts, ProxiedFacts, RequestFacts, UpstreamFacts } from "../route/index.ts";
import type { ConnectionCounts } from "./connection-counts.ts";
import type { ConnectionFacts, CurrentRequest } from "./current-request.ts";
import { uriOf } from "./internal-redirect.ts";
import { provided } from "./provided.ts";

const processFacts: RequestFacts["process"] = { pid: process.pid, hostname: hostname(), version: NGINX_VERSION };
/** Digits of `$request_id`, half of them bytes. */
const REQUEST_ID_SIZE = 16;
const SWITCHING_PROTOCOLS = 101, OK = 200;
const noCookies: readonly string[] = [];

/** The request in the words of nginx's error log. */
export function describe({ received, hostField, client, serverName, asked }: CurrentRequest): string {
  const { method, target } = received;
  const host = hostField === "" ? "" : `, host: "${hostField}"`;
  const request = `"${method} ${target} ${protocolOf(received)}"`;
  const upstream = asked === undefined ? "" : `, upstream: "${asked}"`;
  return `client: ${client.address}, server: ${serverName}, request: ${request}${upstream}${host}`;
}

export class RequestView implements RequestFacts {
  readonly #exchange: CurrentRequest;
  readonly #counts: ConnectionCounts;
  /** When somebody asked first, where nobody was expected to ask. */
  #askedMs: number | undefined = undefined;
  readonly process: RequestFacts["process"] = processFacts;
  #requestId: string | undefined = undefined;

  constructor(exchange: CurrentRequest, counts: ConnectionCounts) {
    this.#exchange = exchange;
    this.#counts = counts;
  }

  get requestLine(): string {
    const { received } = this.#exchange;
    return received.target === "" ? "" : `${received.method} ${received.target} ${protocolOf(received)}`;
  }

  get method(): string {
    return this.#exchange.isMain ? this.#exchange.head.method : this.#exchange.received.method;
  }

  get target(): string {
    const { received } = this.#exchange;
    const { target, authority } = received;
    // nginx: what could not be read has no `$request_uri`.
    if (target.includes("%") && uriOf(received, true) === undefined) return "";
    if (authority === undefined) return target;
    const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/is.exec(target)?.[1] ?? "";
    return path === "" ? "/" : path;
  }

  get protocol(): string {
    return protocolOf(this.#exchange.received);
  }

  get scheme(): "http" | "https" {
    return this.#exchange.peer.scheme;
  }

  get host(): string {
    return normalizeHost(this.#exchange.hostField) ?? "";
  }

  get requestPort(): string {
    return /:(\d{1,5})$/.exec(this.#exchange.hostField)?.[1] ?? "";
  }

  field(name: string): string | undefined {
    const { fields, authority, majorVersion } = this.#exchange.received;
    // A proxy in front may have taken it for the name with a hyphen, and let it through.
    if (name.includes("_") && !this.#exchange.http.underscoresInHeaders) return undefined;
    if (name === "host" && authority !== undefined) return authority;
    // RFC 8441: for files that pass $http_upgrade on, as nginx's documentation has them.
    if (name === "upgrade" && majorVersion === 2) return fields.semantics.upgrade;
    // RFC 6265 §5.4 and RFC 9113 §8.2.3: cookies join as they stand in one field.
    return fields.get(name, name === "cookie" ? "; " : ", ");
  }

  get remote(): PeerFacts {
    return this.#exchange.client;
  }

  get peer(): PeerFacts {
    return this.#exchange.connection.peer;
  }

  get local(): PeerFacts {
    return this.#exchange.connection.local;
  }

  get proxied(): ProxiedFacts | undefined {
    return this.#exchange.connection.proxied;
  }

  get connection(): ConnectionFacts {
    return this.#exchange.connection;
  }

  refusal(): number | undefined {
    const { connection, location } = this.#exchange;
    return connection.tls?.refusal(location.settings.tls);
  }

  enterLocation(location: number): void {
    this.#exchange.enterLocation(location);
  }

  serverName(): string {
    return this.#exchange.serverName;
  }

  documentRoot(): string {
    return this.#exchange.location.documentRoot(this.#exchange.evaluation);
  }

  filename(): string {
    const { mapping } = this.#exchange.location.settings;
    const { path } = this.#exchange.evaluation;
    const root = this.documentRoot();
    if (mapping.isWhole) return root;
    return root + (mapping.kind === "root" ? path : path.slice(mapping.prefix.length));
  }

  realDocumentRoot(): string | undefined {
    try {
      return realpathSync(this.documentRoot());
    } catch {
      // It is not there: the variable has no value.
      return undefined;
    }
  }

  get startMs(): number {
    const { startMs } = this.#exchange;
    return startMs === 0 ? (this.#askedMs ??= this.nowMs()) : startMs;
  }

  nowMs(): number {
    return performance.timeOrigin + performance.now();
  }

  requestSize(): number {
    const { isMain, received, bodySize, blockSize } = this.#exchange;
    // nginx: what frames carry, without their headers.
    if (isMain && blockSize >= 0) return blockSize + bodySize;
    const { method, target, fields } = received;
    // "METHOD target HTTP/1.1", its CRLF, the fields with theirs and the empty line.
    return isMain ? method.length + target.length + 12 + fields.bytes.length + bodySize : 0;
  }

  requestId(): string {
    return (this.#requestId ??= randomBytes(REQUEST_ID_SIZE).toString("hex"));
  }

  body(): string | undefined {
    const { body } = this.#exchange;
    return body?.kind === "whole" && body.bytes.length > 0 ? body.bytes.latin1Slice() : undefined;
  }

  bodyFile(): string | undefined {
    const { body } = this.#exchange;
    // A worker takes its own name away.
    return body?.kind === "file" ? (body.copy ?? body.path) : undefined;
  }

  get pipelined(): boolean {
    return this.#exchange.connection.pipelined;
  }

  limitRate(): number {
    return this.#exchange.limitRate ?? 0;
  }

  setLimitRate(bytesPerSecond: number): void {
    this.#exchange.limitRate = bytesPerSecond;
  }

  status(): number {
    const { status, errorStatus, evaluation, received } = this.#exchange;
    // RFC 8441 §5: so says a stream that another protocol has begun on.
    if (status === SWITCHING_PROTOCOLS && received.majorVersion === 2) return OK;
    return status === 0 ? (errorStatus ?? evaluation.returning) : status;
  }

  bytesSent(): number {
    const { headSize, bytesSent, framingSize } = this.#exchange;
    return headSize + bytesSent + framingSize;
  }

  bodyBytesSent(): number {
    return this.#exchange.bytesSent;
  }

  framingSent(): number {
    return this.#exchange.framingSize;
  }

  completed(): boolean {
    return this.#exchange.wasSent;
  }

  responseField(name: string): string | undefined {
    const { responseHead, isLast, received } = this.#exchange;
    if (name === "connection") return isLast || !received.persistent ? "close" : "keep-alive";
    return responseHead === undefined ? undefined : fieldValue(responseHead.fields, name);
  }

  responseTrailer(name: string): string | undefined {
    return fieldValue(this.#exchange.sentTrailers, name);
  }

  upstreams(): readonly UpstreamFacts[] {
    return this.#exchange.upstreams;
  }

  upstreamField(name: string): string | undefined {
    const { upstreamFields } = this.#exchange;
    return upstreamFields === undefined ? undefined : fieldValue(upstreamFields, name);
  }

  upstreamTrailer(name: string): string | undefined {
    const { upstreamTrailers } = this.#exchange;
    return upstreamTrailers === undefined ? undefined : fieldValue(upstreamTrailers, name);
  }

  upstreamCookies(): readonly string[] {
    const { upstreamFields } = this.#exchange;
    if (upstreamFields === undefined) return noCookies;
    return upstreamFields.flatMap(([name, value]) => (name.toLowerCase() === "set-cookie" ? [value] : []));
  }

  provided(name: string): string | undefined {
    return provided(name, this.#exchange, this.#counts);
  }

  report(level: "warn" | "error", message: string): void {
    this.#exchange.notice(level === "warn" ? "warning" : "error", message);
  }
}
