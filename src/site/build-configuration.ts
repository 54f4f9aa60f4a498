/**
 * From a checked file to the one configuration. What can only be judged when all was read is judged here.
 */
import { hostname } from "node:os";
import { refererMistakes } from "../access/directives.ts";
import { type WrittenServer, acmeConfiguration } from "../acme/directives.ts";
import { appMistakes, appSettings, writtenApps } from "../app/directives.ts";
import { Block, type CheckedDirective, read } from "../config/nginx/block.ts";
import { type LanguageDiagnostic, mistakeAt } from "../config/nginx/language-diagnostic.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { ReadConfiguration } from "../config/nginx/read-configuration.ts";
import type { Configuration, ListenerSettings, ServerSettings } from "../edge/model.ts";
import { responseMistakes } from "../filters/directives.ts";
import { passMistakes } from "../handlers/directives.ts";
import { logColors, logFormatsOf, logMistakes } from "../observe/directives.ts";
import { httpRow, locationRow, serverNameRow, serverRow } from "../route/directives.ts";
import { type ServerName, VirtualHosts, Variables, builtinPrefixes, builtinVariables } from "../route/index.ts";
import { type SettingNote, environmentOf, processSettings } from "../supervisor/directives.ts";
import { type TlsPlace, tlsMistakes } from "../tls/directives.ts";
import { appMembers, healthMistakes, upstreamMistakes, upstreamSettings } from "../upstream/directives.ts";
import { acquiredCertificates, addHttpServer } from "./acquired-certificates.ts";
import { siteDirectives } from "./directives.ts";
import { siteHealthChecks } from "./health-checks.ts";
import { type ListeningServer, addressText, listenRow, listenersOf } from "./listen.ts";
import { Locations } from "./server.ts";
import { SettingsOf } from "./settings.ts";
import { variableBlocks } from "./variables.ts";

/** What the configuration has to know about the machine. */
export interface SiteFacts {
  /** What relative paths begin with: absolute, without a slash at its end. */
  readonly prefix: string;
  /** The directory of the main file, likewise. */
  readonly directory: string;
  /** Where errors go that no error_log sends anywhere: a path, or "-". */
  readonly errorLog: string;
  /** Are there colours on standard error? undefined: what the configuration says, or the terminal. */
  readonly useColors: boolean | undefined;
  readonly cpuCount: number;
  readonly fileCountMax: number;
  readonly isRoot: boolean;
  readonly kindOf: (path: string) => "file" | "directory" | "other" | undefined;
  /** Contents of certificates and the like; undefined where those are not to be looked at. */
  readonly tlsFiles: ((paths: Iterable<string>) => ReadonlyMap<string, string>) | undefined;
}

export interface BuiltConfiguration {
  /** Undefined if there is an error among the mistakes, or was one before. */
  readonly configuration: Configuration | undefined;
  readonly mistakes: readonly LanguageDiagnostic[];
  /** What is in force otherwise than it is written: for `-t --explain`. */
  readonly notes: readonly SettingNote[];
}

export function buildConfiguration(checked: ReadConfiguration, facts: SiteFacts): BuiltConfiguration {
  const { block: main } = checked;
  const [http] = main.own(httpRow);
  const site = http?.block ?? new Block("http", main);
  const variables = variableBlocks(site);
  const settings = new SettingsOf(facts);
  const locations = new Locations(settings, `${facts.prefix}/`);
  locations.checkMapping(site);
  addHttpServer(site, siteDirectives);
  const { servers: written, listening } = serversOf(site, locations);
  const secured = writtenServers(site, listening).filter(({ isTls }) => isTls);
  const acme = acmeConfiguration(site, secured, {
    prefix: facts.prefix, directory: facts.directory, kindOf: facts.kindOf,
  });
  const servers = written.map((server, index) => {
    const { tls } = locations.all[server.location] ?? {};
    const own = acme.servers[secured.findIndex((one) => one.index === index)];
    return tls === undefined ? server : { ...server, acquired: acquiredCertificates(own, acme.settings, tls) };
  });
  const { listeners, mistakes: listenMistakes, ignored } = listenersOf(listening, facts.isRoot);
  const upstreams = upstreamSettings(site);
  const names = new Set(upstreams.map(({ name }) => name));
  const health = siteHealthChecks({
    http: site, written: locations.checked, locations: locations.all, upstreams: names,
  });
  const mistakes: readonly PlacedMistake[] = [
    ...variables.mistakes,
    ...locations.mistakes.map(({ at, nginx }) => ({ place: at.directive.name, nginx })),
    ...listenMistakes.map(({ at, nginx }) => ({ place: at.directive.args[0] ?? at.directive.name, nginx })),
    ...nameConflicts(listeners, listening),
    ...appMistakes(main, { base: facts.directory, kindOf: facts.kindOf, members: appMembers(site) }),
    ...logMistakes(site, facts.prefix),
    ...refererMistakes(site),
    ...responseMistakes(site),
    ...upstreamMistakes(site),
    ...passMistakes(site, {
      prefix: `${facts.prefix}/`, directory: `${facts.directory}/`, upstreams: names, isPath, kindOf: facts.kindOf,
    }),
    ...tlsMistakes(tlsPlaces(site, { listening, listeners, servers }, settings), facts.tlsFiles),
    ...acme.mistakes,
    ...healthMistakes(site),
    ...health.mistakes,
  ];
  // Errors first: of a long list the end is not shown.
  const told = mistakes.map(({ place, ...mistake }) => mistakeAt(place, mistake))
    .sort((a, b) => a.severity.localeCompare(b.severity));
  const isRefused = [...checked.mistakes, ...told].some(({ severity }) => severity === "error");
  if (isRefused) return { configuration: undefined, mistakes: told, notes: [] };
  const notes: SettingNote[] = ignored.map(({ at, parameter }) => ({
    at, message: `"${parameter}" does nothing here`, hint: "leave it out",
  }));
  const { maps, geos, splitClients } = variables;
  const configuration: Configuration = {
    process: processSettings(main, {
      ...facts,
      errorLogs: settings.of(main).errorLogs,
      useColors: facts.useColors ?? logColors(main),
      note: (note) => void notes.push(note),
    }),
    apps: writtenApps(main).map(({ name, block }) => {
      const app = appSettings(block, { name, base: facts.directory, cpuCount: facts.cpuCount });
      return { ...app, env: [...environmentOf(main), ...app.env] };
    }),
    site: {
      listeners, servers, locations: locations.all, maps, geos, splitClients, logFormats: logFormatsOf(site),
      upstreams, healthChecks: health.checks,
    },
    acme: acme.settings,
  };
  return { configuration, mistakes: told, notes };
}

