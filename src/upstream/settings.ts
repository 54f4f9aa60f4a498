/** What a configuration says of upstreams: plain data. Names are nginx's; durations are milliseconds, sizes bytes. */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import type { Pattern } from "../route/index.ts";

/** Where connections are made to. */
export type NetworkAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export type UpstreamAddress =
  | NetworkAddress
  /** An application of ours, by its name: its workers are asked, and no connection is made. */
  | { readonly kind: "app"; readonly name: string };

/** One `server` line of an upstream. */
export interface UpstreamServerSettings {
  /** As written: "127.0.0.1:8081", "backend.example", "unix:/run/app.sock", "app:shop". */
  readonly name: string;
  /** A host may be a name; the port is 80 where none is written. */
  readonly address: UpstreamAddress;
  readonly weight: number;
  /** Connections at once, over all threads; 0 for no limit. */
  readonly maxConns: number;
  /** Failures within `failTimeoutMs` after which it is left alone for as long; 0: it is never. */
  readonly maxFails: number;
  readonly failTimeoutMs: number;
  readonly backup: boolean;
  readonly down: boolean;
  /** Only requests that stick to it. */
  readonly drain: boolean;
  /** Its weight grows for so long after it came back. */
  readonly slowStartMs: number;
  /** Its name is looked up again and again. */
  readonly resolve: boolean;
  /** Of DNS SRV records: "http" of `service=http`. */
  readonly service: string | undefined;
  /** For `sticky route`, and the cookie of `sticky cookie`. */
  readonly route: string | undefined;
}

export type BalanceSettings =
  | { readonly kind: "round_robin" }
  | { readonly kind: "least_conn" }
  | { readonly kind: "ip_hash" }
  | { readonly kind: "hash"; readonly key: ComplexValue; readonly consistent: boolean }
  /** `two` of them are drawn, and the better one is taken; without it, one is drawn. */
  | { readonly kind: "random"; readonly two: "least_conn" | "header" | "last_byte" | undefined }
  | { readonly kind: "least_time"; readonly until: "header" | "last_byte"; readonly inflight: boolean };

export type StickySettings =
  | {
      readonly kind: "cookie";
      readonly name: string;
      /** undefined: until the browser ends. */
      readonly expiresMs: number | "max" | undefined;
      readonly domain: ComplexValue | undefined;
      readonly path: ComplexValue | undefined;
      readonly httpOnly: boolean;
      readonly secure: boolean;
      readonly sameSite: ComplexValue | undefined;
    }
  | { readonly kind: "route"; readonly variables: readonly ComplexValue[] }
  | {
      readonly kind: "learn";
      /** Where a response names a new session; the first that is not empty counts. */
      readonly create: readonly ComplexValue[];
      readonly lookup: readonly ComplexValue[];
      /** Name and bytes of the shared memory. */
      readonly zone: { readonly name: string; readonly size: number };
      readonly timeoutMs: number;
      /** The session begins with the response's head, not with its end. */
      readonly header: boolean;
    };

/** Idle connections to an upstream, of one thread. */
export interface KeepaliveSettings {
  /** Most idle ones; 0: none is kept. */
  readonly connections: number;
  readonly requests: number;
  readonly timeMs: number;
  readonly timeoutMs: number;
}

export interface ResolverSettings {
  /** Name servers, "192.0.2.1" or "192.0.2.1:53" or "[2001:db8::1]:53": at least one. */
  readonly servers: readonly string[];
  /** How long an answer counts; undefined: as its TTL says. */
  readonly validMs: number | undefined;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly timeoutMs: number;
}

export interface UpstreamSettings {
  /** In lower case, as `proxy_pass` names it. */
  readonly name: string;
  readonly balance: BalanceSettings;
  readonly sticky: StickySettings | undefined;
  readonly servers: readonly UpstreamServerSettings[];
  readonly keepalive: KeepaliveSettings;
  readonly resolver: ResolverSettings | undefined;
}

/** When another server is asked (nginx: proxy_next_upstream). */
export type NextUpstream =
  | "error" | "timeout" | "invalid_header" | "http_500" | "http_502" | "http_503" | "http_504" | "http_403" | "http_404"
  | "http_429" | "non_idempotent";

/** How a location speaks to its upstream, whatever the protocol. */
export interface TransportSettings {
  readonly connectTimeoutMs: number;
  /** Between two writes, and between two reads, of which something came of. */
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Largest head of a response. */
  readonly bufferSize: number;
  readonly socketKeepalive: boolean;
  /** The local address of connections, "" for any. */
  readonly bind: ComplexValue | undefined;
  /** Without any word no other server is asked. */
  readonly nextUpstream: readonly NextUpstream[];
  /** 0 for no limit. */
  readonly nextUpstreamTries: number;
  readonly nextUpstreamTimeoutMs: number;
  /** Bytes a second that are read of a response; empty or "0" for no limit. */
  readonly limitRate: ComplexValue | undefined;
  readonly ignoreClientAbort: boolean;
  /** Are parts taken of what is sent whole? */
  readonly forceRanges: boolean;
  readonly passRequestHeaders: boolean;
  readonly passRequestBody: boolean;
  /** Where a copy of the response is kept: where the request's file is, or at this path. */
  readonly store: "off" | "on" | ComplexValue;
  /** Mode of that file, 0o600 and more. */
  readonly storeAccess: number;
}

/** What a response of a health check must be (`match NAME { }`); tests of one kind are joined by "and". */
export interface MatchSettings {
  readonly name: string;
  /** Undefined: 200 to 399. */
  readonly status: { readonly isNegated: boolean; readonly ranges: readonly (readonly [number, number])[] } | undefined;
  readonly headers: readonly MatchHeader[];
  readonly body: { readonly isNegated: boolean; readonly pattern: Pattern } | undefined;
}

export interface MatchHeader {
  readonly name: string;
  readonly isNegated: boolean;
  readonly test:
    | { readonly kind: "present" }
    | { readonly kind: "equal"; readonly value: string }
    | { readonly kind: "regex"; readonly pattern: Pattern };
}

export interface HealthCheckSettings {
  readonly intervalMs: number;
  readonly jitterMs: number;
  readonly fails: number;
  readonly passes: number;
  readonly uri: string;
  /** Another port than that of the requests. */
  readonly port: number | undefined;
  readonly match: MatchSettings | undefined;
  /** Until the first check has passed, it gets no requests; `persistent`: but after a reload as before it. */
  readonly mandatory: boolean;
  readonly persistent: boolean;
  /** `type=grpc`: the health protocol of gRPC instead of a GET. */
  readonly grpc: GrpcCheckSettings | undefined;
}

export interface GrpcCheckSettings {
  /** "" asks for the server as a whole. */
  readonly service: string;
  /** A status of gRPC that is well besides SERVING: that of a server without the protocol; 0 for none. */
  readonly status: number;
}
