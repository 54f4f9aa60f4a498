/** proxy_*: what a location says about passing requests on by HTTP (ngx_http_proxy_module). */
import { type ArgumentType, variableText } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, one, two,
} from "../../config/nginx/directive-row.ts";
import { err, ok } from "../../std/result.ts";
import {
  type CookieFlagsArgument, type ReplacementArgument, cookieFlagsArguments, domainOrRegex, fieldName, replacement,
  textOrRegex,
} from "./directives-arguments.ts";
import { type FamilyRows, commonRows } from "./directives-common.ts";
import { type Family, everywhere } from "./directives-family.ts";
import { tlsRows } from "./directives-of-tls.ts";
import { proxyRowsWithoutEffect, tlsRowsWithoutEffect } from "./directives-without-effect.ts";
import type { ProxySettings, Replacement } from "./settings.ts";
import { proxyUrlMistake } from "./upstream-address.ts";

const family: Family = {
  prefix: "proxy",
  module: "ngx_http_proxy_module",
  peer: "the upstream",
  nextUpstream: [
    "error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504", "http_403", "http_404",
    "http_429", "non_idempotent",
  ],
  hidden: ["date", "server", "x-pad"],
};

const { module } = family;
const common = { module, merge: "nearest", contexts: everywhere } as const;
const shared = commonRows(family);
const tls = tlsRows(family);

export const proxyPassRow: DirectiveRow<ComplexValue> = {
  module,
  merge: "none",
  contexts: ["location", "if in location", "limit_except"],
  name: "proxy_pass",
  arguments: one(proxyUrl()),
  doc: "Where requests are passed to by HTTP: http:// or https://, a host or an upstream's name or unix:path:, and "
    + "perhaps a path, which takes the place of the location's. With variables it is the whole URL.",
  example: "proxy_pass http://127.0.0.1:8000;",
};

function proxyUrl(): ArgumentType<ComplexValue> {
  const text = variableText("URL");
  return {
    label: "URL",
    parse: (word, directive) => {
      const value = text.parse(word, directive);
      const constant = value.ok ? constantOf(value.value) : undefined;
      if (constant === undefined) return value;
      const nginx = proxyUrlMistake(constant);
      if (nginx === undefined) return value;
      return err({ nginx, expected: "a URL such as http://127.0.0.1:8000 or http://upstream/path/" });
    },
  };
}

const httpVersionRow: DefaultedDirectiveRow<0 | 1 | 2> = {
  ...common,
  name: "proxy_http_version",
  arguments: one(httpVersion()),
  default: "1.1",
  doc: "The version of HTTP that is spoken to upstreams. 2 is spoken without any question over http://, and over "
    + "https:// where the upstream chooses it by ALPN.",
  example: "proxy_http_version 1.1;",
};

function httpVersion(): ArgumentType<0 | 1 | 2> {
  const words = ["1.0", "1.1", "2"];
  return {
    label: words.join(" | "),
    words,
    parse: (word) => {
      if (word === "1.1") return ok(1);
      if (word === "1.0") return ok(0);
      if (word === "2") return ok(2);
      return err({ nginx: `invalid value "${word}"`, expected: "1.0, 1.1 or 2" });
    },
  };
}

const setHeaderRow: DirectiveRow<readonly [name: string, value: ComplexValue]> = {
  ...common,
  name: "proxy_set_header",
  arguments: two(fieldName(), variableText("value")),
  mayRepeat: true,
  doc: "A field of the requests that are passed on, in the place of the client's; with an empty value it is left out. "
    + "Host is $proxy_host unless this says another.",
  example: "proxy_set_header Host $host;",
};

const setBodyRow: DirectiveRow<ComplexValue> = {
  ...common,
  name: "proxy_set_body",
  arguments: one(variableText("value")),
  doc: "The body of the requests that are passed on, in the place of the client's.",
  example: "proxy_set_body $request_body;",
};