function serversOf(http: Block, locations: Locations): {
  readonly servers: readonly ServerSettings[];
  readonly listening: readonly ListeningServer[];
} {
  const servers: ServerSettings[] = [];
  const listening: ListeningServer[] = [];
  for (const { block } of http.own(serverRow)) {
    if (block === undefined) continue;
    const written = block.own(serverNameRow);
    const names = written.flatMap(({ directive }) => read(serverNameRow, directive)).map(withHostname);
    const word = written[0]?.directive.args[0]?.value ?? "";
    // nginx: ".example.org" is called "example.org".
    const first = word === HOSTNAME ? hostname() : word.replace(/^\./, "");
    const listens = block.own(listenRow);
    listening.push({ server: servers.length, names, listens, at: written[0] });
    servers.push(locations.server(block, first, names));
  }
  return { servers, listening };
}

/** Servers as the room of certificates reads them. */
function writtenServers(
  http: Block, listening: readonly ListeningServer[],
): readonly (WrittenServer & { readonly index: number; readonly isTls: boolean })[] {
  const blocks = http.own(serverRow).flatMap(({ block }) => block ?? []);
  return blocks.map((block, index) => {
    const { names = [], at, listens = [] } = listening[index] ?? {};
    return { block, names, at, index, isTls: listens.some(({ directive }) => read(listenRow, directive).isTls) };
  });
}

/** Servers that have certificates, or need them. */
function tlsPlaces(
  http: Block,
  { listening, listeners, servers }: {
    readonly listening: readonly ListeningServer[];
    readonly listeners: readonly ListenerSettings[];
    readonly servers: readonly ServerSettings[];
  },
  settings: SettingsOf,
): readonly TlsPlace[] {
  const all = http.own(serverRow).flatMap(({ block, directive }) =>
    block === undefined ? [] : [{ block, settings: settings.of(block).tls, line: directive.name.line }]);
  const isBare = (server: number): boolean =>
    all[server]?.settings.certificates.length === 0 && servers[server]?.acquired === undefined;
  // nginx: where the default server of a socket has a certificate, those without answer with it, or not at all.
  const wanting = new Set(listeners.flatMap(({ isTls, servers: { defaultServer, servers } }) =>
    isTls && isBare(defaultServer) ? servers.map(({ server }) => server).filter((server) => isBare(server)) : []));
  return all.map((place, index) => {
    const listens = wanting.has(index) ? (listening[index]?.listens ?? []) : [];
    return { ...place, listen: listens.find(({ directive }) => read(listenRow, directive).isTls) };
  });
}

/** The machine's own name, as nginx writes it. */
const HOSTNAME = "$hostname";

function withHostname(name: ServerName): ServerName {
  return name.kind === "exact" && name.name === HOSTNAME ? { kind: "exact", name: hostname().toLowerCase() } : name;
}

/** Is it a location that is found by a path? */
function isPath({ row, directive }: CheckedDirective): boolean {
  const kind = row === locationRow ? read(locationRow, directive).kind : undefined;
  return kind === "prefix" || kind === "exact";
}

/** nginx: a name that an earlier server of the same socket has is ignored, with a warning. */
function nameConflicts(
  listeners: readonly ListenerSettings[], listening: readonly ListeningServer[],
): readonly PlacedMistake[] {
  return listeners.flatMap(({ bind, servers }) => {
    const { conflicts } = new VirtualHosts(servers, new Variables(builtinVariables, builtinPrefixes));
    return conflicts.flatMap(({ name, server }) => {
      const at = listening[server]?.at;
      if (at === undefined) return [];
      const nginx = `conflicting server name "${name}" on ${addressText(bind)}, ignored`;
      return [{ place: at.directive.args[0] ?? at.directive.name, severity: "warning" as const, nginx }];
    });
  });
}
