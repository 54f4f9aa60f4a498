/** uwsgi_*: what a location says about passing requests on to uWSGI (ngx_http_uwsgi_module). */
import { number } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, one } from
  "../../config/nginx/directive-row.ts";
import { type FamilyRows, commonRows } from "./directives-common.ts";
import { type Family, everywhere } from "./directives-family.ts";
import { type PeerAddress, ofParams, paramRow, peerAddress } from "./directives-of-params.ts";
import type { PassPlaces } from "./directives-of-proxy.ts";
import { tlsRows } from "./directives-of-tls.ts";
import { tlsRowsWithoutEffect } from "./directives-without-effect.ts";
import type { UwsgiSettings } from "./settings.ts";

const family: Family = {
  prefix: "uwsgi",
  module: "ngx_http_uwsgi_module",
  peer: "the uWSGI server",
  ...ofParams,
};

const common = { module: family.module, merge: "nearest", contexts: everywhere } as const;
const shared = commonRows(family);
const tls = tlsRows(family);

export const uwsgiPassRow: DirectiveRow<PeerAddress> = {
  module: family.module,
  merge: "none",
  contexts: ["location", "if in location"],
  name: "uwsgi_pass",
  arguments: one(peerAddress("[protocol://]address", /^(s?)uwsgi:\/\//i)),
  doc: "Where requests are passed to by the uwsgi protocol: an upstream's name, host:port or unix:path; with suwsgi:// "
    + "in front over TLS.",
  example: "uwsgi_pass 127.0.0.1:3031;",
};

function modifier(name: "uwsgi_modifier1" | "uwsgi_modifier2", doc: string): DefaultedDirectiveRow<number> {
  return {
    ...common, name, arguments: one(number({ min: 0, max: 255 })), default: "0", doc, example: `${name} 9;`,
  };
}

const modifier1Row = modifier("uwsgi_modifier1", "The first modifier of requests: who handles them (0: Python).");
const modifier2Row = modifier("uwsgi_modifier2", "The second modifier of requests.");
const paramsRow = paramRow(family);

/** What uwsgiSettings() depends on. */
export const uwsgiRows: readonly AnyDirectiveRow[] = [
  ...shared.rows, ...tls.rows, modifier1Row, modifier2Row, paramsRow,
];

export const uwsgiDirectives: readonly AnyDirectiveRow[] = [
  uwsgiPassRow, ...uwsgiRows, ...shared.withoutEffect, ...tlsRowsWithoutEffect(family),
];

/** For what is asked of several rows together. */
export const uwsgiTogether: FamilyRows = {
  prefix: family.prefix, bind: shared.bind, sets: [...shared.sets, tls.protocols], tls,
};

/** What is in force in a block. */
export function uwsgiSettings(block: Block, { prefix, directory }: PassPlaces): UwsgiSettings {
  return {
    ...shared.settings(block, prefix),
    params: block.all(paramsRow),
    modifier1: block.one(modifier1Row),
    modifier2: block.one(modifier2Row),
    tls: tls.settings(block, directory),
  };
}