const methodRow: DirectiveRow<ComplexValue> = {
  ...common,
  name: "proxy_method",
  arguments: one(variableText("method")),
  doc: "The method of the requests that are passed on, in the place of the client's.",
  example: "proxy_method POST;",
};

export const redirectRow: DirectiveRow<ReplacementArgument> = {
  ...common,
  name: "proxy_redirect",
  arguments: replacement({ label: "redirect replacement", alone: ["default", "off"], searched: textOrRegex }),
  mayRepeat: true,
  doc: "What stands in Location and Refresh of responses, and what takes its place; default (also where nothing is "
    + "written): the URL of proxy_pass, and the location's path.",
  example: "proxy_redirect http://localhost:8000/ /;",
};

const cookieDomainRow: DirectiveRow<ReplacementArgument> = {
  ...common,
  name: "proxy_cookie_domain",
  arguments: replacement({ label: "domain replacement", alone: ["off"], searched: domainOrRegex }),
  mayRepeat: true,
  doc: "A domain in Set-Cookie of responses, and what takes its place.",
  example: "proxy_cookie_domain localhost example.org;",
};

const cookiePathRow: DirectiveRow<ReplacementArgument> = {
  ...common,
  name: "proxy_cookie_path",
  arguments: replacement({ label: "path replacement", alone: ["off"], searched: textOrRegex }),
  mayRepeat: true,
  doc: "What a path in Set-Cookie of responses begins with, and what takes its place.",
  example: "proxy_cookie_path /two/ /;",
};

export const cookieFlagsRow: DirectiveRow<CookieFlagsArgument> = {
  ...common,
  name: "proxy_cookie_flags",
  arguments: cookieFlagsArguments,
  mayRepeat: true,
  doc: "Flags that a cookie of responses gets or loses: secure, httponly, samesite=strict and so on, or with no in "
    + "front.",
  example: "proxy_cookie_flags one httponly samesite=strict;",
};

/** Rows of replacements: several of one block are a list, unless one of them says off. */
export const replacementRows: readonly DirectiveRow<ReplacementArgument>[] = [
  redirectRow, cookieDomainRow, cookiePathRow,
];

/** What proxySettings() depends on. */
export const proxyRows: readonly AnyDirectiveRow[] = [
  ...shared.rows, ...tls.rows, httpVersionRow, setHeaderRow, setBodyRow, methodRow, ...replacementRows,
  cookieFlagsRow,
];

export const proxyDirectives: readonly AnyDirectiveRow[] = [
  proxyPassRow, ...proxyRows, ...shared.withoutEffect, ...proxyRowsWithoutEffect(family),
  ...tlsRowsWithoutEffect(family),
];

/** For what is asked of several rows together. */
export const proxyTogether: FamilyRows = {
  prefix: family.prefix, bind: shared.bind, sets: [...shared.sets, tls.protocols], tls,
};

/** Where relative paths begin: with a slash at the end. */
export interface PassPlaces {
  readonly prefix: string;
  /** The directory of the main file. */
  readonly directory: string;
}

/** What is in force in a block. */
export function proxySettings(block: Block, { prefix, directory }: PassPlaces): ProxySettings {
  const redirects = block.all(redirectRow);
  return {
    ...shared.settings(block, prefix),
    httpVersion: block.one(httpVersionRow),
    setHeaders: block.all(setHeaderRow).map(([name, value]) => ({ name, value })),
    setBody: block.optional(setBodyRow),
    method: block.optional(methodRow),
    redirects: redirects.length === 0 ? ["default"] : redirects.filter((redirect) => redirect !== "off"),
    cookieDomains: replacements(block.all(cookieDomainRow)),
    cookiePaths: replacements(block.all(cookiePathRow)),
    cookieFlags: block.all(cookieFlagsRow).filter((flags) => flags !== "off"),
    tls: tls.settings(block, directory),
  };
}

function replacements(written: readonly ReplacementArgument[]): readonly Replacement[] {
  return written.filter((each) => typeof each !== "string");
}
