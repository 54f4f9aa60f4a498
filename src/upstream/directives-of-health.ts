/** `match` and `health_check`: what nginx sells as ngx_http_upstream_hc_module. */
import { number, string, time } from "../config/nginx/argument-types.ts";
import { type Block, read } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { Directive } from "../config/nginx/tree.ts";
import { readPattern } from "../route/index.ts";
import { type Result, err, ok } from "../std/result.ts";
import type { HealthCheckSettings, MatchHeader, MatchSettings } from "./settings.ts";

const healthModule = "ngx_http_upstream_hc_module";
const WORD_COUNT_MAX = 32;
/** Fails and passes in a row: more are a typing error. */
const COUNT_MAX = 1000;

/** One line of a match block. */
type MatchEntry =
  | { readonly kind: "status"; readonly status: NonNullable<MatchSettings["status"]> }
  | { readonly kind: "header"; readonly header: MatchHeader }
  | { readonly kind: "body"; readonly body: NonNullable<MatchSettings["body"]> };

export const matchRow: DirectiveRow<string> = {
  module: healthModule,
  merge: "none",
  contexts: ["http"],
  name: "match",
  arguments: one(string("name")),
  content: { kind: "entries", check: parseEntry },
  mayRepeat: true,
  doc: "What the response to a health check must be: status 200 301-303, status ! 500, header Name [= | != | ~ | !~ "
    + "value], header ! Name, body ~ expression, body !~ expression. All of it must hold.",
  example: "match alive { status 200-299; body ~ ok; }",
};

function parseEntry(words: readonly string[]): Result<MatchEntry, ArgumentRefusal> {
  const [name = "", ...rest] = words;
  switch (name) {
    case "status": return parseStatus(rest);
    case "header": return parseHeader(rest);
    case "body": return parseBody(rest);
    default: {
      const expected = "status, header or body";
      const known = ["status", "header", "body"];
      return err({ nginx: `unknown directive "${name}"`, expected, index: 0, words: known });
    }
  }
}

function refuse(word: string | undefined, index: number, expected: string): Result<never, ArgumentRefusal> {
  return err({ nginx: `invalid parameter "${word ?? ""}"`, expected, index });
}

function parseStatus(words: readonly string[]): Result<MatchEntry, ArgumentRefusal> {
  const isNegated = words[0] === "!";
  const ranges: (readonly [number, number])[] = [];
  for (const [at, word] of words.entries()) {
    if (at === 0 && isNegated) continue;
    const [, first = "", last = first] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? [];
    if (first === "" || last < first) return refuse(word, at + 1, "a status such as 200, or a range such as 200-299");
    ranges.push([Number(first), Number(last)]);
  }
  if (ranges.length === 0) return refuse(words[0], 0, "followed by a status");
  return ok({ kind: "status", status: { isNegated, ranges } });
}

function parseHeader(words: readonly string[]): Result<MatchEntry, ArgumentRefusal> {
  const header = (name: string, isNegated: boolean, test: MatchHeader["test"]): Result<MatchEntry, ArgumentRefusal> =>
    ok({ kind: "header", header: { name: name.toLowerCase(), isNegated, test } });
  const [first = "", second = "", value = ""] = words;
  if (words.length === 1) return header(first, false, { kind: "present" });
  if (words.length === 2 && first === "!") return header(second, true, { kind: "present" });
  const isNegated = second.startsWith("!");
  const operator = isNegated ? second.slice(1) : second;
  if (words.length !== 3) return refuse(first, 0, "header and a name, perhaps with = or ~ and a value");
  if (operator === "=") return header(first, isNegated, { kind: "equal", value });
  if (operator !== "~" && operator !== "~*") return refuse(second, 2, "one of =, !=, ~ and !~");
  const pattern = readPattern(value, operator === "~*");
  if (!pattern.ok) return err({ nginx: pattern.error, expected: undefined, index: 3 });
  return header(first, isNegated, { kind: "regex", pattern: pattern.value });
}

