/**
 * What the master and the process that gets certificates say to each other, over Node's IPC channel. That process
 * serves nothing: whoever asks for a name or answers a challenge is an edge, and the master passes it on.
 */
import type { LogLevel } from "../config/model.ts";
import type { AcmeSettings, KeyType } from "./settings.ts";

/** Something that an edge answers, so that an issuer believes a name to be ours. */
export type Challenge =
  /** GET /.well-known/acme-challenge/TOKEN on port 80 gets `keyAuthorization` (RFC 8555 §8.3). */
  | {
      readonly id: string;
      readonly kind: "http-01";
      readonly name: string;
      readonly token: string;
      readonly keyAuthorization: string;
    }
  /** A handshake for `name` with nothing but "acme-tls/1" in its ALPN gets this certificate (RFC 8737 §3). */
  | {
      readonly id: string;
      readonly kind: "tls-alpn-01";
      readonly name: string;
      readonly certificate: string;
      readonly key: string;
    };

/** A certificate that is good to be served. */
export interface ServedCertificate {
  /** The `WantedCertificate` that it is; undefined: it is of an earlier configuration, or of a name on demand. */
  readonly wanted: string | undefined;
  /** Lower case, as its subjectAltName has them. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  /** PEM: the certificate, then what it is signed by. */
  readonly chain: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly issuer: string;
  readonly whence: "state" | "issued";
}

/** From the master. */
export type AcmeCommand =
  /** First of all, and after every reload. */
  | { readonly kind: "settings"; readonly settings: AcmeSettings }
  /** Every edge thread has this challenge: the issuer may look. */
  | { readonly kind: "challenge-ready"; readonly id: string }
  /** An edge has answered it once. */
  | { readonly kind: "answered"; readonly id: string; readonly client: string }
  /** A handshake was for a name that has no certificate, in a server with acme_on_demand. */
  | { readonly kind: "name-wanted"; readonly onDemand: string; readonly name: string }
  /** Give back locks, and exit 0. */
  | { readonly kind: "end" };

/** To the master. */
export type AcmeReport =
  | { readonly kind: "started" }
  | { readonly kind: "challenge"; readonly challenge: Challenge }
  | { readonly kind: "challenge-removed"; readonly id: string }
  /** Of several for a name, the one that began last is served, for each kind of key. */
  | { readonly kind: "certificate"; readonly certificate: ServedCertificate }
  /** All that the state directory had was reported, after `settings`; `missing` are certificates still to be had. */
  | { readonly kind: "loaded"; readonly missing: readonly string[] }
  /** A name that was wanted gets none, for so long: until then nobody need ask again. */
  | { readonly kind: "name-refused"; readonly onDemand: string; readonly name: string; readonly forMs: number }
  | { readonly kind: "notice"; readonly level: LogLevel; readonly text: string };
