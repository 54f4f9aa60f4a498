/** `upstream NAME { }`, and what of it is neither its members nor how they are chosen (ngx_http_upstream_module). */
import { number, string, time } from "../config/nginx/argument-types.ts";
import { type Block, type CheckedDirective, read } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import { expand } from "../config/nginx/tree.ts";
import { parseSizeText } from "../config/nginx/units.ts";
import { type Result, err, ok } from "../std/result.ts";
import { ZONE_SIZE_MIN, balanceOf, balancingDirectives, isMethodRow, stickyRow } from "./directives-of-balancing.ts";
import { upstreamResolver } from "./directives-of-resolver.ts";
import { type NamedApp, namedApps, upstreamServerRow } from "./directives-of-servers.ts";
import type { BalanceSettings, UpstreamSettings } from "./settings.ts";

const COUNT_MAX = 2 ** 31 - 1;
const common = { module: "ngx_http_upstream_module", merge: "none", contexts: ["upstream"] } as const;

export const upstreamRow: DirectiveRow<string> = {
  module: "ngx_http_upstream_module",
  merge: "none",
  contexts: ["http"],
  name: "upstream",
  arguments: one(string("name")),
  content: { kind: "directives", context: "upstream" },
  mayRepeat: true,
  doc: "A group of servers, which proxy_pass, uwsgi_pass and fastcgi_pass name in the place of a host.",
  example: "upstream shop { server 127.0.0.1:8001; server 127.0.0.1:8002; }",
};

const keepaliveRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "keepalive",
  arguments: {
    label: "connections [local]",
    countMin: 1,
    countMax: 2,
    parse: ([word = "", flag], directive): Result<number, ArgumentRefusal> => {
      const value = /^\d{1,9}$/.test(word) ? Number(word) : undefined;
      if (value === undefined) {
        const expected = "a number of connections; 0: none is kept";
        return err({ nginx: `invalid value "${word}" in "${directive}" directive`, expected, index: 0 });
      }
      if (flag === undefined || flag === "local") return ok(value);
      return err({ nginx: `invalid parameter "${flag}"`, expected: "local", index: 1, words: ["local"] });
    },
  },
  default: "32",
  doc: "Most idle connections that each thread keeps to the members, whichever location they were made for; 0: none.",
  example: "keepalive 16;",
};

const keepaliveRequestsRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "keepalive_requests",
  arguments: one(number({ min: 0, max: COUNT_MAX })),
  default: "1000",
  doc: "Requests that one connection to a member carries before it is closed.",
  example: "keepalive_requests 10000;",
};

const keepaliveTimeRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "keepalive_time",
  arguments: one(time()),
  default: "1h",
  doc: "A connection to a member that is older than this is closed after its request.",
  example: "keepalive_time 10m;",
};

const keepaliveTimeoutRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "keepalive_timeout",
  arguments: one(time()),
  default: "60s",
  doc: "How long an idle connection to a member is kept.",
  example: "keepalive_timeout 30s;",
};

const zoneArguments: Arguments<string> = {
  label: "name [size]",
  countMin: 1,
  countMax: 2,
  parse: ([name = "", size]) => {
    if (name === "") return err({ nginx: 'invalid zone name ""', expected: "a name", index: 0 });
    if (size === undefined) return ok(name);
    const bytes = parseSizeText(size, false);
    const expected = "a size of 32k or more";
    if (bytes === undefined) return err({ nginx: `invalid zone size "${size}"`, expected, index: 1 });
    return bytes < ZONE_SIZE_MIN ? err({ nginx: `zone "${name}" is too small`, expected, index: 1 }) : ok(name);
  },
};

const zoneRow: DirectiveRow<string> = {
  ...common,
  name: "zone",
  arguments: zoneArguments,
  mayRepeat: true,
  withoutEffect: "what is known of an upstream's members is shared by all threads anyway, in memory that fits them",
  doc: "nginx: memory in which processes share what they know of the members.",
  example: "zone shop 64k;",
};