function parseBody(words: readonly string[]): Result<MatchEntry, ArgumentRefusal> {
  const [operator, value] = words;
  if (value === undefined || words.length !== 2 || (operator !== "~" && operator !== "!~")) {
    return refuse(operator, words.length === 0 ? 0 : 1, "~ or !~ and an expression");
  }
  const pattern = readPattern(value, false);
  if (!pattern.ok) return err({ nginx: pattern.error, expected: undefined, index: 2 });
  return ok({ kind: "body", body: { isNegated: operator === "!~", pattern: pattern.value } });
}

/** The match blocks of http, by name. */
function matches(http: Block): ReadonlyMap<string, MatchSettings> {
  return new Map(http.own(matchRow).map(({ directive, entries = [] }) => {
    const name = read(matchRow, directive);
    return [name, matchOf(name, entries)];
  }));
}

function matchOf(name: string, entries: readonly Directive[]): MatchSettings {
  const read = entries.flatMap((entry) => {
    const parsed = parseEntry([entry.name.value, ...entry.args.map(({ value }) => value)]);
    return parsed.ok ? [parsed.value] : [];
  });
  return {
    name,
    status: read.find((entry) => entry.kind === "status")?.status,
    headers: read.flatMap((entry) => (entry.kind === "header" ? [entry.header] : [])),
    body: read.find((entry) => entry.kind === "body")?.body,
  };
}

/** What a health_check says; the match by its name. */
interface WrittenCheck extends Omit<HealthCheckSettings, "match" | "grpc"> {
  readonly match: string | undefined;
  readonly type: "http" | "grpc";
  readonly grpcService: string | undefined;
  readonly grpcStatus: number | undefined;
}

export const healthCheckRow: DirectiveRow<WrittenCheck> = {
  module: healthModule,
  merge: "none",
  contexts: ["location"],
  name: "health_check",
  arguments: healthCheckArguments(),
  doc: "Asks each member of the location's upstream by itself: interval= (5s), jitter= (0), fails= and passes= in a "
    + "row (1), uri= (/), port=, match=, mandatory (before the first check has passed, a member gets no requests), "
    + "persistent (but after a reload as before it). type=grpc, where grpc_pass is, asks by gRPC's health protocol: "
    + "grpc_service= (the server as a whole), grpc_status= (a status that is well, too: 12 of a server without it).",
  example: "health_check interval=10s fails=3 uri=/alive;",
};

const parameterNames: readonly string[] = [
  "interval=", "jitter=", "fails=", "passes=", "uri=", "port=", "match=", "mandatory", "persistent", "type=",
  "grpc_service=", "grpc_status=",
];
/** gRPC's statuses go from 0 to 16; 0 is well by itself. */
const GRPC_STATUS_MAX = 16;
/** A name as protoc takes it; longer ones are a mistake. */
const GRPC_SERVICE = /^[\w.-]{1,512}$/;
const URI_DEFAULT = "/";

function healthCheckArguments(): Arguments<WrittenCheck> {
  return {
    label: "[parameter ...]",
    countMin: 0,
    countMax: WORD_COUNT_MAX,
    parse: (words) => {
      const check: { -readonly [Name in keyof WrittenCheck]: WrittenCheck[Name] } = {
        intervalMs: 5000, jitterMs: 0, fails: 1, passes: 1, uri: URI_DEFAULT, port: undefined, match: undefined,
        mandatory: false, persistent: false, type: "http", grpcService: undefined, grpcStatus: undefined,
      };
      for (const [index, word] of words.entries()) {
        if (takeParameter(check, word)) continue;
        const expected = `a parameter such as ${parameterNames.join(", ")}`;
        return err({ nginx: `invalid parameter "${word}"`, expected, index, words: parameterNames });
      }
      const nginx = checkMistake(check);
      return nginx === undefined ? ok(check) : err({ nginx, expected: undefined, index: 0 });
    },
  };
}

