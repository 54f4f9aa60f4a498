/**
 * Looks after the staples of a set of certificates: asks their responders in the background, long before an answer's
 * time is over, and keeps what it has while they are away. A handshake never waits for it.
 *
 * Only "good" is stapled, as nginx does it. What a responder signs as "revoked" ends the staple of before; whatever
 * else goes wrong leaves it until its nextUpdate. A response from a file (`ssl_stapling_file`) is the operator's word:
 * it is stapled whatever it says, as long as it is about this certificate and of this time.
 */
import { assert } from "../../std/assert.ts";
import type { Bytes } from "../../std/bytes.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { demandsStaple, findInquiry, type Inquiry, readChain } from "./certificate.ts";
import type { OcspFault } from "./fault.ts";
import type * as messages from "./messages.ts";
import type { CertificateStatus, ResponseRules } from "./messages.ts";
import { renewAtMs, retryAtMs, stapledUntilMs } from "./renewal.ts";
import { askResponder } from "./responder.ts";
import { type Staple, stapleKey, type StapledCertificate, type StapleUpdate, usableBytes } from "./staple.ts";

/** How often it looks what is due. By the clock on the wall, so that nothing is missed while the machine sleeps. */
export const TICK_MS = 30_000;
/** Responders asked at once; certificates beyond wait for their turn. */
export const ASKING_MAX = 4;
/** Between two lines about one certificate. */
export const NOTICE_INTERVAL_MS = 3_600_000;

export type StapleNotice = (level: "error" | "warning", text: string) => void;

export interface StaplerSettings {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Calls back again and again, until what it returns is called. */
  readonly every?: (intervalMs: number, callback: () => void) => () => void;
  readonly ask?: typeof askResponder;
  /** Loads what knows the library. */
  readonly load?: () => Promise<Messages>;
  readonly notice: StapleNotice;
  /** For threads that do handshakes: see `Staples`. */
  readonly changed?: (update: StapleUpdate) => void;
}

/** One certificate of those that were added. */
export interface StapleHandle {
  /** Names the certificate and how it is stapled, in updates. */
  readonly key: string;
  /** Do clients refuse it without a staple (RFC 7633)? */
  readonly demandsStaple: boolean;
  /** What to staple now, if anything. */
  staple(): Bytes | undefined;
  /** The certificate is no longer shown. */
  close(): void;
}

/** A certificate, for all who have added it. */
interface Entry {
  readonly key: string;
  readonly certificate: StapledCertificate;
  readonly demandsStaple: boolean;
  holders: number;
  /** undefined: nobody can be asked. */
  question: Inquiry | undefined;
  staple: Staple | undefined;
  dueMs: number;
  failures: number;
  /** While it is asked about. */
  asking: AbortController | undefined;
  noticedMs: number;
}

export class Stapler {
  readonly #notice: StapleNotice;
  readonly #changed: (update: StapleUpdate) => void;
  readonly #now: () => number;
  readonly #ask: typeof askResponder;
  readonly #load: () => Promise<Messages>;
  readonly #stopTicking: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #work = new Set<Promise<void>>();
  #asking = 0;

  constructor(settings: StaplerSettings) {
    const { now = Date.now, every = everyOfSystem, ask = askResponder, load = loadMessages } = settings;
    const { notice, changed } = settings;
    this.#notice = notice;
    this.#changed = changed ?? ((): void => undefined);
    this.#now = now;
    this.#ask = ask;
    this.#load = load;
    this.#stopTicking = every(TICK_MS, () => this.#tick());
  }

