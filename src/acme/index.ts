/**
 * How does a site get its certificates by itself? This door is the master's and the edges', who speak with the process
 * in main.ts and load nothing of what it does.
 */
export type { AcmeServerSettings } from "./directives.ts";
export { acmePair, certificateId, certificateOfName, isAcmeName } from "./settings.ts";
export type {
  AcmeSettings, CertificateManner, ChallengeKind, IssuerSettings, KeyType, OnDemandSettings, ProfileSettings,
  WantedCertificate,
} from "./settings.ts";
export type { AcmeCommand, AcmeReport, Challenge, ServedCertificate } from "./messages.ts";
