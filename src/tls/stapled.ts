/** Which certificates of a server are stapled, and how: what its settings say, with the texts of their files. */
import { fromLatin1 } from "../std/bytes.ts";
import type { StapledCertificate, Stapler, StaplerSettings } from "./ocsp/index.ts";
import { certificatesIn } from "./pem.ts";
import { type TlsFiles, type TlsSettings, shownName, textOf } from "./settings.ts";

/** Those that are there: what comes by ACME may be missing still. Empty where nothing is stapled. */
export function stapledCertificates(settings: TlsSettings, files: TlsFiles): readonly StapledCertificate[] {
  const { certificates, stapling, trustedCertificate } = settings;
  if (stapling === undefined) return [];
  const { responder, verify } = stapling;
  const trusted = trustedCertificate === undefined ? [] : certificatesIn(textOf(files, trustedCertificate) ?? "");
  const response = stapling.file === undefined ? undefined : textOf(files, stapling.file);
  const file = response === undefined ? undefined : fromLatin1(response);
  return certificates.flatMap(({ certificate }) => {
    const chain = certificatesIn(textOf(files, certificate) ?? "");
    return chain.length === 0 ? [] : [{ name: shownName(certificate), chain, trusted, responder, verify, file }];
  });
}

/** Begins to ask. What that takes is loaded now: most programs staple nothing. */
export async function startStapler(settings: StaplerSettings): Promise<Stapler> {
  const { Stapler: Loaded } = await import("./ocsp/stapler.ts");
  return new Loaded(settings);
}
