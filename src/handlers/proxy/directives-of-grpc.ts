/** grpc_*: what a location says about passing requests on to gRPC servers (ngx_http_grpc_module). */
import { type ArgumentType, variableText } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import { type AnyDirectiveRow, type DirectiveRow, one, two } from "../../config/nginx/directive-row.ts";
import { err } from "../../std/result.ts";
import { fieldName } from "./directives-arguments.ts";
import { type FamilyRows, commonRows } from "./directives-common.ts";
import { type Family, everywhere } from "./directives-family.ts";
import type { PassPlaces } from "./directives-of-proxy.ts";
import { tlsRows } from "./directives-of-tls.ts";
import { tlsRowsWithoutEffect } from "./directives-without-effect.ts";
import type { ProxySettings } from "./settings.ts";
import { addressMistake } from "./upstream-address.ts";

const family: Family = {
  prefix: "grpc",
  module: "ngx_http_grpc_module",
  peer: "the gRPC server",
  nextUpstream: [
    "error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504", "http_403", "http_404",
    "http_429", "non_idempotent",
  ],
  hidden: ["date", "server"],
};

/** What nginx has of the rows that all families have; calls are never gathered, stored or paced. */
const ownNames: ReadonlySet<string> = new Set([
  "bind", "buffer_size", "connect_timeout", "hide_header", "ignore_headers", "intercept_errors", "next_upstream",
  "next_upstream_timeout", "next_upstream_tries", "pass_header", "read_timeout", "send_timeout", "socket_keepalive",
  "bind_dynamic",
].map((name) => `grpc_${name}`));

const shared = commonRows(family);
const tls = tlsRows(family);
const own = (rows: readonly AnyDirectiveRow[]): readonly AnyDirectiveRow[] =>
  rows.filter(({ name }) => ownNames.has(name));

export const grpcPassRow: DirectiveRow<ComplexValue> = {
  module: family.module,
  merge: "none",
  contexts: ["location", "if in location"],
  name: "grpc_pass",
  arguments: one(grpcAddress()),
  doc: "Where requests are passed to by gRPC, which is HTTP/2: an upstream's name, host:port or unix:path; with "
    + "grpcs:// in front over TLS.",
  example: "grpc_pass grpc://127.0.0.1:9000;",
};

function grpcAddress(): ArgumentType<ComplexValue> {
  const text = variableText("address");
  return {
    label: "address",
    parse: (word, directive) => {
      const value = text.parse(word, directive);
      const constant = value.ok ? constantOf(value.value) : undefined;
      const nginx = constant === undefined ? undefined : addressMistake(constant.replace(/^grpcs?:\/\//i, ""));
      if (nginx === undefined) return value;
      return err({ nginx, expected: "an upstream's name, host:port or unix:path, perhaps with grpcs:// in front" });
    },
  };
}

const setHeaderRow: DirectiveRow<readonly [name: string, value: ComplexValue]> = {
  module: family.module,
  merge: "nearest",
  contexts: everywhere,
  name: "grpc_set_header",
  arguments: two(fieldName(), variableText("value")),
  mayRepeat: true,
  doc: "A field of the requests that are passed on, in the place of the client's; with an empty value it is left out.",
  example: "grpc_set_header Host $host;",
};

/** What grpcSettings() depends on. */
export const grpcRows: readonly AnyDirectiveRow[] = [...own(shared.rows), ...tls.rows, setHeaderRow];

export const grpcDirectives: readonly AnyDirectiveRow[] = [
  grpcPassRow, ...grpcRows, ...own(shared.withoutEffect), ...tlsRowsWithoutEffect(family),
];

/** For what is asked of several rows together. */
export const grpcTogether: FamilyRows = {
  prefix: family.prefix, bind: shared.bind, sets: [...shared.sets, tls.protocols], tls,
};

/** What is in force in a block: HTTP/2, whose bodies flow both ways as they come. */
export function grpcSettings(block: Block, { prefix, directory }: PassPlaces): ProxySettings {
  return {
    ...shared.settings(block, prefix),
    buffering: false,
    requestBuffering: false,
    httpVersion: 2,
    setHeaders: block.all(setHeaderRow).map(([name, value]) => ({ name, value })),
    setBody: undefined,
    method: undefined,
    redirects: [],
    cookieDomains: [],
    cookiePaths: [],
    cookieFlags: [],
    tls: tls.settings(block, directory),
  };
}
