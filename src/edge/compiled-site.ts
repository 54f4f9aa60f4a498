/**
 * The site of a configuration, compiled for one edge thread: sockets to servers, servers to locations, locations to
 * what they do. A location is compiled when its first request comes: most of a large file is rarely asked for.
 */
import { AccessCheck, RealIp, RefererCheck, TrustedProxies } from "../access/index.ts";
import type { Pool } from "../app/index.ts";
import type { HttpSettings } from "../config/model.ts";
import { constantOf } from "../config/nginx/complex-value.ts";
import { ResponseFilters } from "../filters/index.ts";
import {
  FastCgiPaths, FastCgiUpstream, FileCache, FileMemory, HttpUpstream, StaticHandler, UwsgiUpstream, compileIndex,
  compileRate,
} from "../handlers/index.ts";
import type { FileCacheOptions, FixedResponse, Rate, UpstreamProtocol } from "../handlers/index.ts";
import type { RateSettings } from "../net/index.ts";
import type { AccessLogWriter, AccessLogs } from "../observe/index.ts";
import {
  ErrorPages, Locations, RewriteScript, TryFilesList, Variables, VirtualHosts, builtinPrefixes,
  builtinVariables, byteText, compileGeo, compileMap, compileSplitClients, compileText, normalizeHost,
} from "../route/index.ts";
import type { Evaluation, FileFinder, ServerRoutes, Text } from "../route/index.ts";
import { acmePair, certificateOfName } from "../acme/index.ts";
import type { AlertName, ClientHello } from "../protocol/tls/index.ts";
import { assert } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";
import {
  ACME_PROTOCOL, ACME_PROTOCOLS, type ChosenContext, HTTP1_PROTOCOLS, HTTP2_PROTOCOLS, type TlsContexts,
  type TlsSettings,
} from "../tls/index.ts";
import type { Upstreams } from "../upstream/index.ts";
import { CompiledUpstream } from "./compiled-upstream.ts";
import type { LocationSettings, ServerSettings, Site } from "./model.ts";
import type { WantedName } from "./wanted-names.ts";

type CacheSettings = Pick<FileCacheOptions, "openFileCache" | "symlinks">;

/** What the whole thread has, and locations use. */
export interface SiteResources {
  /** By the name of the application. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly upstreams: Upstreams;
  readonly tls: TlsContexts;
  readonly accessLogs: (variables: Variables) => AccessLogs;
  readonly clock: { readonly coarseMs: number };
}

/** Why a handshake does not begin. */
interface HandshakeRefusal {
  readonly reason: string;
  readonly alert: AlertName;
  /** The name may get a certificate: it is worth waiting. */
  readonly wanted?: WantedName;
}

export class CompiledListener {
  readonly #hosts: VirtualHosts;
  /** The default server. */
  readonly fallback: CompiledServer;
  readonly #servers: readonly CompiledServer[];
  /** Most clients name the host that the one before has named. */
  #lastHost: string | undefined = undefined;
  #lastServer: CompiledServer | undefined = undefined;
  /** Settings of connections before their first request names a server. */
  readonly http: HttpSettings;
  /** The one location that answers everything, where there is nothing to choose. */
  readonly only: CompiledLocation | undefined;
  readonly isTls: boolean;
  /** `listen … http2` */
  readonly #saysHttp2: boolean;
  readonly #contexts: TlsContexts;

  constructor(site: CompiledSite, index: number) {
    const settings = site.settings.listeners[index];
    assert(settings !== undefined, "the site has each socket that connections come through");
    const { servers } = settings;
    this.#hosts = new VirtualHosts(servers, site.variables);
    this.#servers = site.servers;
    this.fallback = site.server(servers.defaultServer);
    this.http = this.fallback.own.http;
    this.isTls = settings.isTls;
    this.#saysHttp2 = settings.http2 === true;
    this.#contexts = site.tls;
    // Where clients are asked for certificates, each request asks whether its connection may be used.
    const asksNothing = !this.isTls || this.fallback.own.settings.tls.verifyClient === "off";
    this.only = servers.servers.length === 1 && asksNothing ? this.fallback.only : undefined;
  }

