/**
 * How a person makes the programs of a machine trust the local authority, in the commands of that machine. Nothing here
 * is done by the server itself: whom to trust is its owner's decision, and takes root.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

/** Who keeps the list of trusted authorities, and how it is changed. */
export type TrustStore = "ca-certificates" | "p11-kit" | "macos" | "unknown";

/** Where hints are for. */
export interface TrustPlace {
  /** The authority's certificate. */
  readonly authorityPath: string;
  /** The same, PEM. */
  readonly certificate: string;
  readonly store: TrustStore;
  /** Whether the reader is root, who needs no sudo. */
  readonly isRoot: boolean;
}

/** The lists of all systems that have one, in PEM: Debian, Alpine, Arch; Fedora, also older; openSUSE. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt", "/var/lib/ca-certificates/ca-bundle.pem",
] as const;
/** Where the commands of Debian and Alpine look for more. */
const LOCAL_CERTIFICATE = "/usr/local/share/ca-certificates/tricorn.crt";

/**
 * @param platform `process.platform`
 * @param osRelease the text of /etc/os-release, empty where there is none
 */
export function trustStoreOf(platform: string, osRelease: string): TrustStore {
  if (platform === "darwin") return "macos";
  const [, words = ""] = /^ID="?([\w.-]+)"?$/m.exec(osRelease) ?? [];
  const [, like = ""] = /^ID_LIKE="?([\w. -]+)"?$/m.exec(osRelease) ?? [];
  const systems = [words, ...like.split(" ")];
  if (systems.some((system) => /^(debian|ubuntu|alpine)$/.test(system))) return "ca-certificates";
  if (systems.some((system) => /^(fedora|rhel|centos|arch|suse|opensuse.*)$/.test(system))) return "p11-kit";
  return "unknown";
}

/** @returns lines to print: a heading, and commands below it */
export function trustHints({ authorityPath, certificate, store, isRoot }: TrustPlace): readonly string[] {
  const path = quoted(authorityPath);
  // NSS takes no second authority under the name of another.
  const digits = new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  const name = `tricorn-${digits.slice(0, 8)}`;
  const sudo = isRoot ? "" : "sudo ";
  const system: Record<TrustStore, readonly string[]> = {
    "ca-certificates": [
      "curl, Python and other programs of this machine:",
      `    ${sudo}cp ${path} ${LOCAL_CERTIFICATE} && ${sudo}update-ca-certificates`,
      ...browsers(path, name),
    ],
    // Browsers of these systems read the same list, by way of p11-kit.
    "p11-kit": [
      "browsers, curl, Python and other programs of this machine:",
      `    ${sudo}trust anchor --store ${path}`,
    ],
    macos: [
      "browsers, curl and other programs of this machine:",
      `    sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${path}`,
    ],
    unknown: browsers(path, name),
  };
  return [
    "To trust the certificates of this server, once:",
    ...system[store].map((line) => `  ${line}`),
    "  or one program only, by its environment (curl and Python, requests, Node):",
    ...["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"].map((name) => `      ${name}=${path}`),
  ];
}

/**
 * @param certificate the authority's, PEM
 * @returns whether the system's list has it; undefined where there is no list to be read (macOS has a keychain), and
 *   browsers with a list of their own are not asked
 */
export function isTrusted(certificate: string, bundles: readonly string[] = BUNDLES): boolean | undefined {
  const wanted = base64Of(certificate);
  for (const path of bundles) {
    try {
      return base64Of(readFileSync(path, "latin1")).includes(wanted);
    } catch {
      // Another system's.
    }
  }
  return undefined;
}

/** A word of a shell's command line. */
export function quoted(path: string): string {
  return /^[\w./+@%:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function browsers(path: string, name: string): readonly string[] {
  return [
    "Chromium and Chrome (certutil is in libnss3-tools or nss-tools):",
    `    mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ${name} -i ${path}`,
    "Firefox: Settings, Certificates, View Certificates, Authorities, Import:",
    `    ${path}`,
  ];
}

/** Lines may be broken in another place. */
function base64Of(pem: string): string {
  return pem.replace(/-----BEGIN CERTIFICATE-----|\s/g, "");
}
