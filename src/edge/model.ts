/**
 * What a configuration says, whole: plain data that master and edge share, with no functions and no sockets in it.
 *
 * Text (a command line or a file of nginx's language) becomes this model once, in src/site; nothing else is consulted
 * afterwards. Servers and the settings of locations are known by their numbers; groups of settings that a location does
 * not change are the very objects of the block around it.
 */
import type { AccessSettings } from "../access/index.ts";
import type { AcmeSettings } from "../acme/index.ts";
import type {
  AppSettings, Bind, ErrorLogSettings, HttpSettings, ProcessSettings, WebSocketSettings,
} from "../config/model.ts";
import type { AppPassSettings } from "../config/pass-settings.ts";
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import type { ResponseSettings } from "../filters/index.ts";
import type {
  FastCgiSettings, MirrorSettings, ProxySettings, StaticSettings, UwsgiSettings,
} from "../handlers/index.ts";
import type { AccessLogSettings, LogFormat } from "../observe/index.ts";
import type {
  ErrorPage, GeoBlock, LimitExcept, ListenerServers, LocationNode, MapBlock, RewriteDirective, ServerName,
  SplitClientsBlock, TryFiles,
} from "../route/index.ts";
import type { TlsSettings } from "../tls/index.ts";
import type { HealthCheckSettings, ResolverSettings, UpstreamSettings } from "../upstream/index.ts";

export interface Configuration {
  readonly process: ProcessSettings;
  readonly apps: readonly AppSettings[];
  readonly site: Site;
  /** Certificates that are to be had; undefined where none are. */
  readonly acme: AcmeSettings | undefined;
}

export interface Site {
  readonly listeners: readonly ListenerSettings[];
  /** By the numbers that listeners give. */
  readonly servers: readonly ServerSettings[];
  /** By the numbers that servers give: settings of servers, locations, their ifs and limit_excepts. */
  readonly locations: readonly LocationSettings[];
  readonly maps: readonly MapBlock[];
  readonly geos: readonly GeoBlock[];
  readonly splitClients: readonly SplitClientsBlock[];
  readonly logFormats: readonly LogFormat[];
  readonly upstreams: readonly UpstreamSettings[];
  /** Of upstreams by the locations that ask for them. */
  readonly healthChecks: readonly SiteHealthCheck[];
}

export interface SiteHealthCheck {
  /** The name of an upstream. */
  readonly upstream: string;
  /** Number of the settings that its requests are made with. */
  readonly location: number;
  readonly check: HealthCheckSettings;
}

export interface ListenerSettings {
  readonly bind: Bind;
  /** Connections that the kernel keeps until they are accepted. */
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  /** Do connections begin with the PROXY protocol's header? */
  readonly proxyProtocol: boolean;
  /** Do they go on with a handshake of TLS? */
  readonly isTls: boolean;
  /** They may speak HTTP/2, whatever their servers say. */
  readonly http2?: true;
  readonly servers: ListenerServers;
}

export interface ServerSettings {
  /** The first of server_name, "" without one. */
  readonly name: string;
  /** Number of its own settings, which hold where no location does. */
  readonly location: number;
  readonly script: readonly RewriteDirective[];
  readonly locations: readonly LocationNode[];
  /** Scripts of locations that have one, by number. */
  readonly scripts: ReadonlyMap<number, readonly RewriteDirective[]>;
  /** Locations that say `internal`. */
  readonly internal: ReadonlySet<number>;
  readonly limitExcepts: ReadonlyMap<number, LimitExcept>;
  readonly acquired: AcquiredCertificates | undefined;
}

/** Certificates of a server that come by themselves; as long as one is missing, the server's own settings hold. */
export interface AcquiredCertificates {
  /** By names in lower case, as SNI has them. */
  readonly byName: ReadonlyMap<string, TlsSettings>;
  /** For clients that ask for another name, or none. */
  readonly fallback: TlsSettings | undefined;
  /** What a name that has no certificate is a `name-wanted` of. */
  readonly onDemand: string | undefined;
}

/** Who makes the response of a location. */
export type HandlerSettings =
  | { readonly kind: "static" }
  | { readonly kind: "app"; readonly app: string }
  /** `url` as proxy_pass says it; its path takes the place of `prefix`, the location's, undefined without one. */
  | { readonly kind: "proxy"; readonly url: ComplexValue; readonly prefix: string | undefined }
  /** An address as uwsgi_pass has it, perhaps with grpc:// or grpcs:// in front. */
  | { readonly kind: "grpc"; readonly url: ComplexValue; readonly prefix: undefined }
  /** "127.0.0.1:9000", "unix:/run/app.sock", the name of an upstream. */
  | { readonly kind: "uwsgi"; readonly address: ComplexValue; readonly isTls: boolean }
  | { readonly kind: "fastcgi"; readonly address: ComplexValue }
  | { readonly kind: "empty_gif" }
  | { readonly kind: "stub_status" };

/** root or alias. */
export interface MappingSettings {
  readonly kind: "root" | "alias";
  readonly directory: ComplexValue;
  /** The location's prefix, which alias takes away; "" for root, and for an alias whose location is an expression. */
  readonly prefix: string;
  /** The alias of an expression is the whole file. */
  readonly isWhole: boolean;
}

export interface LocationSettings {
  /** For messages: `location /static/`. */
  readonly title: string;
  /** Of the server that it is in. */
  readonly serverNames: readonly ServerName[];
  readonly handler: HandlerSettings;
  readonly http: HttpSettings;
  readonly webSocket: WebSocketSettings;
  readonly access: AccessSettings;
  readonly mapping: MappingSettings;
  /** All about files but where they lie. */
  readonly files: Omit<StaticSettings, "mapping">;
  readonly tryFiles: TryFiles | undefined;
  readonly appPass: AppPassSettings;
  readonly proxy: ProxySettings;
  readonly grpc: ProxySettings;
  readonly uwsgi: UwsgiSettings;
  readonly fastcgi: FastCgiSettings;
  readonly mirror: MirrorSettings;
  readonly resolver: ResolverSettings | undefined;
  readonly errorPages: readonly ErrorPage[];
  /** Undefined where responses leave as they are. */
  readonly responses: ResponseSettings | undefined;
  readonly accessLogs: AccessLogSettings;
  /** Of its server. */
  readonly tls: TlsSettings;
  /** Where what goes wrong in it is written, least important level included. */
  readonly errorLogs: readonly ErrorLogSettings[];
}
