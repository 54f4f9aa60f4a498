/** fastcgi_*: what a location says about passing requests on to FastCGI servers (ngx_http_fastcgi_module). */
import { type ArgumentType, onOff, string } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, one } from
  "../../config/nginx/directive-row.ts";
import { type Pattern, readPattern } from "../../route/index.ts";
import { err } from "../../std/result.ts";
import { type FamilyRows, commonRows } from "./directives-common.ts";
import { type Family, everywhere } from "./directives-family.ts";
import { type PeerAddress, ofParams, paramRow, peerAddress } from "./directives-of-params.ts";
import type { PassPlaces } from "./directives-of-proxy.ts";
import type { FastCgiSettings } from "./settings.ts";

const family: Family = {
  prefix: "fastcgi",
  module: "ngx_http_fastcgi_module",
  peer: "the FastCGI server",
  ...ofParams,
};

const common = { module: family.module, merge: "nearest", contexts: everywhere } as const;
const shared = commonRows(family);

export const fastcgiPassRow: DirectiveRow<PeerAddress> = {
  module: family.module,
  merge: "none",
  contexts: ["location", "if in location"],
  name: "fastcgi_pass",
  arguments: one(peerAddress("address", undefined)),
  doc: "Where requests are passed to by FastCGI: an upstream's name, host:port or unix:path.",
  example: "fastcgi_pass unix:/run/php/php-fpm.sock;",
};

const indexRow: DefaultedDirectiveRow<string> = {
  ...common,
  name: "fastcgi_index",
  arguments: one(string("name")),
  default: '""',
  doc: "What follows a path that ends in a slash, in $fastcgi_script_name.",
  example: "fastcgi_index index.php;",
};

export const splitPathInfoRow: DirectiveRow<Pattern> = {
  ...common,
  name: "fastcgi_split_path_info",
  arguments: one(twoCaptures()),
  doc: "An expression with two groups: $fastcgi_script_name and $fastcgi_path_info. (nginx's reference has it in "
    + "locations only; nginx takes it in a server, too, and so does this.)",
  example: "fastcgi_split_path_info ^(.+\\.php)(/.*)$;",
};

function twoCaptures(): ArgumentType<Pattern> {
  return {
    label: "regex",
    parse: (word) => {
      const pattern = readPattern(word, false);
      if (!pattern.ok) return err({ nginx: pattern.error, expected: undefined });
      if (pattern.value.groups.length === 2) return pattern;
      const nginx = `pattern "${word}" must have 2 captures`;
      return err({ nginx, expected: "an expression with two groups" });
    },
  };
}

const catchStderrRow: DirectiveRow<string> = {
  ...common,
  name: "fastcgi_catch_stderr",
  arguments: one(string("string")),
  mayRepeat: true,
  doc: "A text that, where it stands in the error stream of a response, makes the response invalid.",
  example: 'fastcgi_catch_stderr "PHP Fatal error";',
};

const keepConnRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "fastcgi_keep_conn",
  arguments: one(onOff()),
  default: "off",
  doc: "Tell the FastCGI server not to close connections, so that they can be kept.",
  example: "fastcgi_keep_conn on;",
};

const paramsRow = paramRow(family);

/** What fastcgiSettings() depends on. */
export const fastcgiRows: readonly AnyDirectiveRow[] = [
  ...shared.rows, indexRow, splitPathInfoRow, catchStderrRow, keepConnRow, paramsRow,
];

export const fastcgiDirectives: readonly AnyDirectiveRow[] = [
  fastcgiPassRow, ...fastcgiRows, ...shared.withoutEffect,
];

/** For what is asked of several rows together. */
export const fastcgiTogether: FamilyRows = {
  prefix: family.prefix, bind: shared.bind, sets: shared.sets, tls: undefined,
};

/** What is in force in a block. */
export function fastcgiSettings(block: Block, { prefix }: PassPlaces): FastCgiSettings {
  return {
    ...shared.settings(block, prefix),
    params: block.all(paramsRow),
    index: block.one(indexRow),
    splitPathInfo: block.optional(splitPathInfoRow),
    catchStderr: block.all(catchStderrRow),
    keepConn: block.one(keepConnRow),
  };
}
