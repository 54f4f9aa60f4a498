/** Where proxy_pass and grpc_pass lead: scheme, whom to ask, and with which URI (ngx_http_proxy_module). */
import { parseAddress } from "../../config/nginx/address.ts";

export interface ProxyTarget {
  readonly isTls: boolean;
  /** A name of an upstream or of a host, an IP address without brackets, or a socket's path. */
  readonly place:
    | { readonly kind: "host"; readonly host: string; readonly port: number | undefined }
    | { readonly kind: "unix"; readonly path: string };
  /** `$proxy_host`: as written, the port only where it is not the scheme's own. */
  readonly host: string;
  /** `$proxy_port` */
  readonly port: string;
  /** What follows the authority, undefined when nothing does. */
  readonly uri: string | undefined;
  /** What the error log says before the peer's name. */
  readonly scheme: "http://" | "https://" | "grpc://" | "grpcs://" | "uwsgi://" | "suwsgi://" | "fastcgi://";
}

/** Takes the address of grpc_pass apart, with or without its scheme. @returns undefined for what is none */
export function parseGrpcTarget(address: string): ProxyTarget | undefined {
  const scheme = /^grpcs?:\/\//i.exec(address)?.[0].toLowerCase() ?? "grpc://";
  const isTls = scheme === "grpcs://";
  const rest = address.replace(/^grpcs?:\/\//i, "");
  const target = parseProxyTarget(`${isTls ? "https" : "http"}://${rest}`);
  if (target === undefined || target.uri !== undefined) return undefined;
  return { ...target, scheme: isTls ? "grpcs://" : "grpc://" };
}

const schemes = { "http://": 80, "https://": 443 } as const;

/** Takes a URL of proxy_pass apart. @returns undefined for what is none */
export function parseProxyTarget(url: string): ProxyTarget | undefined {
  const scheme = /^https?:\/\//i.exec(url)?.[0].toLowerCase();
  if (scheme !== "http://" && scheme !== "https://") return undefined;
  const rest = url.slice(scheme.length);
  const isTls = scheme === "https://";
  const usual = schemes[scheme];
  if (/^unix:/i.test(rest)) {
    // "unix:/path:/uri"
    const end = rest.indexOf(":", "unix:".length);
    const path = end < 0 ? rest.slice("unix:".length) : rest.slice("unix:".length, end);
    const uri = end < 0 || end === rest.length - 1 ? undefined : rest.slice(end + 1);
    if (path === "") return undefined;
    return { isTls, place: { kind: "unix", path }, host: "localhost", port: "", uri, scheme };
  }
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const found = end < 0 ? undefined : rest.slice(end);
  const uri = found === undefined || found.startsWith("/") ? found : `/${found}`;
  const parsed = parseAddress(/^\d+$/.test(authority) ? `${authority}:${usual}` : authority);
  if (!parsed.ok || parsed.value.kind !== "tcp") return undefined;
  const { host, port } = parsed.value;
  if (host === undefined) return undefined;
  const written = authority.startsWith("[") ? authority.slice(0, authority.indexOf("]") + 1) : host;
  return {
    isTls, place: { kind: "host", host, port },
    host: port === undefined || port === usual ? written : `${written}:${port}`,
    port: String(port ?? usual), uri, scheme,
  };
}
