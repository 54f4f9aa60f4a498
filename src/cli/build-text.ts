/**
 * What `-v` and `-V` print, in the form that tools read nginx's answer in. Which modules are here the rows say.
 */
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { SOFTWARE } from "../std/version.ts";
import { NGINX_FILE, NGINX_PID, NGINX_PREFIX } from "./nginx-command-line.ts";

/** The nginx whose directives are here: `max_headers`, the youngest of them, came with it. */
const nginxVersion = "1.29.8";

/** Modules that a build of nginx has unless it says --without-http_…_module. */
const usualModules: readonly string[] = [
  "charset", "gzip", "ssi", "userid", "access", "auth_basic", "mirror", "autoindex", "geo", "map", "split_clients",
  "referer", "rewrite", "proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "limit_conn", "limit_req",
  "empty_gif", "browser",
];

/** Modules of one directive in `upstream`, which nginx's reference counts to its module of upstreams. */
const upstreamModules: Readonly<Record<string, string>> = {
  hash: "upstream_hash", ip_hash: "upstream_ip_hash", least_conn: "upstream_least_conn",
  least_time: "upstream_least_time", random: "upstream_random", keepalive: "upstream_keepalive", zone: "upstream_zone",
  sticky: "upstream_sticky",
};

/** And those that it has if it says --with-http_…_module. */
const furtherModules: readonly string[] = [
  "ssl", "v2", "v3", "realip", "addition", "xslt", "image_filter", "geoip", "sub", "dav", "flv", "mp4", "gunzip",
  "gzip_static", "auth_request", "random_index", "secure_link", "slice", "stub_status", "perl", "degradation",
];

/** `nginx version: nginx/1.29.8 (tricorn/0.1.0)` and the end of the line. */
export function versionLine(): string {
  return `nginx version: nginx/${nginxVersion} (${SOFTWARE})\n`;
}

/**
 * The lines that `-V` prints below the version.
 * @param openssl as Node says it: "3.5.4+quic"
 */
export function buildLines(rows: readonly AnyDirectiveRow[], openssl: string): string {
  const here = new Set(rows.map(({ module }) => /^ngx_http_(\w+?)_module$/.exec(module)?.[1] ?? ""));
  const ofUpstreams = rows.filter(({ contexts }) => contexts.includes("upstream")).map(({ name }) => name);
  const words = [
    `--prefix=${NGINX_PREFIX.replace(/\/$/, "")}`, `--conf-path=${NGINX_FILE}`, "--error-log-path=stderr",
    `--pid-path=${NGINX_PID}`, "--with-threads",
    ...furtherModules.filter((name) => here.has(name)).map((name) => `--with-http_${name}_module`),
    ...usualModules.filter((name) => !here.has(name)).map((name) => `--without-http_${name}_module`),
    ...Object.entries(upstreamModules).filter(([directive]) => !ofUpstreams.includes(directive))
      .map(([, name]) => `--without-http_${name}_module`),
    ...(rows.some(({ name }) => name === "proxy_cache") ? [] : ["--without-http-cache"]),
  ];
  return `built with OpenSSL ${openssl.replace(/\+.*/, "")}\nTLS SNI support enabled\n`
    + `configure arguments: ${words.join(" ")}\n`;
}
