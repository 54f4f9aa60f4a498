/**
 * The directives of routing: which server, which location, and what rewriting does on the way.
 * Those that make variables are in variable-directives.ts.
 */
import type { Refusal } from "../config/nginx/argument-types.ts";
import { onOff, string, variableName, variableText } from "../config/nginx/argument-types.ts";
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import {
  ARGUMENT_COUNT_MAX, type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow,
  type DirectiveRow, many, none, one, two,
} from "../config/nginx/directive-row.ts";
import { err, ok, type Result } from "../std/result.ts";
import { type Condition, parseCondition } from "./condition.ts";
import { type ErrorPage, parseErrorPage } from "./error-page.ts";
import { type ServerName, parseServerName } from "./hosts.ts";
import type { LocationMatch } from "./locations.ts";
import { readPattern } from "./regex.ts";
import { type Return, type Rewrite, parseReturn, parseRewrite } from "./rewrite-directive.ts";
import { type TryFiles, parseTryFiles } from "./try-files.ts";
import { variableDirectives } from "./variable-directives.ts";

export { geoRow, mapRow, readGeo, readMap, readSplitClients, splitClientsRow } from "./variable-directives.ts";
export type { EntryMistake, ReadEntries } from "./variable-directives.ts";

const coreModule = "ngx_http_core_module";
const rewriteModule = "ngx_http_rewrite_module";

/** Words that one function reads together; what it refuses is told at the word `index`. */
function words<T>(
  shape: Pick<Arguments<T>, "label" | "countMin" | "countMax">,
  parse: (given: readonly string[]) => Result<T, string>,
  index: (given: readonly string[]) => number = () => 0,
): Arguments<T> {
  return {
    ...shape,
    parse: (given) => {
      const value = parse(given);
      return value.ok ? value : err({ nginx: value.error, expected: undefined, index: index(given) });
    },
  };
}

/** `[ = | ~ | ~* | ^~ ] uri`, `@name`; the modifier may touch what follows it. */
export function parseLocation(given: readonly string[]): Result<LocationMatch, ArgumentRefusal> {
  const [first = "", second] = given;
  const index = second === undefined ? 0 : 1;
  const [modifier, rest] = second === undefined ? splitModifier(first) : [first, second];
  switch (modifier) {
    case "=": return ok({ kind: "exact", uri: rest });
    case "^~": return ok({ kind: "prefix", uri: rest, noRegex: true });
    case "~": case "~*": {
      const pattern = readPattern(rest, modifier === "~*");
      if (pattern.ok) return ok({ kind: "regex", pattern: pattern.value });
      return err({ nginx: pattern.error, expected: undefined, index });
    }
    case "":
      return ok(rest.startsWith("@") ? { kind: "named", name: rest } : { kind: "prefix", uri: rest, noRegex: false });
    default:
      return err({
        nginx: `invalid location modifier "${modifier}"`, expected: "one of =, ~, ~* and ^~", index: 0,
        words: ["=", "~", "~*", "^~"],
      });
  }
}

function splitModifier(word: string): readonly [modifier: string, rest: string] {
  const [, modifier = "", rest = ""] = /^(=|\^~|~\*|~)?(.*)$/s.exec(word) ?? [];
  return [modifier, rest];
}

export const httpRow: DirectiveRow<true> = {
  name: "http",
  contexts: ["main"],
  arguments: none(),
  content: { kind: "directives", context: "http" },
  merge: "none",
  module: coreModule,
  doc: "Holds everything about HTTP.",
  example: "http { server { listen 8080; } }",
};

export const serverRow: DirectiveRow<true> = {
  name: "server",
  contexts: ["http"],
  arguments: none(),
  content: { kind: "directives", context: "server" },
  mayRepeat: true,
  merge: "none",
  module: coreModule,
  doc: "A virtual server: found by the socket (listen) and the host that a request names (server_name).",
  example: "server { listen 8080; server_name shop.example; }",
};

