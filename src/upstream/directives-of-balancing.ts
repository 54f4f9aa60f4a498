/** Which member of an upstream is asked: the methods, and sticky (ngx_http_upstream_module). */
import { choice, time, variableText } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../config/nginx/complex-value.ts";
import {
  ARGUMENT_COUNT_MAX, type AnyDirectiveRow, type ArgumentRefusal, type DirectiveRow, none,
} from "../config/nginx/directive-row.ts";
import { parseSizeText } from "../config/nginx/units.ts";
import { isFieldName } from "../http/characters.ts";
import { type Result, err, ok } from "../std/result.ts";
import type { BalanceSettings, StickySettings } from "./settings.ts";

const common = { module: "ngx_http_upstream_module", merge: "none", contexts: ["upstream"] } as const;
/** Of several the last counts, as in nginx, and a warning tells. */
const method = { ...common, mayRepeat: true } as const;

function invalid(word: string, index: number, words: readonly string[]): Result<never, ArgumentRefusal> {
  return err({ nginx: `invalid parameter "${word}"`, expected: `one of ${words.join(", ")}`, index, words });
}

const ipHashRow: DirectiveRow<BalanceSettings> = {
  ...method,
  name: "ip_hash",
  arguments: { ...none(), parse: () => ok({ kind: "ip_hash" }) },
  doc: "The client's address decides: the first three numbers of IPv4, all of IPv6.",
  example: "ip_hash;",
};

const leastConnRow: DirectiveRow<BalanceSettings> = {
  ...method,
  name: "least_conn",
  arguments: { ...none(), parse: () => ok({ kind: "least_conn" }) },
  doc: "The member with the fewest requests, in proportion to its weight.",
  example: "least_conn;",
};

const hashRow: DirectiveRow<BalanceSettings> = {
  ...method,
  name: "hash",
  arguments: {
    label: "key [consistent]",
    countMin: 1,
    countMax: 2,
    parse: ([key = "", flag], directive) => {
      const value = variableText("key").parse(key, directive);
      if (!value.ok) return err({ ...value.error, index: 0 });
      if (flag !== undefined && flag !== "consistent") return invalid(flag, 1, ["consistent"]);
      return ok({ kind: "hash", key: value.value, consistent: flag !== undefined });
    },
  },
  doc: "A text with variables decides; consistent (ketama): a member that comes or goes moves few texts.",
  example: "hash $request_uri consistent;",
};

const randomMethods = {
  "least_conn": "least_conn", "least_time=header": "header", "least_time=last_byte": "last_byte",
} as const;

const randomRow: DirectiveRow<BalanceSettings> = {
  ...method,
  name: "random",
  arguments: {
    label: "[two [least_conn | least_time=header | least_time=last_byte]]",
    countMin: 0,
    countMax: 2,
    parse: ([two, word = "least_conn"]) => {
      if (two === undefined) return ok({ kind: "random", two: undefined });
      if (two !== "two") return invalid(two, 0, ["two"]);
      const names: readonly string[] = Object.keys(randomMethods);
      if (!isRandomMethod(word)) return invalid(word, 1, names);
      return ok({ kind: "random", two: randomMethods[word] });
    },
  },
  doc: "One that is drawn, in proportion to the weights; two: the better one of two that are drawn.",
  example: "random two least_conn;",
};

function isRandomMethod(word: string): word is keyof typeof randomMethods {
  return Object.hasOwn(randomMethods, word);
}

const leastTimeRow: DirectiveRow<BalanceSettings> = {
  ...method,
  name: "least_time",
  arguments: {
    label: "header | last_byte [inflight]",
    countMin: 1,
    countMax: 2,
    parse: ([until = "", flag], directive) => {
      const known = choice(["header", "last_byte"]).parse(until, directive);
      if (!known.ok) return invalid(until, 0, ["header", "last_byte"]);
      if (flag !== undefined && flag !== "inflight") return invalid(flag, 1, ["inflight"]);
      return ok({ kind: "least_time", until: known.value, inflight: flag !== undefined });
    },
  },
  doc: "The member with the shortest time until a response's head, or its end, and with the fewest requests; inflight: "
    + "requests that are not finished count, too.",
  example: "least_time header;",
};

/** Rows that choose a method. */
export const methodRows: readonly DirectiveRow<BalanceSettings>[] = [
  ipHashRow, leastConnRow, hashRow, randomRow, leastTimeRow,
];

export const stickyRow: DirectiveRow<StickySettings> = {
  ...common,
  name: "sticky",
  arguments: {
    label: "cookie name [parameter ...] | route $variable ... | learn parameter ...",
    countMin: 1,
    countMax: ARGUMENT_COUNT_MAX,
    parse: (words, directive) => {
      const [kind = "", ...rest] = words;
      if (rest.length === 0) {
        return err({ nginx: `invalid number of arguments in "${directive}" directive`, expected: undefined, index: 0 });
      }
      switch (kind) {
        case "cookie": return parseCookie(rest);
        case "route": return parseRoute(rest);
        case "learn": return parseLearn(rest);
        default: return invalid(kind, 0, ["cookie", "route", "learn"]);
      }
    },
  },
  doc: "A client stays with its member: cookie (a cookie that Tricorn sets), route (a variable has the member's "
    + "route=), learn (a session that responses begin, such as by $upstream_cookie_name, is remembered).",
  example: "sticky cookie srv_id expires=1h path=/;",
};

