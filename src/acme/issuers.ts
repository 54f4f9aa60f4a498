/** The issuers that have a name here, as data: `acme letsencrypt;`. Others have an acme_issuer in the configuration. */

export interface KnownIssuer {
  /** The directory's URL, as the issuer's own documentation has it. */
  readonly uri: string;
  /** It signs for the public. */
  readonly isPublic: boolean;
  /** It wants an account of its own beside ACME's (RFC 8555 §7.3.4): external_account_key. */
  readonly needsExternalAccount: boolean;
}

/** The authority of this machine, for development: nobody is asked (local/). */
const LOCAL_ISSUER = "local";
/** What stands for its directory. */
export const LOCAL_URI = "local:";

/** Buypass is missing: it has issued nothing since October 2025. */
export const knownIssuers: Readonly<Record<string, KnownIssuer>> = {
  letsencrypt: { uri: "https://acme-v02.api.letsencrypt.org/directory", isPublic: true, needsExternalAccount: false },
  "letsencrypt-staging": {
    uri: "https://acme-staging-v02.api.letsencrypt.org/directory", isPublic: true, needsExternalAccount: false,
  },
  zerossl: { uri: "https://acme.zerossl.com/v2/DV90", isPublic: true, needsExternalAccount: true },
  google: { uri: "https://dv.acme-v02.api.pki.goog/directory", isPublic: true, needsExternalAccount: true },
  "google-staging": {
    uri: "https://dv.acme-v02.test-api.pki.goog/directory", isPublic: true, needsExternalAccount: true,
  },
  [LOCAL_ISSUER]: { uri: LOCAL_URI, isPublic: false, needsExternalAccount: false },
  sslcom: { uri: "https://acme.ssl.com/sslcom-dv-ecc", isPublic: true, needsExternalAccount: true },
};

/** What `acme on` and `acme staging` mean. */
export const ON_ISSUER = "letsencrypt", STAGING_ISSUER = "letsencrypt-staging";
