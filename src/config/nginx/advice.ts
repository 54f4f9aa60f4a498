/**
 * What to use in place of a directive that is not here: for those of nginx by module, for others' by name.
 */
import type { KnownDirective } from "./known-directives.ts";

interface Advice {
  readonly pattern: RegExp;
  /** Whose it is, in a sentence "X belongs to …". */
  readonly owner: string;
  readonly hint: string;
}

/** Modules of nginx, the first that fits. Without a row: the module is named, and no replacement. */
const moduleAdvice: readonly Readonly<Omit<Advice, "owner">>[] = [
  { pattern: /^ngx_stream_/, hint: "TCP and UDP are not proxied here: leave stream { } to an nginx beside it" },
  { pattern: /^ngx_mail_/, hint: "mail is not proxied here: leave mail { } to an nginx beside it" },
  { pattern: /^ngx_http_(?:js|perl)_module$/, hint: "let a Python application do it, with app_pass" },
  { pattern: /^ngx_http_(?:image_filter|xslt|flv|mp4|hls|f4f)_module$/, hint: "let the application make it, or a CDN" },
  { pattern: /^ngx_http_geoip_module$/, hint: "use geo { } with a file of networks, or look it up in the application" },
  { pattern: /^ngx_http_(?:scgi|memcached)_module$/, hint: "use proxy_pass, fastcgi_pass, uwsgi_pass or app_pass" },
  {
    pattern: /^ngx_http_(?:api|status|keyval|session_log|upstream_hc|upstream_conf|auth_jwt|oidc|auth_require)_module/,
    hint: "it is part of nginx's commercial edition: remove it, or let the application do it",
  },
  { pattern: /^ngx_(?:mgmt|google_perftools)_module$/, hint: "it belongs to nginx's own processes: remove it" },
];

/** What nginx does not have, or not any more, by what it is called. */
const foreignAdvice: readonly Advice[] = [
  { pattern: /^(?:lua_|\w+_by_lua)/, owner: "OpenResty's lua module", hint: "let a Python application do it" },
  { pattern: /^brotli/, owner: "the brotli module", hint: "files with .br beside them are sent by gzip_static" },
  { pattern: /^more_(?:set|clear)_/, owner: "the headers-more module", hint: "use add_header and proxy_hide_header" },
  { pattern: /^passenger_/, owner: "Passenger", hint: "write app { } and app_pass" },
  { pattern: /^(?:modsecurity|pagespeed|vhost_traffic_status|vod_|rtmp|echo(?:$|_))/, owner: "another module",
    hint: "remove it" },
  { pattern: /^(?:proxy|uwsgi)_ssl_conf_command$/, owner: "OpenSSL's own configuration",
    hint: "use the directives of TLS, such as proxy_ssl_protocols and proxy_ssl_ciphers" },
  { pattern: /^(?:\w+_(?:allow_upstream|request_dynamic)|queue|ntlm|state)$/, owner: "nginx's commercial edition",
    hint: "remove it: it is not needed for proxying" },
  { pattern: /^ssl_ocsp(?:_|$)/, owner: "nginx's ngx_http_ssl_module",
    hint: "use ssl_crl: nobody is asked about certificates of clients, as handshakes would wait for the answer" },
  { pattern: /^ssl$/, owner: "nginx before 1.25.1", hint: "write listen 443 ssl;" },
  { pattern: /^(?:spdy_|aio_write_http)/, owner: "an older nginx", hint: "remove it" },
];

/** Whose directive it is, and the next action; undefined for one that nobody is known to have. */
export function adviceFor(
  name: string,
  known: readonly KnownDirective[] | undefined,
): { readonly owner: string; readonly hint: string } | undefined {
  const foreign = foreignAdvice.find(({ pattern }) => pattern.test(name));
  const [first] = known ?? [];
  if (foreign !== undefined || first === undefined) return foreign;
  const advice = moduleAdvice.find(({ pattern }) => pattern.test(first.module));
  return { owner: `nginx's ${first.module}`, hint: advice?.hint ?? "remove it, or keep nginx for what needs it" };
}
