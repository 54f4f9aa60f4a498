/** What locations say about proxying: by HTTP, to uWSGI, to FastCGI. Names are nginx's. */
import type { PassSettings } from "../../config/pass-settings.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import type { Pattern } from "../../route/index.ts";
import type { TransportSettings } from "../../upstream/index.ts";

/** A field that is set, or, with an empty value, left out. */
export interface SetHeader {
  readonly name: string;
  readonly value: ComplexValue;
}

/** What is looked for: this text, or what an expression matches. */
export type Searched =
  | { readonly kind: "text"; readonly text: ComplexValue }
  | { readonly kind: "regex"; readonly pattern: Pattern };

/** proxy_redirect, proxy_cookie_domain and proxy_cookie_path: what is found, and what takes its place. */
export interface Replacement {
  readonly searched: Searched;
  readonly replacement: ComplexValue;
}

export interface CookieFlags {
  /** A cookie's name, or an expression for it. */
  readonly cookie: Searched;
  /** "secure", "nosecure", "httponly", "nohttponly", "samesite=lax", "nosamesite" …, which may be variables. */
  readonly flags: readonly ComplexValue[];
}

export interface UpstreamTlsSettings {
  /** Undefined: as in the URL. */
  readonly name: ComplexValue | undefined;
  readonly serverName: boolean;
  readonly verify: boolean;
  readonly verifyDepth: number;
  /** Paths of files. */
  readonly trustedCertificate: string | undefined;
  readonly crl: string | undefined;
  readonly certificate: ComplexValue | undefined;
  readonly certificateKey: ComplexValue | undefined;
  readonly passwordFile: string | undefined;
  readonly protocols: readonly string[];
  readonly ciphers: string;
  readonly sessionReuse: boolean;
}

export interface ProxySettings extends PassSettings, TransportSettings {
  /** 0 and 1 are of HTTP/1.x. */
  readonly httpVersion: 0 | 1 | 2;
  readonly setHeaders: readonly SetHeader[];
  readonly setBody: ComplexValue | undefined;
  readonly method: ComplexValue | undefined;
  /** "default": as proxy_pass and location say. */
  readonly redirects: readonly (Replacement | "default")[];
  readonly cookieDomains: readonly Replacement[];
  readonly cookiePaths: readonly Replacement[];
  readonly cookieFlags: readonly CookieFlags[];
  readonly tls: UpstreamTlsSettings;
}

/** uwsgi_param, fastcgi_param. */
export interface ParamSettings {
  readonly name: string;
  readonly value: ComplexValue;
  readonly ifNotEmpty: boolean;
}

export interface UwsgiSettings extends PassSettings, TransportSettings {
  readonly params: readonly ParamSettings[];
  readonly modifier1: number;
  readonly modifier2: number;
  readonly tls: UpstreamTlsSettings;
}

export interface FastCgiSettings extends PassSettings, TransportSettings {
  readonly params: readonly ParamSettings[];
  readonly index: string;
  /** An expression with two captures: script name and path info. */
  readonly splitPathInfo: Pattern | undefined;
  /** Texts of the application's error stream that make its response invalid. */
  readonly catchStderr: readonly string[];
  readonly keepConn: boolean;
}

export interface MirrorSettings {
  readonly uris: readonly string[];
  readonly requestBody: boolean;
}