export const serverNameRow: DirectiveRow<readonly ServerName[]> = {
  name: "server_name",
  contexts: ["server"],
  arguments: many({
    label: "name",
    parse: (word): Result<ServerName, Refusal> => {
      // nginx: the machine's own name; asked for where the names are used.
      const name = parseServerName(word);
      return name.ok ? name : err({ nginx: name.error, expected: undefined });
    },
  }),
  mayRepeat: true,
  merge: "none",
  module: coreModule,
  doc: "Hosts that this server answers: exact names, *.example.org, www.example.*, .example.org, ~expression.",
  example: "server_name shop.example *.shop.example;",
};

export const locationRow: DirectiveRow<LocationMatch> = {
  name: "location",
  contexts: ["server", "location"],
  arguments: { label: "[ = | ~ | ~* | ^~ ] uri | @name", countMin: 1, countMax: 2, parse: parseLocation },
  content: { kind: "directives", context: "location" },
  mayRepeat: true,
  merge: "none",
  module: coreModule,
  doc: "Settings for paths: equal to (=), beginning with, or matching (~, ~* without regard to case) what is written.",
  example: "location /static/ { root /srv/shop; }",
};

/** Methods as limit_except takes them; GET allows HEAD. */
const methods: readonly string[] = [
  "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "LOCK",
  "UNLOCK", "PATCH",
];

export const limitExceptRow: DirectiveRow<readonly string[]> = {
  name: "limit_except",
  contexts: ["location"],
  arguments: many({
    label: "method",
    words: methods,
    parse: (word): Result<string, Refusal> =>
      methods.includes(word.toUpperCase())
        ? ok(word.toUpperCase())
        : err({ nginx: `invalid method "${word}"`, expected: `one of ${methods.join(", ")}` }),
  }),
  content: { kind: "directives", context: "limit_except" },
  merge: "none",
  module: coreModule,
  doc: "What is said in its braces holds for all methods but these.",
  example: "limit_except GET { deny all; }",
};

export const internalRow: DirectiveRow<true> = {
  name: "internal",
  contexts: ["location"],
  arguments: none(),
  merge: "nearest",
  module: coreModule,
  doc: "Clients get 404; only redirects within the server (error_page, try_files, X-Accel-Redirect, rewrite) enter.",
  example: "internal;",
};

export const rootRow: DefaultedDirectiveRow<ComplexValue> = {
  name: "root",
  contexts: ["http", "server", "location", "if in location"],
  arguments: one(variableText("path")),
  default: "html",
  merge: "nearest",
  module: coreModule,
  doc: "The directory that paths are looked for in: the whole path follows it.",
  example: "root /srv/shop/public;",
};

export const aliasRow: DirectiveRow<ComplexValue> = {
  name: "alias",
  contexts: ["location"],
  arguments: one(variableText("path")),
  merge: "nearest",
  module: coreModule,
  doc: "The directory that stands in place of the location's path: what follows the path follows it.",
  example: "alias /srv/shop/static/;",
};

export const tryFilesRow: DirectiveRow<TryFiles> = {
  name: "try_files",
  contexts: ["server", "location"],
  arguments: words({ label: "file ... uri | =code | @name", countMin: 2, countMax: ARGUMENT_COUNT_MAX }, parseTryFiles,
    (given) => given.length - 1),
  merge: "none",
  module: coreModule,
  doc: "Answers with the first file that is there (a name that ends in a slash is a directory), else goes where the "
    + "last word says.",
  example: "try_files $uri $uri/ @app;",
};

export const errorPageRow: DirectiveRow<ErrorPage> = {
  name: "error_page",
  contexts: ["http", "server", "location", "if in location"],
  arguments: words({ label: "code ... [=[response]] uri", countMin: 2, countMax: ARGUMENT_COUNT_MAX }, parseErrorPage),
  mayRepeat: true,
  merge: "nearest",
  module: coreModule,
  doc: "What is shown in place of the server's own page for these statuses; =code changes the status, = takes what "
    + "the page answers.",
  example: "error_page 500 502 503 504 /50x.html;",
};