  /** May connections to it speak HTTP/2? @param server that the client has named, or the default one */
  speaksHttp2(server: CompiledServer): boolean {
    return this.#saysHttp2 || server.own.http.http2.enabled;
  }

  /** Whose handshake it becomes, and which server the client has named; else why none does, with what it is told. */
  tlsFor({ serverName, protocols }: ClientHello): Result<ChosenContext, HandshakeRefusal> {
    // What is no host name, an address say, is nobody's (RFC 6066 §3).
    const name = serverName === undefined || serverName.includes(":") ? undefined : normalizeHost(serverName);
    if (protocols.length === 1 && protocols[0] === ACME_PROTOCOL && name !== undefined) {
      const challenge = this.#contexts.challenge(name);
      if (challenge !== undefined) return ok({ ...challenge, server: challenge.settings, protocols: ACME_PROTOCOLS });
    }
    const named = name === undefined ? undefined : this.#servers[this.#hosts.findName(name)];
    const server = named ?? this.fallback;
    const settings = server.own.settings.tls;
    const protocolList = this.speaksHttp2(server) ? HTTP2_PROTOCOLS : HTTP1_PROTOCOLS;
    const chosen = { server: settings, protocols: protocolList };
    const acquired = server.acquired(name);
    const made = acquired === undefined ? undefined : this.#contexts.of(acquired);
    if (made?.ok === true) return ok({ ...made.value, ...chosen });
    const onDemand = name === undefined ? undefined : server.onDemand(name);
    if (onDemand !== undefined && name !== undefined) {
      const reason = `the certificate for "${name}" is not there yet`;
      return err({ reason, alert: "unrecognized_name", wanted: { onDemand, name } });
    }
    if (settings.rejectHandshake) return err({ reason: "handshake rejected", alert: "unrecognized_name" });
    if (settings.certificates.length === 0 && acquired !== undefined) {
      return err({ reason: `the certificate for "${name ?? ""}" is not there yet`, alert: "unrecognized_name" });
    }
    // nginx: a server without a certificate has those of the default server.
    const tls = settings.certificates.length === 0 ? this.fallback.own.settings.tls : settings;
    if (tls.certificates.length === 0) {
      const reason = `no "ssl_certificate" is defined in server "${server.name}"`;
      return err({ reason, alert: "unrecognized_name" });
    }
    const context = this.#contexts.of(tls);
    return context.ok
      ? ok({ ...context.value, ...chosen })
      : err({ reason: context.error.nginx, alert: "internal_error" });
  }

  /** @param host as received, "" without. @returns undefined when it is no host: a 400 */
  server(host: string, evaluation: Evaluation): CompiledServer | undefined {
    if (host === this.#lastHost) return this.#lastServer;
    const number = this.#hosts.find(host, evaluation);
    const server = number === undefined ? undefined : this.#servers[number];
    if (this.#hosts.isSteady) {
      this.#lastHost = host;
      this.#lastServer = server;
    }
    return server;
  }
}

export class CompiledServer {
  readonly name: string;
  /** Has it named locations, which get requests with their bodies after others had them? */
  readonly hasNamed: boolean;
  readonly #site: CompiledSite;
  readonly #settings: ServerSettings;
  readonly #demandedSettings = new Map<string, TlsSettings>();
  #routes: ServerRoutes | undefined;
  #own: CompiledLocation | undefined;

  constructor(site: CompiledSite, settings: ServerSettings) {
    this.#site = site;
    this.#settings = settings;
    this.name = settings.name;
    this.hasNamed = settings.locations.some(({ match }) => match.kind === "named");
  }

