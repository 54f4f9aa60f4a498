/**
 * The variables of the program: nginx's names and values (ngx_http_core_module, "Embedded Variables", and those of
 * realip, log, upstream and others). `$args` and `$limit_rate` may be assigned.
 */
import { tlvNamed } from "../protocol/proxy/index.ts";
import { addressBytes, parseIpAddress } from "../std/ip-address.ts";
import type { Evaluation } from "./evaluation.ts";
import { argumentOf, basicUser, cookieOf } from "./request-parts.ts";
import type { PeerFacts, RequestFacts } from "./request-facts.ts";
import { seconds, timeIso8601, timeLocal } from "./time-text.ts";
import { upstreamPrefixes, upstreamVariables } from "./upstream-variables.ts";
import type { PrefixDefinition, VariableDefinition } from "./variables.ts";

/** Everything that is so from the request's first byte on is made once. */
function fixed(name: string, get: (facts: RequestFacts) => string | undefined): VariableDefinition {
  return { name, isVolatile: false, get: ({ facts }) => get(facts) };
}

/** What the connection and the request's fields say: see VariableDefinition. */
function steady(definition: VariableDefinition): VariableDefinition {
  return { ...definition, isSteady: () => true };
}

/** Everything that changes while the request goes on. */
function current(name: string, get: (evaluation: Evaluation) => string | undefined): VariableDefinition {
  return { name, isVolatile: true, get };
}

function peer(prefix: string, of: (facts: RequestFacts) => PeerFacts | undefined): readonly VariableDefinition[] {
  return [
    steady(current(`${prefix}_addr`, ({ facts }) => of(facts)?.address)),
    steady(current(`${prefix}_port`, ({ facts }) => portText(of(facts)))),
  ];
}

function portText(peerFacts: PeerFacts | undefined): string | undefined {
  return peerFacts?.port === undefined ? undefined : String(peerFacts.port);
}

const uri: readonly VariableDefinition[] = [
  { ...current("args", argsOf), assign: assignArgs },
  { ...current("query_string", argsOf), assign: assignArgs },
  current("is_args", ({ args }) => (args === "" ? "" : "?")),
  current("uri", ({ path }) => path),
  current("document_uri", ({ path }) => path),
  fixed("request_uri", ({ target }) => target),
  current("document_root", ({ facts }) => facts.documentRoot()),
  current("realpath_root", ({ facts }) => facts.realDocumentRoot()),
  current("request_filename", ({ facts }) => facts.filename()),
];

/** Without any there is no value, as for logs. */
function argsOf({ args }: Evaluation): string | undefined {
  return args === "" ? undefined : args;
}

function assignArgs(evaluation: Evaluation, value: string): void {
  evaluation.args = value;
}

const request: readonly VariableDefinition[] = [
  fixed("request", ({ requestLine }) => requestLine),
  fixed("request_method", ({ method }) => method),
  fixed("server_protocol", ({ protocol }) => protocol),
  steady(fixed("scheme", ({ scheme }) => scheme)),
  steady(fixed("https", ({ scheme }) => (scheme === "https" ? "on" : ""))),
  fixed("http2", ({ protocol, scheme }) => (protocol !== "HTTP/2.0" ? "" : scheme === "https" ? "h2" : "h2c")),
  fixed("http3", ({ protocol }) => (protocol === "HTTP/3.0" ? "h3" : "")),
  steady(fixed("host", (facts) => (facts.host === "" ? facts.serverName() : facts.host))),
  steady(fixed("request_port", ({ requestPort }) => requestPort)),
  steady(fixed("is_request_port", ({ requestPort }) => (requestPort === "" ? "" : ":"))),
  fixed("content_length", (facts) => facts.field("content-length")),
  steady(fixed("content_type", (facts) => facts.field("content-type"))),
  steady(fixed("remote_user", (facts) => basicUser(facts.field("authorization") ?? ""))),
  fixed("request_id", (facts) => facts.requestId()),
  fixed("pipe", ({ pipelined }) => (pipelined ? "p" : ".")),
  current("request_body", ({ facts }) => facts.body()),
  current("request_body_file", ({ facts }) => facts.bodyFile()),
  current("request_length", ({ facts }) => String(facts.requestSize())),
  current("request_time", ({ facts }) => seconds(facts.nowMs() - facts.startMs)),
  current("request_completion", ({ facts }) => (facts.completed() ? "OK" : "")),
  steady(fixed("proxy_add_x_forwarded_for", (facts) => {
    const before = facts.field("x-forwarded-for");
    return before === undefined ? facts.remote.address : `${before}, ${facts.remote.address}`;
  })),
];

