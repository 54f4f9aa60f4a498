/** `server` in an upstream: one of its members (ngx_http_upstream_module). */
import { appName } from "../config/nginx/app-name.ts";
import { time } from "../config/nginx/argument-types.ts";
import { parseReachedAddress } from "../config/nginx/address.ts";
import { type Block, read } from "../config/nginx/block.ts";
import type { ArgumentRefusal, DirectiveRow } from "../config/nginx/directive-row.ts";
import type { Token } from "../config/nginx/lexer.ts";
import { type Result, err, ok } from "../std/result.ts";
import { SERVER_DEFAULTS } from "./defaults.ts";
import type { UpstreamAddress, UpstreamServerSettings } from "./settings.ts";

/** Names with every parameter that there is have fewer words. */
const WORD_COUNT_MAX = 32;
/** Deviates: nginx has no bound but its integers. More would make the points of a consistent hash too many. */
const WEIGHT_MAX = 65_535;
const COUNT_MAX = 2 ** 31 - 1;
const PORT_DEFAULT = 80;

const parameterNames: readonly string[] = [
  "weight=", "max_conns=", "max_fails=", "fail_timeout=", "slow_start=", "route=", "service=", "backup", "down",
  "drain", "resolve",
];

/** An application among the members of an upstream. */
export interface NamedApp {
  readonly name: string;
  /** Where it is named. */
  readonly place: Token;
}

/** The applications that stand in an `upstream` block. */
export function namedApps(upstream: Block): readonly NamedApp[] {
  return upstream.own(upstreamServerRow).flatMap(({ directive }) => {
    const { address } = read(upstreamServerRow, directive).server;
    const [place] = directive.args;
    return address.kind === "app" && place !== undefined ? [{ name: address.name, place }] : [];
  });
}

/** The member, and whether a port was written. */
export interface WrittenServer {
  readonly server: UpstreamServerSettings;
  readonly hasPort: boolean;
}

export const upstreamServerRow: DirectiveRow<WrittenServer> = {
  name: "server",
  contexts: ["upstream"],
  arguments: {
    label: "address [parameter ...]",
    countMin: 1,
    countMax: WORD_COUNT_MAX,
    parse: parseServer,
  },
  mayRepeat: true,
  merge: "none",
  module: "ngx_http_upstream_module",
  doc: "A member: host[:port] (80 without it), unix:path, or app:NAME, an application of this file. weight= (1), "
    + "max_conns= (0: no limit), max_fails= (1) within fail_timeout= (10s), backup, down, drain, slow_start=, resolve "
    + "(its name is looked up again and again), service= (of DNS), route= (for sticky).",
  example: "server 127.0.0.1:8001 weight=2 max_fails=3 fail_timeout=30s;",
};

/** Parameters of hosts whose names are looked up. */
const NAMES_ONLY = /^(?:resolve$|service=)/;

type Draft = { -readonly [Name in keyof UpstreamServerSettings]: UpstreamServerSettings[Name] };

/** Behind a colon with nothing but digits stands the port of a host that is called "app". */
const APPLICATION = /^app:(?!\d+$)(.*)$/s;

/** What a member is, by its first word; whether a port was written there. */
interface WrittenAddress {
  readonly address: UpstreamAddress;
  readonly hasPort: boolean;
}

function parseMember(name: string): Result<WrittenAddress, ArgumentRefusal> {
  const [, app] = APPLICATION.exec(name) ?? [];
  if (app !== undefined) {
    const parsed = appName().parse(app, "server");
    if (!parsed.ok) return err({ ...parsed.error, index: 0 });
    return ok({ address: { kind: "app", name: app }, hasPort: false });
  }
  const parsed = parseReachedAddress(name);
  if (!parsed.ok) {
    const expected = "a host, host:port, unix:path or app:NAME";
    return err({ nginx: `${parsed.error} in upstream "${name}"`, expected, index: 0 });
  }
  if (parsed.value.kind === "unix") return ok({ address: parsed.value, hasPort: false });
  const { host, port } = parsed.value;
  return ok({ address: { kind: "tcp", host, port: port ?? PORT_DEFAULT }, hasPort: port !== undefined });
}

function parseServer([name = "", ...parameters]: readonly string[]): Result<WrittenServer, ArgumentRefusal> {
  const member = parseMember(name);
  if (!member.ok) return member;
  const { address, hasPort } = member.value;
  const server: Draft = { name, address, ...SERVER_DEFAULTS };
  for (const [at, word] of parameters.entries()) {
    if (address.kind === "app" && NAMES_ONLY.test(word)) {
      const nginx = `invalid parameter "${word}"`;
      return err({ nginx, expected: "nothing that looks up names: an application has no address", index: at + 1 });
    }
    if (takeParameter(server, word)) continue;
    return err({
      nginx: `invalid parameter "${word}"`, expected: `a parameter such as ${parameterNames.join(", ")}`,
      index: at + 1, words: parameterNames,
    });
  }
  if (server.service === undefined) return ok({ server, hasPort });
  if (!server.resolve) return refuseService(`service upstream "${name}" requires "resolve" parameter`);
  if (hasPort) return refuseService(`service upstream "${name}" may not have port`);
  return ok({ server, hasPort });
}

function refuseService(nginx: string): Result<never, ArgumentRefusal> {
  return err({ nginx, expected: undefined, index: 0 });
}

/** A parameter that is a number: what it is called, and what its text says. */
interface Measure {
  readonly field: "weight" | "maxConns" | "maxFails" | "failTimeoutMs" | "slowStartMs";
  readonly read: (text: string) => number | undefined;
}

const measures: ReadonlyMap<string, Measure> = new Map<string, Measure>([
  ["weight", { field: "weight", read: count(1, WEIGHT_MAX) }],
  ["max_conns", { field: "maxConns", read: count(0, COUNT_MAX) }],
  ["max_fails", { field: "maxFails", read: count(0, COUNT_MAX) }],
  ["fail_timeout", { field: "failTimeoutMs", read: timeOf }],
  ["slow_start", { field: "slowStartMs", read: timeOf }],
]);

/** @returns whether it is one, and its value is good */
function takeParameter(server: Draft, word: string): boolean {
  const [, name = "", value] = /^(\w+)(?:=(.*))?$/s.exec(word) ?? [];
  if (value === undefined) return takeSwitch(server, name);
  if (name === "service" || name === "route") {
    server[name] = value;
    return value !== "";
  }
  const measure = measures.get(name);
  const measured = measure?.read(value);
  if (measure === undefined || measured === undefined) return false;
  server[measure.field] = measured;
  return true;
}

function takeSwitch(server: Draft, name: string): boolean {
  if (name !== "backup" && name !== "down" && name !== "drain" && name !== "resolve") return false;
  server[name] = true;
  return true;
}

function count(min: number, max: number): Measure["read"] {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    return value >= min && value <= max ? value : undefined;
  };
}

/** nginx keeps it in seconds. */
function timeOf(text: string): number | undefined {
  const value = time("seconds").parse(text, "");
  return value.ok ? value.value : undefined;
}