  /** Begins to look after a certificate. The same one again is the same staple: it is asked for once. */
  add(certificate: StapledCertificate): StapleHandle {
    const key = stapleKey(certificate);
    const entry = this.#entries.get(key) ?? this.#newcomer(key, certificate);
    entry.holders += 1;
    let isOpen = true;
    return {
      key,
      demandsStaple: entry.demandsStaple,
      staple: () => usableBytes(entry.staple, this.#now()),
      close: () => {
        if (isOpen) this.#leave(entry);
        isOpen = false;
      },
    };
  }

  /** Resolves when nobody is being asked: a server that starts may wait a moment for its first staples. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Asks nobody any more, and forgets everything; gives up what is under way. */
  close(): void {
    this.#stopTicking();
    for (const entry of this.#entries.values()) entry.asking?.abort();
    this.#entries.clear();
  }

  #newcomer(key: string, certificate: StapledCertificate): Entry {
    const { file } = certificate;
    const read = readChain(certificate);
    const entry: Entry = {
      key, certificate, demandsStaple: read !== undefined && demandsStaple(read.leaf), holders: 0, question: undefined,
      staple: undefined, dueMs: Infinity, failures: 0, asking: undefined, noticedMs: -Infinity,
    };
    this.#entries.set(key, entry);
    if (read === undefined) return entry;
    if (file !== undefined) {
      this.#begin(() => this.#takeFile(entry, file, read));
      return entry;
    }
    const found = findInquiry(read, certificate);
    if (!found.ok) {
      this.#ignore(entry, found.error);
      return entry;
    }
    entry.question = found.value;
    entry.dueMs = this.#now();
    this.#askDue();
    return entry;
  }

  #leave(entry: Entry): void {
    entry.holders -= 1;
    assert(entry.holders >= 0, "nobody leaves twice");
    if (entry.holders > 0 || this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    entry.asking?.abort();
    this.#staple(entry, undefined);
  }

  #tick(): void {
    const nowMs = this.#now();
    for (const entry of this.#entries.values()) {
      if (entry.staple === undefined || entry.staple.nextUpdateMs > nowMs) continue;
      this.#staple(entry, undefined);
      if (entry.question !== undefined) continue;
      const hint = "write a new one and reload";
      this.#tell(entry, { nginx: `the response of "ssl_stapling_file" has expired${named(entry)}`, hint });
    }
    this.#askDue();
  }

  /** Those that have waited longest come first. */
  #askDue(): void {
    const nowMs = this.#now();
    const due = [...this.#entries.values()].filter(({ dueMs, asking }) => dueMs <= nowMs && asking === undefined);
    due.sort((one, other) => one.dueMs - other.dueMs);
    for (const entry of due.slice(0, Math.max(ASKING_MAX - this.#asking, 0))) {
      const asking = new AbortController();
      entry.asking = asking;
      this.#asking += 1;
      this.#begin(async () => {
        await this.#renew(entry, asking.signal);
        entry.asking = undefined;
        this.#asking -= 1;
        this.#askDue();
      });
    }
  }