/** What does not go together. */
function checkMistake({ persistent, mandatory, type, uri, match, grpcService, grpcStatus }: WrittenCheck):
  string | undefined {
  if (persistent && !mandatory) return '"persistent" requires "mandatory"';
  if (type === "http") {
    return grpcService === undefined && grpcStatus === undefined ? undefined
      : '"grpc_service" and "grpc_status" require "type=grpc"';
  }
  return uri === URI_DEFAULT && match === undefined ? undefined : '"type=grpc" takes neither "uri" nor "match"';
}

/** @returns whether it is one, and its value is good */
function takeParameter(check: { -readonly [Name in keyof WrittenCheck]: WrittenCheck[Name] }, word: string): boolean {
  if (word === "mandatory" || word === "persistent") return (check[word] = true);
  const [, name, value = ""] = /^(\w+)=(.+)$/s.exec(word) ?? [];
  switch (name) {
    case "interval": case "jitter": {
      const ms = time().parse(value, "");
      if (ms.ok) check[`${name}Ms`] = ms.value;
      return ms.ok && (name === "jitter" || ms.value > 0);
    }
    case "fails": case "passes": {
      const count = number({ min: 1, max: COUNT_MAX }).parse(value, "");
      if (count.ok) check[name] = count.value;
      return count.ok;
    }
    case "port": {
      const port = number({ min: 1, max: 65_535 }).parse(value, "");
      if (port.ok) check.port = port.value;
      return port.ok;
    }
    case "uri":
      check.uri = value;
      // What stands in a request line (RFC 9112 §3.2.1).
      return /^\/[\x21-\x7e]*$/.test(value);
    case "match":
      check.match = value;
      return true;
    case "type":
      if (value !== "http" && value !== "grpc") return false;
      check.type = value;
      return true;
    case "grpc_service":
      check.grpcService = value;
      return GRPC_SERVICE.test(value);
    case "grpc_status": {
      const status = number({ min: 1, max: GRPC_STATUS_MAX }).parse(value, "");
      if (status.ok) check.grpcStatus = status.value;
      return status.ok;
    }
    default: return false;
  }
}

export const healthDirectives: readonly AnyDirectiveRow[] = [matchRow, healthCheckRow];

/** What the health_check of a location says, if there is one. */
export function healthCheckOf(location: Block, http: Block): HealthCheckSettings | undefined {
  const written = location.optional(healthCheckRow);
  if (written === undefined) return undefined;
  const { type, grpcService: service = "", grpcStatus: status = 0, match: name, ...check } = written;
  const match = name === undefined ? undefined : matches(http).get(name);
  return { ...check, match, grpc: type === "grpc" ? { service, status } : undefined };
}

/** Names of match blocks that are given twice or by nobody, and lines that may stand once. */
export function healthMistakes(http: Block): readonly PlacedMistake[] {
  const mistakes: PlacedMistake[] = [];
  const names = new Set<string>();
  for (const { directive, entries = [] } of http.own(matchRow)) {
    const name = read(matchRow, directive);
    const place = directive.args[0] ?? directive.name;
    if (names.has(name)) mistakes.push({ place, nginx: `duplicate match "${name}"`, hint: "give it another name" });
    names.add(name);
    for (const word of ["status", "body"]) {
      const [, second] = entries.filter((entry) => entry.name.value === word);
      if (second !== undefined) mistakes.push({ place: second.name, nginx: `"${word}" directive is duplicate` });
    }
  }
  return [...mistakes, ...unknownMatches(http, names)];
}

function unknownMatches({ directives }: Block, names: ReadonlySet<string>): readonly PlacedMistake[] {
  return directives.flatMap(({ row, directive, block }) => {
    if (block !== undefined) return unknownMatches(block, names);
    const name = row === healthCheckRow ? read(healthCheckRow, directive).match : undefined;
    if (name === undefined || names.has(name)) return [];
    const place = directive.args.find(({ value }) => value.startsWith("match=")) ?? directive.name;
    return [{ place, nginx: `match "${name}" is not defined`, hint: `write match ${name} { } in http { }` }];
  });
}