const connection: readonly VariableDefinition[] = [
  ...peer("remote", ({ remote }) => remote),
  ...peer("realip_remote", (facts) => facts.peer),
  ...peer("server", ({ local }) => local),
  ...peer("proxy_protocol", ({ proxied }) => proxied?.source),
  ...peer("proxy_protocol_server", ({ proxied }) => proxied?.destination),
  current("binary_remote_addr", ({ facts }) => {
    const address = parseIpAddress(facts.remote.address);
    return address === undefined ? facts.remote.address : addressBytes(address);
  }),
  steady(current("server_name", ({ facts }) => facts.serverName())),
  steady(fixed("connection", (facts) => String(facts.connection.number))),
  current("connection_requests", ({ facts }) => String(facts.connection.requests())),
  current("connection_time", ({ facts }) => seconds(facts.nowMs() - facts.connection.startMs)),
];

const response: readonly VariableDefinition[] = [
  // Three digits, as in a status line.
  current("status", ({ facts }) => String(facts.status()).padStart(3, "0")),
  current("bytes_sent", ({ facts }) => String(facts.bytesSent())),
  // nginx: all that was sent after the head.
  current("body_bytes_sent", ({ facts }) => String(facts.bodyBytesSent() + facts.framingSent())),
  {
    ...current("limit_rate", ({ facts }) => String(facts.limitRate())),
    assign: ({ facts }, value) => {
      // nginx's size: digits with k or m; what is none is passed over.
      const match = /^(\d{1,12})([kKmM]?)$/.exec(value);
      if (match === null) return;
      const factor = match[2] === "" ? 1 : match[2]?.toLowerCase() === "k" ? 1024 : 1024 ** 2;
      facts.setLimitRate(Number(match[1]) * factor);
    },
  },
];

const time: readonly VariableDefinition[] = [
  current("msec", ({ facts }) => seconds(facts.nowMs())),
  current("time_local", ({ facts }) => timeLocal(facts.nowMs())),
  current("time_iso8601", ({ facts }) => timeIso8601(facts.nowMs())),
];

const process: readonly VariableDefinition[] = [
  steady(fixed("hostname", (facts) => facts.process.hostname)),
  steady(fixed("pid", (facts) => String(facts.process.pid))),
  steady(fixed("nginx_version", (facts) => facts.process.version)),
];

/** Variables that other rooms know the values of: asked for by name (`RequestFacts.provided`). */
export const providedVariables: readonly string[] = [
  "connections_active", "connections_reading", "connections_waiting", "connections_writing",
  "date_gmt", "date_local", "fastcgi_path_info", "fastcgi_script_name",
  "gzip_ratio", "invalid_referer", "limit_conn_status", "limit_req_status",
  "proxy_host", "proxy_port", "secure_link", "secure_link_expires", "slice_range",
  "ssl_alpn_protocol", "ssl_cipher", "ssl_ciphers", "ssl_client_cert", "ssl_client_escaped_cert",
  "ssl_client_fingerprint", "ssl_client_i_dn", "ssl_client_i_dn_legacy", "ssl_client_raw_cert", "ssl_client_s_dn",
  "ssl_client_s_dn_legacy", "ssl_client_serial", "ssl_client_v_end", "ssl_client_v_remain", "ssl_client_v_start",
  "ssl_client_verify", "ssl_curve", "ssl_curves", "ssl_early_data", "ssl_protocol", "ssl_server_name",
  "ssl_session_id", "ssl_session_reused",
  "tcpinfo_rcv_space", "tcpinfo_rtt", "tcpinfo_rttvar", "tcpinfo_snd_cwnd",
  "uid_got", "uid_reset", "uid_set", "upstream_cache_status",
];

/** nginx: a configuration may decide by itself whether a client's cookie is set anew. */
function providedVariable(name: string): VariableDefinition {
  const variable = current(name, ({ facts }) => facts.provided(name));
  if (name !== "uid_reset") return variable;
  return { ...variable, isVolatile: false, isChangeable: true };
}

/** All variables of the program by name. */
export const builtinVariables: readonly VariableDefinition[] = [
  ...uri, ...request, ...connection, ...response, ...time, ...process, ...upstreamVariables,
  ...providedVariables.map((name) => providedVariable(name)),
];

/** "user_agent" is "user-agent"; where underscores are allowed in names, a field may also have them. */
function fieldOf(rest: string, get: (name: string) => string | undefined): string | undefined {
  return get(rest.replaceAll("_", "-")) ?? (rest.includes("_") ? get(rest) : undefined);
}

/** All variables of the program by prefix. */
export const builtinPrefixes: readonly PrefixDefinition[] = [
  { prefix: "arg_", get: ({ args }, rest) => argumentOf(args, rest) },
  { prefix: "cookie_", get: ({ facts }, rest) => cookieOf(facts.field("cookie") ?? "", rest), isSteady: true },
  { prefix: "http_", get: ({ facts }, rest) => fieldOf(rest, (name) => facts.field(name)), isSteady: true },
  { prefix: "sent_http_", get: ({ facts }, rest) => fieldOf(rest, (name) => facts.responseField(name)) },
  { prefix: "sent_trailer_", get: ({ facts }, rest) => fieldOf(rest, (name) => facts.responseTrailer(name)) },
  { prefix: "proxy_protocol_tlv_", get: ({ facts }, rest) => tlvNamed(facts.proxied?.tlvs ?? [], rest) },
  ...upstreamPrefixes,
];