  #begin(task: () => Promise<void>): void {
    const work = task().finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async #renew(entry: Entry, signal: AbortSignal): Promise<void> {
    const { question, certificate: { verify } } = entry;
    assert(question !== undefined, "only those with a responder are due");
    const loaded = await this.#messages();
    if (signal.aborted) return;
    if (!loaded.ok) return this.#fail(entry, loaded.error);
    const { readResponse, writeRequest } = loaded.value;
    const request = writeRequest(question);
    if (!request.ok) return this.#fail(entry, request.error);
    const answer = await this.#ask({ responder: question.responder, request: request.value, signal });
    if (signal.aborted) return;
    const nowMs = this.#now();
    if (!answer.ok) return this.#fail(entry, answer.error);
    const rules = { ...question, signer: verify ? "authorized" : "signed", nowMs } as const;
    const read = readResponse(answer.value, rules);
    if (!read.ok) return this.#fail(entry, read.error);
    const { status } = read.value;
    if (status !== "good") {
      // Without verification anybody on the way could have said so, and would switch off the staple that we have.
      if (status === "revoked" && verify) this.#staple(entry, undefined);
      return this.#fail(entry, statusFault(status));
    }
    if (stapledUntilMs(read.value, nowMs) <= nowMs) return this.#fail(entry, EXPIRED);
    entry.failures = 0;
    entry.dueMs = renewAtMs(read.value, nowMs);
    this.#take(entry, answer.value, read.value);
  }

  async #takeFile(entry: Entry, file: Uint8Array, certificates: Pick<ResponseRules, "leaf" | "issuer">): Promise<void> {
    const loaded = await this.#messages();
    if (this.#entries.get(entry.key) !== entry) return;
    const where = ` in "ssl_stapling_file"${named(entry)}`;
    if (!loaded.ok) return this.#ignore(entry, { ...loaded.error, nginx: `${loaded.error.nginx}${where}` });
    const read = loaded.value.readResponse(file, { ...certificates, signer: "none", nowMs: this.#now() });
    if (read.ok) return this.#take(entry, file, read.value);
    const hint = "write a new one for this certificate and reload";
    this.#ignore(entry, { nginx: `${read.error.nginx}${where}`, hint });
  }

  /** A handshake can do without a staple, so that a broken installation ends nothing. */
  async #messages(): Promise<Result<Messages, OcspFault>> {
    try {
      return ok(await this.#load());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const nginx = `the library of OCSP cannot be loaded: ${reason}`;
      return err({ nginx, hint: "install tricorn with its dependencies" });
    }
  }

  #take(entry: Entry, response: Uint8Array, status: CertificateStatus): void {
    this.#staple(entry, { response, nextUpdateMs: stapledUntilMs(status, this.#now()) });
  }

  #staple(entry: Entry, staple: Staple | undefined): void {
    if (entry.staple === undefined && staple === undefined) return;
    entry.staple = staple;
    this.#changed({ key: entry.key, staple });
  }

  #fail(entry: Entry, { nginx, hint }: OcspFault): void {
    const { question, staple } = entry;
    const nowMs = this.#now();
    entry.failures += 1;
    entry.dueMs = retryAtMs(entry.failures, nowMs);
    const kept = staple !== undefined && staple.nextUpdateMs > nowMs
      ? `, stapled until ${new Date(staple.nextUpdateMs).toISOString()} is the response of before`
      : "";
    const where = ` while requesting certificate status, responder: ${question?.responder.host ?? ""}${named(entry)}`;
    this.#tell(entry, { nginx: `${nginx}${where}${kept}`, hint });
  }

  /** At start: nobody will be asked. */
  #ignore(entry: Entry, { nginx, hint }: OcspFault): void {
    this.#tell(entry, { nginx: `"ssl_stapling" ignored, ${nginx}`, hint });
  }

  #tell(entry: Entry, { nginx, hint }: OcspFault): void {
    const nowMs = this.#now();
    if (nowMs - entry.noticedMs < NOTICE_INTERVAL_MS) return;
    entry.noticedMs = nowMs;
    const isRefused = entry.demandsStaple && usableBytes(entry.staple, nowMs) === undefined;
    const demand = isRefused ? "; clients refuse this certificate, which demands a staple (RFC 7633)" : "";
    this.#notice(isRefused ? "error" : "warning", `${nginx}${demand}; ${hint}`);
  }
}

type Messages = typeof messages;

async function loadMessages(): Promise<Messages> {
  return import("./messages.ts");
}

const EXPIRED: OcspFault = {
  nginx: "OCSP_check_validity() failed (status expired)",
  hint: "compare the clock of this machine with the responder's",
};

function statusFault(status: "revoked" | "unknown"): OcspFault {
  const hint = status === "revoked"
    ? "replace the certificate: clients that ask for themselves refuse it"
    : "the responder does not know the certificate; ask whoever has issued it";
  return { nginx: `certificate status "${status}" in the OCSP response`, hint };
}

function named({ certificate: { name } }: Entry): string {
  return `, certificate: "${name}"`;
}

/** Does not keep the process alive. */
function everyOfSystem(intervalMs: number, callback: () => void): () => void {
  const timer = setInterval(callback, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
