/** How does a server have HTTPS on the machine of its developer? */
export { localCertificate } from "./local-certificate.ts";
export type { LocalCertificate, LocalCertificateOptions } from "./local-certificate.ts";
