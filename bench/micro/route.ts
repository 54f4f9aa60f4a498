// `node bench/micro/route.ts`: what it costs to find server, location and variables of a request, in small and in large
// configurations, and how long a large one takes to compile. No sockets.
import { type ComplexValue, parseComplexValue } from "../../src/config/nginx/complex-value.ts";
import {
  Evaluation, type LocationNode, Locations, type MapKey, type Pattern, VirtualHosts, Variables, builtinPrefixes,
  builtinVariables, compileMap, compileText, parseMapKey, parseRequestUri, parseServerName, translatePattern,
} from "../../src/route/index.ts";
import type { Result } from "../../src/std/result.ts";
import { requestFacts } from "../../tests/route/facts.ts";
import { measure } from "./stopwatch.ts";

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(String(result.error));
  return result.value;
}

function pattern(source: string): Pattern {
  return must(translatePattern(source, false));
}

function value(text: string): ComplexValue {
  return must(parseComplexValue(text));
}

const variables = new Variables(builtinVariables, builtinPrefixes);

/** So many locations: prefixes of three levels, and two expressions. */
function locations(count: number): readonly LocationNode[] {
  const prefixes = Array.from({ length: count }, (_, index): LocationNode => ({
    location: index,
    match: { kind: "prefix", uri: `/section-${index % 10}/part-${index}/`, noRegex: index % 2 === 0 },
    autoRedirect: index % 3 === 0,
    locations: [],
  }));
  const expressions = ["\\.php$", "^/admin/(?<page>\\w+)"].map((source, index): LocationNode => ({
    location: count + index, match: { kind: "regex", pattern: pattern(source) }, autoRedirect: false, locations: [],
  }));
  return [...prefixes, ...expressions];
}

function hosts(count: number): VirtualHosts {
  const servers = Array.from({ length: count }, (_, server) => ({
    server, names: [`shop-${server}.example`, `www.shop-${server}.example`, `.old-${server}.example`]
      .map((name) => must(parseServerName(name))),
  }));
  return new VirtualHosts({ defaultServer: 0, servers }, variables);
}

/** Repeats a step on texts, in turn. */
function over(texts: readonly string[], step: (text: string) => number): (times: number) => number {
  return (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += step(texts[i % texts.length] ?? "");
    return sum;
  };
}

const fields = { "user-agent": "curl" };
const evaluation = new Evaluation(requestFacts({ target: "/section-3/part-13/a.css", fields }));

const start = performance.now();
for (let server = 0; server < 2000; server++) new Locations(server, locations(18), variables);
const manyHosts = hosts(2000);
process.stdout.write(`2,000 servers of 20 locations compiled in ${(performance.now() - start).toFixed(0)} ms\n`);

const fewHosts = hosts(1);
const inHosts = (table: VirtualHosts, ...names: readonly string[]): ((times: number) => number) =>
  over(names, (host) => table.find(host, evaluation) ?? 0);
measure("server of a host", [
  { name: "1 server, its name", run: inHosts(fewHosts, "shop-0.example") },
  {
    name: "2,000 servers, their names",
    run: inHosts(manyHosts, ...Array.from({ length: 64 }, (_, index) => `shop-${index * 31}.example`)),
  },
  { name: "2,000 servers, with port and capitals", run: inHosts(manyHosts, "Shop-7.example:8080") },
  { name: "2,000 servers, by wildcard", run: inHosts(manyHosts, "a.b.old-7.example") },
]);

const paths = Array.from({ length: 64 }, (_, i) => `/section-${(i % 3) * 2}/part-${(i % 3) * 2}/style-${i}.css`);
const find = (count: number): ((times: number) => number) => {
  const compiled = new Locations(-1, locations(count), variables);
  return over(paths, (path) => compiled.find(path, evaluation).location);
};
const regular = new Locations(-1, locations(20), variables);
measure("location of a path", [
  { name: "5 locations", run: find(5) },
  { name: "20 locations", run: find(20) },
  { name: "2,000 locations", run: find(2000) },
  {
    name: "20 locations, the second expression",
    run: over(["/admin/users"], (path) => regular.find(path, evaluation).location),
  },
]);

const readUri = (target: string): number => parseRequestUri(target, true)?.path.length ?? 0;
measure("URI of a target", [
  { name: "plain", run: over(["/static/css/site.css"], readUri) },
  { name: "with arguments", run: over(["/search?q=hats&page=2"], readUri) },
  { name: "escaped, with dot segments", run: over(["/a%20b/../c//d?e"], readUri) },
]);

const keys = ["default", "a", "b", "c"].map((key): { key: MapKey; value: ComplexValue } =>
  ({ key: must(parseMapKey(key, false)), value: value(`${key}!`) }));
variables.define(compileMap({
  variable: "mapped", source: value("$arg_x"), hostnames: false, isVolatile: true, entries: keys,
  defaultValue: value("none"),
}, variables));
const logLine = "$remote_addr - $remote_user [$time_local] \"$request\" $status";
const texts = ["$host$request_uri", logLine, "$http_user_agent", "$mapped"];
measure("text with variables", texts.map((text) => {
  const compiled = compileText(value(text), variables);
  return { name: text, run: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += compiled(evaluation).length;
    return sum;
  } };
}));
