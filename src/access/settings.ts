/** What a block says about its clients: plain data. */
import type { IpNetwork } from "../std/ip-address.ts";
import type { Pattern, WildcardName } from "../route/index.ts";

/** Whom a rule is about: everybody, everybody behind a Unix socket, or a network. */
export type Client = { readonly kind: "all" } | { readonly kind: "unix" } | ({ readonly kind: "network" } & IpNetwork);

/** `allow` or `deny`. */
export interface AccessRule {
  readonly allows: boolean;
  readonly client: Client;
}

/** The name of a request field, in lower case, or the header that the connection began with. */
export type RealIpHeader = { readonly kind: "field"; readonly name: string } | { readonly kind: "proxy_protocol" };

/** Whose word about the client counts, and where it stands. */
export interface RealIpSettings {
  readonly from: readonly Client[];
  readonly header: RealIpHeader;
  /** Go on while what it names is trusted as well. */
  readonly recursive: boolean;
}

/** valid_referers */
export interface RefererSettings {
  /** Requests without a Referer are valid. */
  readonly none: boolean;
  /** Those with one that is no http:// or https:// URL are. */
  readonly blocked: boolean;
  /** Those that name this server are. */
  readonly serverNames: boolean;
  readonly names: readonly RefererName[];
  /** Of what follows the scheme. */
  readonly patterns: readonly Pattern[];
}

export interface RefererName {
  readonly name: WildcardName;
  /** What the path begins with; "" for any. */
  readonly path: string;
}

export interface AccessSettings {
  readonly rules: readonly AccessRule[];
  readonly realip: RealIpSettings | undefined;
  /** Peers whose X-Forwarded-For and X-Forwarded-Proto count, "*" for all; undefined: nobody's. */
  readonly forwardedAllowIps: readonly string[] | undefined;
  readonly referers: RefererSettings | undefined;
}
