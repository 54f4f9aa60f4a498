/**
 * The certificates in the directory of one issuer, each a file with its key, and beside it what was tried and when. A
 * file that is damaged is moved aside and counts for none: what is not there is ordered again.
 */
import { createHash } from "node:crypto";
import type { LogLevel } from "../config/model.ts";
import { type Result, err } from "../std/result.ts";
import { type Certificate, certificateText, readCertificate } from "./certificate.ts";
import { isRecord, parseJson } from "./json.ts";
import type { RenewalWindow } from "./renewal.ts";
import type { WantedCertificate } from "./settings.ts";
import type { StateDirectory } from "./state-directory.ts";

const FOLDER = "certificates";
const CERTIFICATE_ENDING = ".pem", FACTS_ENDING = ".json";
/** A file's name has 255 bytes at most: a name of the DNS alone may have as many. */
const STEM_NAME_SIZE_MAX = 120;
/** Files that are looked through for a name; who has more has them in the configuration. */
const SEARCH_COUNT_MAX = 2000;

/** What outlives a restart beside the certificate. Times are milliseconds since 1970. */
export interface CertificateFacts {
  /** In a row, until now. */
  readonly failures: number;
  /** Before this nothing is tried. */
  readonly retryAt: number;
  /** Before this the issuer does not want to be asked; 0: it has not said so. */
  readonly limitedUntil: number;
  /** What the issuer said about renewing, of the certificate with this fingerprint. */
  readonly window: (RenewalWindow & { readonly fingerprint: string; readonly askAgainAt: number }) | undefined;
}

/** Nothing was tried yet. */
export const NO_FACTS: CertificateFacts = { failures: 0, retryAt: 0, limitedUntil: 0, window: undefined };

export class CertificateStore {
  readonly #directory: StateDirectory;
  readonly #notice: (level: LogLevel, text: string) => void;

  constructor(directory: StateDirectory, notice: (level: LogLevel, text: string) => void) {
    this.#directory = directory;
    this.#notice = notice;
  }

  /** Where the lock of a certificate is: in a directory that is there once something was written. */
  lockPath(wanted: WantedCertificate): string {
    return this.#directory.pathOf(`${stemOf(wanted)}.lock`);
  }

  /** Can something be written? Fails with a sentence's end that says what to do. */
  probe(): Result<void, string> {
    const probed = this.#directory.probe(FOLDER);
    if (probed.ok) return probed;
    return err(`${this.#directory.path} cannot be written (${probed.error}): make room, or let it belong to the user `
      + "that this process runs as");
  }

  /** What is kept of a certificate. */
  load(wanted: WantedCertificate): Certificate | undefined {
    return this.#read(`${stemOf(wanted)}${CERTIFICATE_ENDING}`);
  }

  /** Any certificates for one of these names that count at a moment, whatever they were ordered as. */
  search(names: readonly string[], now: number): readonly Certificate[] {
    const files = this.#directory.list(FOLDER, CERTIFICATE_ENDING).slice(0, SEARCH_COUNT_MAX);
    return files.flatMap((file) => {
      const certificate = this.#read(`${FOLDER}/${file}`);
      if (certificate === undefined || certificate.notAfter <= now) return [];
      return names.some((name) => certificate.names.includes(name)) ? [certificate] : [];
    });
  }

  /** Fails with the system's reason; then the file that was there is there still. */
  save(wanted: WantedCertificate, certificate: Certificate): Result<void, string> {
    return this.#directory.write(`${stemOf(wanted)}${CERTIFICATE_ENDING}`, certificateText(certificate));
  }

  loadFacts(wanted: WantedCertificate): CertificateFacts {
    const text = this.#directory.read(`${stemOf(wanted)}${FACTS_ENDING}`);
    const fields = text.ok ? parseJson(text.value ?? "") : undefined;
    // They spare an issuer some questions; without them all is as it was in the beginning.
    if (!isRecord(fields)) return NO_FACTS;
    const window = isRecord(fields["window"]) ? fields["window"] : {};
    const { start, end, askAgainAt, fingerprint } = window;
    const isWindow = [start, end, askAgainAt].every(Number.isFinite) && typeof fingerprint === "string";
    return {
      failures: countOf(fields["failures"]),
      retryAt: countOf(fields["retryAt"]),
      limitedUntil: countOf(fields["limitedUntil"]),
      window: isWindow
        ? { start: Number(start), end: Number(end), askAgainAt: Number(askAgainAt), fingerprint }
        : undefined,
    };
  }

  /** Where they cannot be written, a restart tries again sooner than it should. */
  saveFacts(wanted: WantedCertificate, facts: CertificateFacts): void {
    this.#directory.write(`${stemOf(wanted)}${FACTS_ENDING}`, `${JSON.stringify(facts, undefined, 2)}\n`);
  }

  #read(file: string): Certificate | undefined {
    const text = this.#directory.read(file);
    if (text.ok && text.value === undefined) return undefined;
    const read = text.ok ? readCertificate(text.value ?? "") : text;
    if (read.ok) return read.value;
    const path = this.#directory.pathOf(file);
    const aside = this.#directory.setAside(file);
    this.#notice("error", `${path} ${text.ok ? read.error : `cannot be read (${read.error})`}: it is ${aside} now, and `
      + "another certificate is ordered");
    return undefined;
  }
}

/** "certificates/example.org.ecdsa-256.0a1b2c3d": who looks into the directory finds the name. */
function stemOf({ names, keyType }: WantedCertificate): string {
  const digest = createHash("sha256").update(JSON.stringify([[...names].sort(), keyType])).digest("hex").slice(0, 8);
  return `${FOLDER}/${(names[0] ?? "").slice(0, STEM_NAME_SIZE_MAX)}.${keyType.replace(":", "-")}.${digest}`;
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
