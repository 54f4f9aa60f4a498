/**
 * What the edge process does for its threads, that they can staple (docs/adr/0021-ocsp.md): it asks about the
 * certificates that they show, in its first thread, and tells all of them what is to be stapled to which.
 */
import { isAcmeName } from "../acme/index.ts";
import {
  type StapledCertificate, type StapleHandle, type Stapler, type StaplerSettings, type TlsFiles, type TlsSettings,
  findInquiry, readChain, stapledCertificates, stapleKey, startStapler,
} from "../tls/index.ts";
import type { Site } from "./model.ts";

/** The doors open so much later at most, where clients refuse a certificate without a staple. */
const FIRST_STAPLES_MS_MAX = 1000;

export class Stapling {
  readonly #settings: readonly TlsSettings[];
  readonly #events: StaplerSettings;
  #stapler: Promise<Stapler> | undefined;
  #handles: readonly StapleHandle[] = [];
  /** Certificates that nobody can be asked about, as the check of the configuration has said already. */
  #told: ReadonlySet<string> | undefined;
  #following: Promise<void> = Promise.resolve();

  constructor(site: Site, events: Pick<StaplerSettings, "changed" | "notice">) {
    this.#settings = stapledSettings(site);
    this.#events = events;
  }

  /** These are the files from now on. */
  follow(files: TlsFiles): void {
    if (this.#settings.length === 0) return;
    this.#following = this.#following.then(() => this.#follow(files));
  }

  /** Waits a moment for the staples of certificates that are of no use without one. */
  async ready(): Promise<void> {
    await this.#following;
    const stapler = await this.#stapler;
    if (stapler === undefined || !this.#handles.some(({ demandsStaple }) => demandsStaple)) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_STAPLES_MS_MAX)));
    await Promise.race([stapler.settled(), patience]);
    clearTimeout(timer);
  }

  async #follow(files: TlsFiles): Promise<void> {
    const stapler = await (this.#stapler ??= startStapler(this.#events));
    const certificates = this.#settings.flatMap((settings) => stapledCertificates(settings, files));
    const told = (this.#told ??= new Set(certificates.filter((each) => isTold(each)).map((each) => stapleKey(each))));
    const before = this.#handles;
    this.#handles = certificates.filter((each) => !told.has(stapleKey(each))).map((each) => stapler.add(each));
    // Only now: who is still here keeps its staple.
    for (const handle of before) handle.close();
  }
}

/** Has the check of the configuration told that it cannot be stapled? */
function isTold(certificate: StapledCertificate): boolean {
  if (certificate.file !== undefined || isAcmeName(certificate.name)) return false;
  const read = readChain(certificate);
  return read !== undefined && !findInquiry(read, certificate).ok;
}

/** Of all certificates that handshakes may show. */
function stapledSettings({ servers, locations }: Site): readonly TlsSettings[] {
  const all = servers.flatMap(({ location, acquired }) => {
    const own = locations[location]?.tls;
    return [...(own === undefined ? [] : [own]), ...(acquired?.byName.values() ?? [])];
  });
  return [...new Set(all)].filter(({ stapling }) => stapling !== undefined);
}
