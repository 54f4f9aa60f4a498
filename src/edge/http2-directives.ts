/** nginx's HTTP/2 module: what has a meaning here, and what nginx itself calls obsolete. */
import type { Http2Settings } from "../config/model.ts";
import { number, onOff, size, time } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import { sizeWithin } from "../config/nginx/bounded-arguments.ts";
import {
  type AnyDirectiveRow, type Arguments, type Context, type DefaultedDirectiveRow, one,
} from "../config/nginx/directive-row.ts";

const module = "ngx_http_v2_module";
const ofServers = { module, merge: "nearest", contexts: ["http", "server"] } as const;

/** RFC 9113 §6.5.2 recommends 100 at least; nginx has no bound. Each may hold a response's first bytes in memory. */
const STREAMS_MAX = 10_000;
/** What a frame may hold without being asked for more (RFC 9113 §4.2); less than this is all overhead. */
const CHUNK_SIZE_MAX = 16_384, CHUNK_SIZE_MIN = 64;
/** What all streams of a connection may have on their way to us. */
const PREREAD_SIZE_MAX = 1_048_576;

const http2Row: DefaultedDirectiveRow<boolean> = {
  ...ofServers,
  name: "http2",
  arguments: one(onOff()),
  default: "off",
  doc: "Connections may speak HTTP/2: with TLS where the client says so by ALPN, in cleartext where they begin with "
    + "its preface (prior knowledge). Without TLS the default server of a socket decides.",
  example: "http2 on;",
};

const streamsRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  name: "http2_max_concurrent_streams",
  arguments: one(number({ min: 1, max: STREAMS_MAX })),
  default: "128",
  doc: "Requests that one connection may have at once; more are refused, and the client may send them again.",
  example: "http2_max_concurrent_streams 256;",
};

const prereadRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  name: "http2_body_preread_size",
  arguments: one(sizeWithin({ min: 0, max: PREREAD_SIZE_MAX })),
  default: "64k",
  doc: "Bytes of a request's body that a client may send before anybody wants it.",
  example: "http2_body_preread_size 128k;",
};

const chunkRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  contexts: ["http", "server", "location"],
  name: "http2_chunk_size",
  arguments: one(size()),
  default: "8k",
  doc: "Bytes of a response's body in one frame, at most 16k: when several responses wait, each sends so much in turn. "
    + "What the default server of the socket says holds for the connection.",
  example: "http2_chunk_size 16k;",
};

/** nginx's replacements of the obsolete ones, in its own words. */
const obsolete = (instead: string): string => `nginx calls it obsolete: ${instead}`;

type Obsolete = readonly [
  name: string, syntax: Arguments<unknown>, byDefault: string, why: string, doc: string, contexts?: readonly Context[],
];
const everywhere: readonly Context[] = ["http", "server", "location"];
const PUSH = obsolete("responses are not pushed any more (RFC 9113 §8.4)");
const anything: Arguments<string> = { ...one({ label: "uri | off", parse: (word) => ({ ok: true, value: word }) }) };

const obsoleteDirectives: readonly Obsolete[] = [
  ["http2_idle_timeout", one(time()), "3m", obsolete("keepalive_timeout counts"),
    "How long a connection may be idle."],
  ["http2_max_concurrent_pushes", one(number({ min: 0, max: 2 ** 31 - 1 })), "10", PUSH,
    "Responses that may be pushed at once."],
  ["http2_max_field_size", one(size()), "4k", obsolete("large_client_header_buffers counts"),
    "Bytes of a compressed field."],
  ["http2_max_header_size", one(size()), "16k", obsolete("large_client_header_buffers counts"),
    "Bytes of all fields."],
  ["http2_max_requests", one(number({ min: 0, max: 2 ** 31 - 1 })), "1000", obsolete("keepalive_requests counts"),
    "Requests of one connection."],
  ["http2_push", anything, "off", PUSH, "A response to be pushed.", everywhere],
  ["http2_push_preload", one(onOff()), "off", PUSH, "Push what Link fields name.", everywhere],
  ["http2_recv_buffer_size", one(size()), "256k", "all connections of a thread are read into one buffer",
    "Memory that a process reads into.", ["http"]],
  ["http2_recv_timeout", one(time()), "30s", obsolete("client_header_timeout counts"),
    "How long a client may let the server wait."],
];

/** What http2Settings() depends on. */
export const http2Rows: readonly AnyDirectiveRow[] = [http2Row, streamsRow, prereadRow, chunkRow];

export const http2RowsWithoutEffect: readonly AnyDirectiveRow[] = obsoleteDirectives.map(
  ([name, syntax, byDefault, withoutEffect, doc, contexts = ofServers.contexts]) => ({
    name, contexts, arguments: syntax, default: byDefault, merge: "nearest" as const, module, withoutEffect, doc,
    mayRepeat: name === "http2_push", example: `${name} ${byDefault};`,
  }),
);

/** What is in force in a block. */
export function http2Settings(block: Block): Http2Settings {
  return {
    enabled: block.one(http2Row),
    maxConcurrentStreams: block.one(streamsRow),
    bodyPrereadSize: block.one(prereadRow),
    chunkSize: Math.min(CHUNK_SIZE_MAX, Math.max(CHUNK_SIZE_MIN, block.one(chunkRow))),
  };
}