function parseRoute(words: readonly string[]): Result<StickySettings, ArgumentRefusal> {
  const variables: ComplexValue[] = [];
  for (const [at, word] of words.entries()) {
    const value = variableText("$variable").parse(word, "sticky");
    if (!value.ok) return err({ ...value.error, index: at + 1 });
    variables.push(value.value);
  }
  return ok({ kind: "route", variables });
}

type Cookie = Extract<StickySettings, { kind: "cookie" }>;

const cookieParameters: readonly string[] = [
  "expires=", "domain=", "path=", "samesite=", "httponly", "secure",
];

const sameSites: readonly string[] = ["strict", "lax", "none"];

function parseCookie([name = "", ...words]: readonly string[]): Result<StickySettings, ArgumentRefusal> {
  // RFC 6265 §4.1.1: a cookie's name is a token, as a field's is.
  if (!isFieldName(name)) return err({ nginx: `invalid parameter "${name}"`, expected: "a cookie's name", index: 1 });
  const cookie: { -readonly [Name in keyof Cookie]: Cookie[Name] } = {
    kind: "cookie", name, expiresMs: undefined, domain: undefined, path: undefined, httpOnly: false, secure: false,
    sameSite: undefined,
  };
  for (const [at, word] of words.entries()) {
    if (!takeCookieParameter(cookie, word)) return invalid(word, at + 2, cookieParameters);
  }
  return ok(cookie);
}

function takeCookieParameter(cookie: { -readonly [Name in keyof Cookie]: Cookie[Name] }, word: string): boolean {
  if (word === "httponly") return (cookie.httpOnly = true);
  if (word === "secure") return (cookie.secure = true);
  const [, name, value = ""] = /^(expires|domain|path|samesite)=(.+)$/s.exec(word) ?? [];
  if (name === "expires") {
    const ms = value === "max" ? ok("max" as const) : time("seconds").parse(value, "");
    if (ms.ok) cookie.expiresMs = ms.value;
    return ms.ok;
  }
  const text = variableText("value").parse(value, "");
  if (name === undefined || !text.ok) return false;
  if (name === "domain") cookie.domain = text.value;
  else if (name === "path") cookie.path = text.value;
  else {
    const constant = constantOf(text.value);
    if (constant !== undefined && !sameSites.includes(constant.toLowerCase())) return false;
    cookie.sameSite = text.value;
  }
  return true;
}

type Learn = Extract<StickySettings, { kind: "learn" }>;

const learnParameters: readonly string[] = ["create=", "lookup=", "zone=", "timeout=", "header"];
/** Of any zone in nginx: eight pages. */
export const ZONE_SIZE_MIN = 32_768;

function parseLearn(words: readonly string[]): Result<StickySettings, ArgumentRefusal> {
  const create: ComplexValue[] = [];
  const lookup: ComplexValue[] = [];
  let zone: Learn["zone"] | undefined = undefined;
  let timeoutMs = 600_000;
  let header = false;
  for (const [at, word] of words.entries()) {
    const [, name, value = ""] = /^(create|lookup|zone|timeout)=(.+)$/s.exec(word) ?? [];
    const text = variableText("$variable").parse(value, "");
    const ms = time().parse(value, "");
    const size = zoneOf(value);
    if (word === "header") header = true;
    else if (name === "create" && text.ok) create.push(text.value);
    else if (name === "lookup" && text.ok) lookup.push(text.value);
    else if (name === "zone" && size !== undefined) zone = size;
    else if (name === "timeout" && ms.ok) timeoutMs = ms.value;
    else return invalid(word, at + 1, learnParameters);
  }
  for (const [list, name] of [[create, "create"], [lookup, "lookup"]] as const) {
    if (list.length === 0) return err({ nginx: `"${name}" parameter is required`, expected: undefined, index: 0 });
  }
  if (zone === undefined) return err({ nginx: '"zone" parameter is required', expected: undefined, index: 0 });
  return ok({ kind: "learn", create, lookup, zone, timeoutMs, header });
}

function zoneOf(text: string): Learn["zone"] | undefined {
  const [, name = "", sizeText = ""] = /^([^:]+):(.+)$/.exec(text) ?? [];
  const size = parseSizeText(sizeText, true);
  return name === "" || size === undefined || size < ZONE_SIZE_MIN ? undefined : { name, size };
}

export const balancingDirectives: readonly AnyDirectiveRow[] = [...methodRows, stickyRow];

/** The last method of an upstream, or round robin. */
export function balanceOf(upstream: Block): BalanceSettings {
  const last = upstream.directives.findLast(({ row }) => isMethodRow(row));
  const row = methodRows.find((candidate) => candidate === last?.row);
  return row === undefined || last === undefined ? { kind: "round_robin" } : read(row, last.directive);
}

export function isMethodRow(row: AnyDirectiveRow): boolean {
  return methodRows.some((candidate) => candidate === row);
}