export const ifRow: DirectiveRow<Condition> = {
  name: "if",
  contexts: ["server"],
  arguments: words({ label: "(condition)", countMin: 1, countMax: ARGUMENT_COUNT_MAX }, parseCondition),
  content: { kind: "directives", context: "if" },
  mayRepeat: true,
  merge: "none",
  module: rewriteModule,
  doc: "Rewrites under a condition: a variable, = and !=, ~ and ~* with an expression, -f -d -e -x with a file.",
  example: "if ($scheme = http) { return 301 https://$host$request_uri; }",
};

export const ifInLocationRow: DirectiveRow<Condition> = {
  ...ifRow,
  contexts: ["location"],
  content: { kind: "directives", context: "if in location" },
  doc: "As in a server; and from then on the settings in its braces are in force.",
  example: "if ($request_method = POST) { return 405; }",
};

export const setRow: DirectiveRow<readonly [string, ComplexValue]> = {
  name: "set",
  contexts: ["server", "location", "if"],
  arguments: two(variableName(), variableText("value")),
  mayRepeat: true,
  merge: "none",
  module: rewriteModule,
  doc: "Gives a variable a value for the rest of the request.",
  example: "set $shop $host;",
};

export const rewriteRow: DirectiveRow<Rewrite> = {
  name: "rewrite",
  contexts: ["server", "location", "if"],
  arguments: words({ label: "regex replacement [last | break | redirect | permanent]", countMin: 2, countMax: 3 },
    parseRewrite),
  mayRepeat: true,
  merge: "none",
  module: rewriteModule,
  doc: "Replaces a path that matches; with redirect, permanent or another server's URL the client is sent there.",
  example: "rewrite ^/users/(.*)$ /show?user=$1 last;",
};

export const returnRow: DirectiveRow<Return> = {
  name: "return",
  contexts: ["server", "location", "if"],
  arguments: words({ label: "code [text] | code URL | URL", countMin: 1, countMax: 2 }, parseReturn),
  mayRepeat: true,
  merge: "none",
  module: rewriteModule,
  doc: "Answers at once; 444 closes the connection without an answer.",
  example: "return 301 https://$host$request_uri;",
};

export const breakRow: DirectiveRow<true> = {
  name: "break",
  contexts: ["server", "location", "if"],
  arguments: none(),
  mayRepeat: true,
  merge: "none",
  module: rewriteModule,
  doc: "Ends the rewriting of this block.",
  example: "break;",
};

export const rewriteLogRow: DefaultedDirectiveRow<boolean> = {
  name: "rewrite_log",
  contexts: ["http", "server", "location", "if"],
  arguments: one(onOff()),
  default: "off",
  merge: "nearest",
  module: rewriteModule,
  withoutEffect: "what rewriting does is not logged",
  doc: "nginx: writes what the rewrite directives do into the error log.",
  example: "rewrite_log on;",
};

const loadModuleRow: DirectiveRow<string> = {
  name: "load_module",
  contexts: ["main"],
  arguments: one(string("file")),
  mayRepeat: true,
  merge: "none",
  module: "ngx_core_module",
  withoutEffect: "modules are built in",
  doc: "nginx: loads a module.",
  example: "load_module modules/ngx_http_js_module.so;",
};

/** All rows of this room. */
export const routeDirectives: readonly AnyDirectiveRow[] = [
  httpRow, serverRow, serverNameRow, locationRow, limitExceptRow, internalRow, rootRow, aliasRow, tryFilesRow,
  errorPageRow, ifRow, ifInLocationRow, setRow, rewriteRow, returnRow, breakRow, rewriteLogRow, loadModuleRow,
  ...variableDirectives,
];
