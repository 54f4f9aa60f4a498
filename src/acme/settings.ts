/** What a configuration says of certificates that are had by ACME: plain data. Durations are milliseconds. */

/** How a name is proven to be ours: RFC 8555 §8.3 and RFC 8737. */
export type ChallengeKind = "http-01" | "tls-alpn-01";

/** Of private keys, in nginx's words. */
export type KeyType =
  | "ecdsa:256" | "ecdsa:384" | "ecdsa:521" | "rsa:2048" | "rsa:3072" | "rsa:4096";

/** What an issuer calls a kind of certificate (draft-ietf-acme-profiles): how long it counts, among others. */
export interface ProfileSettings {
  readonly name: string;
  /** From an issuer that does not have it, no certificate at all. */
  readonly isRequired: boolean;
}

/** Who signs certificates. */
export interface IssuerSettings {
  /** "letsencrypt", or what acme_issuer calls it. */
  readonly name: string;
  /** The URL of its directory (RFC 8555 §7.1.1): https. */
  readonly uri: string;
  /** It signs for the public, so names that nobody but we can look up are refused before it is asked. */
  readonly isPublic: boolean;
  /** URLs, mostly mailto: (RFC 8555 §7.3). */
  readonly contacts: readonly string[];
  /** A key that is made, or the path of one. */
  readonly accountKey:
    | { readonly kind: "made"; readonly type: KeyType }
    | { readonly kind: "file"; readonly path: string };
  /** RFC 8555 §7.3.4; the key is base64url. */
  readonly externalAccount: { readonly kid: string; readonly key: KeySource } | undefined;
  readonly acceptsTerms: boolean;
  /** As its own block says; undefined: as the certificate's server says. */
  readonly challenges: readonly ChallengeKind[] | undefined;
  /** undefined: as the certificate's server says. */
  readonly profile: ProfileSettings | undefined;
  /** Of several chains, the one whose last certificate is signed by this common name. */
  readonly preferredChain: string | undefined;
  /** The first name is asked for as the subject's common name, too. */
  readonly commonNameInCsr: boolean;
  /** Of its own certificate: a PEM file in the place of the system's authorities. */
  readonly trustedCertificate: string | undefined;
  readonly verify: boolean;
  /** A directory, absolute; undefined: nothing is kept, all is lost with the process. */
  readonly statePath: string | undefined;
}

export type KeySource =
  | { readonly kind: "data"; readonly key: string }
  | { readonly kind: "file"; readonly path: string };

/** How a certificate is to be, whatever its names. */
export interface CertificateManner {
  readonly keyType: KeyType;
  /** By name, the first is asked first: at least one. */
  readonly issuers: readonly string[];
  /** In the order in which they are tried: at least one. */
  readonly challenges: readonly ChallengeKind[];
  readonly profile: ProfileSettings | undefined;
}

/** A certificate that is to be there. */
export interface WantedCertificate extends CertificateManner {
  /** One for each set of names, key type and issuers: `certificateId` makes it. */
  readonly id: string;
  /** Lower case, the first is what files are called by: at least one. */
  readonly names: readonly string[];
}

/** Certificates for names that are not written, while somebody asks for them. */
export interface OnDemandSettings extends CertificateManner {
  readonly id: string;
  /** Asked with ?domain=NAME; status 200 allows it: http or https. */
  readonly ask: string;
  /** Most of each in any minute. */
  readonly asksPerMinute: number;
  readonly ordersPerMinute: number;
  /** Most names at once. */
  readonly namesMax: number;
}

/** What the process is told: everything that it does comes from here. */
export interface AcmeSettings {
  readonly issuers: readonly IssuerSettings[];
  readonly certificates: readonly WantedCertificate[];
  readonly onDemand: readonly OnDemandSettings[];
  /** acme_state_path, absolute: below it are directories of issuers, also of those that were named before. */
  readonly statePath: string;
  /** Where this machine's own authority is kept; undefined: where it is kept for all programs of this user. */
  readonly authorityPath: string | undefined;
}

/** The name of a certificate between configuration, state directory and edge. */
export function certificateId(names: readonly string[], { keyType, issuers, profile }: CertificateManner): string {
  return [keyType, issuers.join("+"), ...(profile === undefined ? [] : [profile.name]), names.join(",")].join(" ");
}

/**
 * Where a server has such a certificate from: names that stand where paths of files do, and are none.
 * @param id of `certificateId`
 */
export function acmePair(id: string): { readonly certificate: string; readonly key: string } {
  return { certificate: `${ACME_PREFIX}${id}:certificate`, key: `${ACME_PREFIX}${id}:key` };
}

/** The id of a certificate on demand, which no configuration wants by itself. @param name in lower case */
export function certificateOfName(name: string): string {
  return `on demand ${name}`;
}

/** Is it one of these names? */
export function isAcmeName(name: string): boolean {
  return name.startsWith(ACME_PREFIX);
}

/** No path that the configuration makes absolute begins so. */
const ACME_PREFIX = "acme:";