export const upstreamBlockDirectives: readonly AnyDirectiveRow[] = [
  upstreamRow, upstreamServerRow, ...balancingDirectives, keepaliveRow, keepaliveRequestsRow, keepaliveTimeRow,
  keepaliveTimeoutRow, zoneRow,
];

/** Every `upstream NAME { }` of the http block, in order. */
export function upstreamSettings(http: Block): readonly UpstreamSettings[] {
  return http.own(upstreamRow).flatMap(({ directive, block }) => {
    if (block === undefined) return [];
    return [{
      name: read(upstreamRow, directive).toLowerCase(),
      balance: balanceOf(block),
      sticky: block.optional(stickyRow),
      servers: block.all(upstreamServerRow).map(({ server }) => server),
      keepalive: {
        connections: block.one(keepaliveRow),
        requests: block.one(keepaliveRequestsRow),
        timeMs: block.one(keepaliveTimeRow),
        timeoutMs: block.one(keepaliveTimeoutRow),
      },
      resolver: upstreamResolver(block, http),
    }];
  });
}

/** Every application that an upstream of the http block has among its members. */
export function appMembers(http: Block): readonly NamedApp[] {
  return http.own(upstreamRow).flatMap(({ block }) => (block === undefined ? [] : namedApps(block)));
}

/** What one directive of an upstream alone does not show. */
export function upstreamMistakes(http: Block): readonly PlacedMistake[] {
  const names = new Set<string>();
  return http.own(upstreamRow).flatMap((at) => {
    const { directive, block } = at;
    const name = read(upstreamRow, directive);
    const place = directive.args[0] ?? directive.name;
    const mistakes: PlacedMistake[] = [];
    if (block !== undefined) mistakes.push(...methodMistakes(block), ...memberMistakes(at, block));
    if (names.has(name.toLowerCase())) {
      mistakes.push({ place, nginx: `duplicate upstream "${name}"`, hint: "give it another name" });
    }
    names.add(name.toLowerCase());
    return mistakes;
  });
}

/** Methods for which a member has no parameters but these. */
const withoutBackup: readonly BalanceSettings["kind"][] = ["ip_hash", "hash", "random"];

/** In the order in which they are written, as nginx reads them. */
function methodMistakes(upstream: Block): readonly PlacedMistake[] {
  const mistakes: PlacedMistake[] = [];
  let isChosen = false;
  let allowsBackup = true;
  for (const { row, directive } of upstream.directives) {
    if (isMethodRow(row)) {
      if (isChosen) {
        mistakes.push({ severity: "warning", place: directive.name, nginx: "load balancing method redefined" });
      }
      isChosen = true;
      allowsBackup = !withoutBackup.some((kind) => kind === directive.name.value);
    } else if (row === upstreamServerRow && !allowsBackup) {
      const place = directive.args.find(({ value }) => value === "backup" || value.startsWith("slow_start="));
      const [parameter = ""] = place?.value.split("=", 1) ?? [];
      if (place === undefined) continue;
      mistakes.push({
        place, nginx: `balancing method does not support parameter "${parameter}"`, hint: `leave ${parameter} out`,
      });
    }
  }
  return mistakes;
}

function memberMistakes({ directive }: CheckedDirective, upstream: Block): readonly PlacedMistake[] {
  const servers = upstream.all(upstreamServerRow);
  const place = directive.args[0] ?? directive.name;
  if (servers.length === 0) {
    // One that is refused was there.
    if (expand(directive.block ?? []).some(({ name }) => name.value === upstreamServerRow.name)) return [];
    return [{ place, nginx: "no servers are inside upstream", hint: "for example: server 127.0.0.1:8000;" }];
  }
  if (servers.some(({ server }) => !server.backup)) return [];
  return [{ place, nginx: `no servers in upstream "${place.value}"`, hint: "one of them must not be a backup" }];
}