  /** Its own settings. */
  get own(): CompiledLocation {
    return (this.#own ??= this.#site.location(this.#settings.location));
  }

  /** The location `/` of a server that has no other, and rewrites nothing. */
  get only(): CompiledLocation | undefined {
    const { script, scripts, locations, internal, limitExcepts } = this.#settings;
    const [first] = locations;
    if (script.length > 0 || scripts.size > 0 || locations.length !== 1) return undefined;
    if (internal.size > 0 || limitExcepts.size > 0) return undefined;
    if (first === undefined || first.match.kind !== "prefix" || first.match.uri !== "/") return undefined;
    const location = this.#site.location(first.location);
    return first.locations.length === 0 && location.settings.handler.kind === "app" && location.isPlain
      ? location : undefined;
  }

  /** What a handshake is shown of certificates that come by themselves. @param name of SNI, in lower case */
  acquired(name: string | undefined): TlsSettings | undefined {
    const { acquired } = this.#settings;
    if (acquired === undefined || name === undefined) return acquired?.fallback;
    const written = acquired.byName.get(name);
    return written ?? (acquired.onDemand === undefined ? acquired.fallback : this.#demanded(name));
  }

  /** What a name without a certificate is a `name-wanted` of; undefined where it gets none. */
  onDemand(name: string): string | undefined {
    const { acquired } = this.#settings;
    return acquired?.byName.has(name) === true ? undefined : acquired?.onDemand;
  }

  /** Settings for a name that nobody has written, once it has a certificate. */
  #demanded(name: string): TlsSettings | undefined {
    const pair = acmePair(certificateOfName(name));
    // Others are not remembered: anybody can ask for any name.
    if (!this.#site.tls.has(pair.certificate)) return undefined;
    const known = this.#demandedSettings.get(name);
    if (known !== undefined) return known;
    const settings = { ...this.own.settings.tls, certificates: [pair] };
    this.#demandedSettings.set(name, settings);
    return settings;
  }

  get routes(): ServerRoutes {
    return (this.#routes ??= this.#compile());
  }

  #compile(): ServerRoutes {
    const { variables } = this.#site;
    const { location, script, scripts, locations, internal, limitExcepts } = this.#settings;
    return {
      server: location,
      script: script.length === 0 ? undefined : new RewriteScript(script, variables),
      locations: new Locations(location, locations, variables),
      scripts: new Map([...scripts].map(([number, directives]) => [number, new RewriteScript(directives, variables)])),
      internal,
      limitExcepts,
    };
  }
}

/** A response that is a text, and what it was made of. */
export interface ReturnedText {
  readonly status: number;
  readonly text: string;
  readonly type: string | undefined;
  readonly response: FixedResponse;
}

export class CompiledLocation {
  readonly settings: LocationSettings;
  readonly http: HttpSettings;
  readonly pool: Pool | undefined;
  readonly access: AccessCheck | undefined;
  readonly realIp: RealIp | undefined;
  readonly referers: RefererCheck | undefined;
  readonly trusted: TrustedProxies | undefined;
  readonly tryFiles: TryFilesList | undefined;
  readonly errorPages: ErrorPages | undefined;
  readonly filters: ResponseFilters | undefined;
  readonly accessLog: AccessLogWriter | undefined;
  /** Names of index, where those have variables. */
  readonly index: ((evaluation: Evaluation) => readonly string[]) | undefined;
  readonly rate: Rate | undefined;
  readonly #site: CompiledSite;
  /** Of root or alias, where it has variables. */
  readonly #directory: Text | undefined;
  readonly #constantDirectory: string;
  /** Room for the last text that `return` made, which is mostly the next one, too. */
  lastText: ReturnedText | undefined = undefined;
  #static: StaticHandler | undefined = undefined;
  #upstream: CompiledUpstream | undefined = undefined;
  #fastCgiPaths: FastCgiPaths | undefined = undefined;

  constructor(site: CompiledSite, settings: LocationSettings) {
    const { variables } = site;
    this.#site = site;
    this.settings = settings;
    this.http = settings.http;
    this.pool = settings.handler.kind === "app" ? site.pool(settings.handler.app) : undefined;
    const { access, tryFiles, errorPages, accessLogs } = settings;
    this.access = access.rules.length === 0 ? undefined : new AccessCheck(access);
    this.realIp = access.realip === undefined ? undefined : new RealIp(access.realip);
    const { forwardedAllowIps, referers } = access;
    this.referers = referers === undefined ? undefined : new RefererCheck(referers, settings.serverNames);
    this.trusted = forwardedAllowIps === undefined ? undefined : site.trusted(forwardedAllowIps);
    this.tryFiles = tryFiles === undefined ? undefined : new TryFilesList(tryFiles, variables);
    this.errorPages = errorPages.length === 0 ? undefined : new ErrorPages(errorPages, variables);
    this.filters = filtersOf(settings, variables);
    this.accessLog = accessLogs.logs.length === 0 ? undefined : site.accessLogs.writer(accessLogs);
    const directory = constantOf(settings.mapping.directory);
    this.#directory = directory === undefined ? compileText(settings.mapping.directory, variables) : undefined;
    this.#constantDirectory = byteText(directory ?? "");
    const { variableIndex } = settings.files;
    this.index = variableIndex === undefined ? undefined : compileIndex(variableIndex, variables);
    this.rate = compileRate(settings.files, variables);
  }

  /** Is there nothing to do but to run the handler? */
  get isPlain(): boolean {
    const { tryFiles, access } = this.settings;
    return tryFiles === undefined && access.rules.length === 0 && access.realip === undefined;
  }

  /** root or alias for this request; undefined where it is the same for all. */
  directory(evaluation: Evaluation): string | undefined {
    return this.#directory?.(evaluation);
  }

  /** How fast a response may go. @param limitRate what the request says itself, 0 for no limit */
  rateOf(limitRate: number | undefined, request: { readonly evaluation: Evaluation }): RateSettings | undefined {
    // Mostly there is none, and no variable has to be made.
    if (limitRate === undefined) return this.rate === undefined ? undefined : this.rate(request.evaluation);
    return limitRate === 0 ? undefined : { rate: limitRate, after: this.rate?.(request.evaluation)?.after ?? 0 };
  }

  /** `$document_root` */
  documentRoot(evaluation: Evaluation): string {
    return this.#directory?.(evaluation) ?? this.#constantDirectory;
  }

  /** Looks for the files of try_files. @returns what was found, and the path of the request that a name stands for */
  tryNames(tryFiles: TryFilesList, evaluation: Evaluation): {
    readonly outcome: ReturnType<TryFilesList["find"]>;
    readonly pathOf: (name: string) => string;
  } {
    const directory = this.directory(evaluation);
    const { kind, prefix } = this.settings.mapping;
    // nginx: below an alias, names that do not begin with the location's path stand behind it.
    const pathOf = (name: string): string => (kind === "root" || name.startsWith(prefix) ? name : prefix + name);
    const outcome = tryFiles.find(evaluation, (name) => this.static.kindOf(pathOf(name), directory));
    return { outcome, pathOf };
  }

  get static(): StaticHandler {
    return (this.#static ??= this.#makeStatic());
  }

  /** The way to who answers for it elsewhere; undefined for another handler's location. */
  get upstream(): CompiledUpstream | undefined {
    return (this.#upstream ??= this.#makeUpstream());
  }

  get fastCgiPaths(): FastCgiPaths {
    return (this.#fastCgiPaths ??= new FastCgiPaths(this.settings.fastcgi));
  }

  #makeUpstream(): CompiledUpstream | undefined {
    const { variables, upstreams } = this.#site;
    const protocol = protocolOf(this.settings, variables);
    return protocol && new CompiledUpstream(protocol, upstreams, this.settings.resolver, variables);
  }

  #makeStatic(): StaticHandler {
    const { mapping, files } = this.settings;
    const { kind, prefix, isWhole } = mapping;
    const [from] = files.symlinks.from;
    // What is not known beforehand leaves all parts of a path to be looked at.
    const isRoot = from?.kind === "variable" && from.name === "document_root";
    const begin = constantOf(files.symlinks.from) ?? (isRoot ? this.#constantDirectory : "");
    const cache = this.#site.fileCache({
      openFileCache: files.openFileCache, symlinks: { mode: files.symlinks.mode, from: begin },
    });
    const directory = this.#constantDirectory;
    return new StaticHandler({ ...files, mapping: { kind: isWhole ? "file" : kind, directory, prefix } }, cache);
  }
}

export class CompiledSite {
  readonly settings: Site;
  readonly variables: Variables;
  readonly servers: readonly CompiledServer[];
  readonly accessLogs: AccessLogs;
  readonly #resources: SiteResources;
  readonly #listeners: CompiledListener[] = [];
  readonly #locations: (CompiledLocation | undefined)[];
  readonly #memory = new FileMemory();
  readonly #fileCaches = new Map<string, FileCache>();
  readonly #trusted = new Map<string, TrustedProxies>();

  constructor(settings: Site, resources: SiteResources) {
    this.settings = settings;
    this.#resources = resources;
    this.variables = variablesOf(settings);
    this.accessLogs = resources.accessLogs(this.variables);
    this.#locations = new Array<CompiledLocation | undefined>(settings.locations.length);
    this.servers = settings.servers.map((server) => new CompiledServer(this, server));
  }

  /** @param index of the socket that a connection came through */
  listener(index: number): CompiledListener {
    return (this.#listeners[index] ??= new CompiledListener(this, index));
  }

  server(index: number): CompiledServer {
    const server = this.servers[index];
    assert(server !== undefined, "listeners name servers that are there");
    return server;
  }

  location(number: number): CompiledLocation {
    const known = this.#locations[number];
    if (known !== undefined) return known;
    const settings = this.settings.locations[number];
    assert(settings !== undefined, "servers name locations that are there");
    return (this.#locations[number] = new CompiledLocation(this, settings));
  }

  get tls(): TlsContexts {
    return this.#resources.tls;
  }

  get upstreams(): Upstreams {
    return this.#resources.upstreams;
  }

  pool(app: string): Pool | undefined {
    return this.#resources.pools.get(app);
  }

  /** The one for these settings: locations with equal ones share what they know of files. */
  fileCache(settings: CacheSettings): FileCache {
    const key = JSON.stringify(settings);
    const known = this.#fileCaches.get(key);
    if (known !== undefined) return known;
    const cache = new FileCache({ ...settings, memory: this.#memory, clock: this.#resources.clock });
    this.#fileCaches.set(key, cache);
    return cache;
  }

  trusted(allowed: readonly string[]): TrustedProxies {
    const key = allowed.join(" ");
    const known = this.#trusted.get(key) ?? new TrustedProxies(allowed);
    this.#trusted.set(key, known);
    return known;
  }

  /** What conditions ask: paths as they are. */
  readonly files: FileFinder = (path) => this.fileCache(this.#plainFiles).kindOf(path);

  readonly #plainFiles: CacheSettings = { openFileCache: undefined, symlinks: { mode: "off", from: "" } };
}

/** Undefined where responses leave as they are. */
function filtersOf(settings: LocationSettings, variables: Variables): ResponseFilters | undefined {
  const { responses } = settings;
  const forced = forcesRanges(settings);
  return responses === undefined && !forced ? undefined : new ResponseFilters(responses, variables, forced);
}

/** Does the directive of whoever is asked say so? nginx: max_ranges 0 counts more. */
function forcesRanges({ handler, files, proxy, uwsgi, fastcgi }: LocationSettings): boolean {
  if (files.maxRanges === 0) return false;
  switch (handler.kind) {
    case "proxy": return proxy.forceRanges;
    case "uwsgi": return uwsgi.forceRanges;
    case "fastcgi": return fastcgi.forceRanges;
    default: return false;
  }
}

/** What the location's upstream speaks. */
function protocolOf(
  { handler, http, proxy, grpc, uwsgi, fastcgi }: LocationSettings, variables: Variables,
): UpstreamProtocol | undefined {
  switch (handler.kind) {
    case "proxy": return new HttpUpstream(proxy, handler, http, variables);
    case "grpc": return new HttpUpstream(grpc, handler, http, variables);
    case "uwsgi": return new UwsgiUpstream(uwsgi, handler, http, variables);
    case "fastcgi": return new FastCgiUpstream(fastcgi, { ...handler, isTls: false }, http, variables);
    default: return undefined;
  }
}

/** All variables of a site: those of the program, then those that its blocks make. */
export function variablesOf({ maps, geos, splitClients }: Site): Variables {
  const variables = new Variables(builtinVariables, builtinPrefixes);
  for (const block of maps) variables.define(compileMap(block, variables));
  for (const block of geos) variables.define(compileGeo(block, variables));
  for (const block of splitClients) variables.define(compileSplitClients(block, variables));
  return variables;
}
