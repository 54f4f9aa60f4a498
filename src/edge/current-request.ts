/** A request in progress, as everybody sees it who answers for it or asks about it; exchange.ts tells its story. */
import type { AppBody, Peer } from "../app/index.ts";
import type { KeptFields, ProxyTarget } from "../handlers/index.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { RateSettings } from "../net/index.ts";
import type { Evaluation, PeerFacts, ProxiedFacts, UpstreamFacts } from "../route/index.ts";
import type { ConnectionTls } from "../tls/index.ts";
import type { Bytes } from "../std/bytes.ts";
import type { CompiledLocation } from "./compiled-site.ts";
import type { SentExchange } from "./response-channel.ts";

/** What is known of a connection from its start. */
export interface Accepted {
  /** From 1, in its thread. */
  readonly number: number;
  /** Its socket: a number in the site. */
  readonly site: number;
  /** Its socket: an index into the bases of the hello frame. */
  readonly listener: number;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}

/** What a connection is to the requests on it. */
export interface ConnectionFacts extends Accepted {
  readonly peer: PeerFacts;
  readonly local: PeerFacts;
  /** Of the PROXY protocol's header, where the connection began with one. */
  readonly proxied: ProxiedFacts | undefined;
  /** Undefined where its socket is not for TLS. */
  readonly tls: ConnectionTls | undefined;
  requests(): number;
  /** Room for what a list of trusted proxies says of the peer: the peer as it is with that. */
  trust: { readonly by: object; readonly peer: Peer; readonly client: undefined } | undefined;
  /** Room for what was made of the last request's fields for an upstream. */
  passed: KeptFields | undefined;
  /** Did more arrive behind this request? */
  readonly pipelined: boolean;
}

export interface CurrentRequest extends SentExchange {
  /** As it was received. */
  readonly received: RequestHead;
  /** As the handler sees it: rewriting and error pages change it. */
  readonly head: RequestHead;
  readonly connection: ConnectionFacts;
  /** As applications are told. */
  readonly peer: Peer;
  /** Who sent it, as realip and trusted proxies tell it. */
  readonly client: PeerFacts;
  /** Host field or authority as received, "" without. */
  readonly hostField: string;
  readonly serverName: string;
  /** Whose settings are in force. */
  readonly location: CompiledLocation;
  readonly evaluation: Evaluation;
  /** Bytes of its head as HTTP/2's header block, −1 where it came in HTTP/1.1. */
  readonly blockSize: number;
  /** Bytes of the body so far. */
  readonly bodySize: number;
  /** What came behind it, once it is complete. */
  readonly trailers: readonly FieldLine[];
  /** As an application gets it, undefined where none does. */
  readonly body: AppBody | undefined;
  /** What the page of an error is shown with; undefined for what answers by itself. */
  readonly errorStatus: number | undefined;
  /** The applications that were asked, in their order; nothing where no log is written. */
  readonly upstreams: readonly UpstreamFacts[];
  /** Not a request within another one. */
  readonly isMain: boolean;
  /** Nobody waits for an answer. */
  readonly abandoned: boolean;
  /** Milliseconds since the epoch, with a fraction; 0 when nothing asks for it. */
  readonly startMs: number;

  /** Of the final response; 0 before it starts. */
  status: number;
  /** Has the final response begun? */
  readonly responding: boolean;
  /** Did all of it leave? */
  readonly wasSent: boolean;
  responseHead: ResponseHead | undefined;
  sentTrailers: readonly FieldLine[];
  /** The fields that the application or the upstream sent, before anything was done to them. */
  upstreamFields: readonly FieldLine[] | undefined;
  /** And the trailers. */
  upstreamTrailers: readonly FieldLine[] | undefined;
  /** Who is asked just now: "http://192.0.2.1:80/uri"; undefined for applications. */
  readonly asked: string | undefined;
  /** `$proxy_host`, `$proxy_port`; undefined where nothing is proxied. */
  readonly target: Pick<ProxyTarget, "host" | "port"> | undefined;
  /** What `set $limit_rate` and X-Accel-Limit-Rate say, bytes a second, 0 for no limit; undefined: as the location. */
  limitRate: number | undefined;
  /** How fast the response may go. */
  readonly rate: RateSettings | undefined;

  /** Answers with what error_page says for the status, else with the edge's own page. */
  respondStatus(status: number, fields?: readonly FieldLine[]): void;
  /** The settings of this number are in force. */
  enterLocation(location: number): void;
  /** The response begins. @returns its head as error_page and X-Accel-Redirect change it */
  started(head: ResponseHead): ResponseHead;
  /** The response is complete, as far as it goes. */
  finish(): void;
  /** The application's answer is another place. @param fields to stay with what is found there */
  goElsewhere(redirect: string, fields: readonly FieldLine[]): void;
  /** It became a WebSocket, which shall be small. */
  forget(): void;
  /** The WebSocket that it became has ended. */
  over(): void;
  /** The body of a request within this one; empty when it has failed. */
  subrequest(uri: string): Promise<Bytes>;
  /** A line of the error log about it. */
  notice(level: "error" | "warning" | "info", text: string | undefined): void;
}
