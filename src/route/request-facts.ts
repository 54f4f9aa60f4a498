/**
 * What the variables ask of a request: the one interface between this room and whoever holds the conversation.
 * Everything is a question that costs nothing until it is asked. Texts are bytes, one character each.
 */
import type { ProxyTlv } from "../protocol/proxy/index.ts";

/** What the PROXY protocol's header says of a connection. */
export interface ProxiedFacts {
  readonly source: PeerFacts;
  readonly destination: PeerFacts;
  readonly tlvs: readonly ProxyTlv[];
}

export interface RequestFacts {
  /** "GET /a?b HTTP/1.1" as received. */
  readonly requestLine: string;
  readonly method: string;
  /** `$request_uri`: path and query as received; of an absolute-form what follows the authority. */
  readonly target: string;
  /** "HTTP/1.1" */
  readonly protocol: string;
  readonly scheme: "http" | "https";
  /** The port in target or Host field, "" without. */
  readonly requestPort: string;
  /** Of target or Host field, normalised (hosts.ts); "" when the request has none. */
  readonly host: string;
  /** All values of a request field, joined as its grammar says. @param name in lower case */
  field(name: string): string | undefined;

  /** The client, as realip knows it. */
  readonly remote: PeerFacts;
  /** Who opened the connection. */
  readonly peer: PeerFacts;
  /** The end of the connection that is ours. */
  readonly local: PeerFacts;
  /** Of the PROXY protocol's header, when there was one. */
  readonly proxied: ProxiedFacts | undefined;
  /** `$connection`, `$connection_requests` from 1, and when it was opened, milliseconds since the epoch. */
  readonly connection: { readonly number: number; requests(): number; readonly startMs: number };

  /** May it go to the server whose settings are in force, over this connection? @returns the status if it may not */
  refusal(): number | undefined;
  /** The settings of this number are in force from now on, for variables as well. */
  enterLocation(location: number): void;
  /** Of the server that answers: its first name. */
  serverName(): string;
  /** root or alias of the location, the file of the request, and the root without symbolic links. */
  documentRoot(): string;
  filename(): string;
  realDocumentRoot(): string | undefined;

  /** Wall clock, milliseconds since the epoch; when the head began, on the same clock. */
  nowMs(): number;
  readonly startMs: number;
  /** Bytes of head and body so far. */
  requestSize(): number;
  /** 32 hexadecimal digits, the same at each call. */
  requestId(): string;
  /** The body, if it was read into memory, and the file, if into one. */
  body(): string | undefined;
  bodyFile(): string | undefined;
  /** Is the request one of several that arrived at once? */
  readonly pipelined: boolean;
  /** Bytes a second, 0 for no limit. */
  limitRate(): number;
  setLimitRate(bytesPerSecond: number): void;

  /** 0 before there is a response. */
  status(): number;
  /** Head, body and framing. */
  bytesSent(): number;
  bodyBytesSent(): number;
  /** Sizes of chunks, trailers and the like. */
  framingSent(): number;
  completed(): boolean;
  /** All values of a field, or trailer field, of the response. @param name in lower case */
  responseField(name: string): string | undefined;
  responseTrailer(name: string): string | undefined;

  /** Upstreams that were tried, in order. */
  upstreams(): readonly UpstreamFacts[];
  /** Of the last upstream's response, as responseField. */
  upstreamField(name: string): string | undefined;
  upstreamTrailer(name: string): string | undefined;
  /** Its Set-Cookie fields, one by one. */
  upstreamCookies(): readonly string[];

  /** A variable of another room (`providedVariables`): TLS, limits, compression and so on. */
  provided(name: string): string | undefined;
  /** Of this process. */
  readonly process: { readonly pid: number; readonly hostname: string; readonly version: string };
  /** Something for the error log. */
  report(level: "warn" | "error", message: string): void;
}

export interface PeerFacts {
  /** "192.0.2.1", "2001:db8::1", or "unix:" */
  readonly address: string;
  /** undefined for a Unix socket. */
  readonly port: number | undefined;
}

/** One attempt; what is not known yet is undefined. Times are milliseconds, sizes bytes. */
export interface UpstreamFacts {
  /** "192.0.2.1:80", "unix:/run/a.sock" */
  readonly address: string;
  readonly status: number | undefined;
  readonly connectMs: number | undefined;
  readonly headerMs: number | undefined;
  readonly responseMs: number | undefined;
  readonly responseSize: number | undefined;
  readonly bytesSent: number | undefined;
  readonly bytesReceived: number | undefined;
  /** The first after an internal redirect. */
  readonly redirected: boolean;
}
