/**
 * One issuer, as the keeper asks it: for certificates, and when to renew them.
 *
 * What needs the client library is loaded with the first order: most processes order nothing for two months, and it is
 * two thirds of their memory.
 */
import { readFileSync } from "node:fs";
import type { Client } from "acme-client";
import { systemReason } from "../std/system-reason.ts";
import type { AccountTools } from "./account.ts";
import type { Certificate } from "./certificate.ts";
import type { Challenges } from "./challenges.ts";
import { type Clock, pause } from "./clock.ts";
import { HttpsClient, type HttpsResponse, retryAfter, serverTime, throwRefusal } from "./https.ts";
import { isRecord, parseJson } from "./json.ts";
import { Lock } from "./lock.ts";
import type { OrderRequest } from "./order.ts";
import { AcmeProblem, problem } from "./problem.ts";
import { renewalId } from "./renewal-id.ts";
import type { RenewalWindow } from "./renewal.ts";
import type { IssuerSettings, ProfileSettings } from "./settings.ts";

export interface IssuerTools extends AccountTools {
  readonly clock: Clock;
  readonly challenges: Challenges;
  readonly signal: AbortSignal;
}

/** What an issuer says about renewing (RFC 9773 §4.2). */
export interface RenewalInfo {
  /** undefined: it says nothing that makes sense. */
  readonly window: RenewalWindow | undefined;
  /** Why, for people to read. */
  readonly explanation: string | undefined;
  /** As Retry-After has it. */
  readonly retryAfterMs: number | undefined;
}

/** What a task asks for; the rest the issuer's own settings say. */
export type CertificateRequest = Pick<OrderRequest, "names" | "keyType" | "challenges" | "replaces"> & {
  readonly profile: ProfileSettings | undefined;
};

interface Directory {
  readonly readAt: number;
  readonly renewalInfo: string | undefined;
  readonly profiles: readonly string[];
}

/** A directory says where things are; it changes once in years (RFC 8555 §7.1.1). */
const DIRECTORY_AGE_MAX_MS = 24 * 60 * 60_000;
/** Answers whose Retry-After is remembered: those of the orders that run. */
const URL_COUNT_MAX = 1000;
/** What is ordered at the moment looks for itself for no longer. */
const ACCOUNT_WAIT_MAX_MS = 2 * 60_000;
/** Certificates begin up to an hour before they are signed, so a clock that is less wrong does no harm. */
const SKEW_MAX_MS = 10 * 60_000;

export class Issuer {
  readonly settings: IssuerSettings;
  readonly #tools: IssuerTools;
  readonly #retryAfter = new Map<string, number>();
  #https: HttpsClient | undefined;
  #account: Promise<Client> | undefined;
  #directory: Directory | undefined;
  #isSkewTold = false;

  constructor(settings: IssuerSettings, tools: IssuerTools) {
    this.settings = settings;
    this.#tools = tools;
  }

  /** Orders a certificate. Rejects with an AcmeProblem, or with the signal's reason. */
  async order(wanted: CertificateRequest): Promise<Certificate> {
    const { preferredChain, commonNameInCsr } = this.settings;
    const profile = await this.#profile(this.settings.profile ?? wanted.profile);
    const request: OrderRequest = { ...wanted, profile, preferredChain, commonNameInCsr };
    const { orderCertificate } = await import("./order.ts");
    return this.#within(async () => {
      const { clock, challenges, signal } = this.#tools;
      const tools = { clock, challenges, signal, retryAfterMs: (url: string) => this.#retryAfter.get(url) };
      try {
        return await orderCertificate(await this.#client(false), request, tools);
      } catch (thrown) {
        if (!(thrown instanceof AcmeProblem) || !thrown.isUnknownAccount) throw thrown;
        this.#tools.notice("warning", `${this.settings.name} does not know our account any more: another one is made`);
        this.#account = undefined;
        return orderCertificate(await this.#client(true), request, tools);
      }
    });
  }

  /**
   * When it wants a certificate to be renewed.
   * @returns undefined where it does not say such things; rejects with an AcmeProblem
   */
  async renewalInfo({ chain }: Pick<Certificate, "chain">): Promise<RenewalInfo | undefined> {
    const { renewalInfo: place } = await this.#readDirectory();
    const id = renewalId(chain);
    if (place === undefined || id === undefined) return undefined;
    const response = await this.#get(`${place}/${id}`);
    const document = parseJson(response.body);
    const window = isRecord(document) && isRecord(document["suggestedWindow"]) ? document["suggestedWindow"] : {};
    const start = Date.parse(String(window["start"])), end = Date.parse(String(window["end"]));
    const explanation = isRecord(document) ? document["explanationURL"] : undefined;
    return {
      window: Number.isNaN(start) || Number.isNaN(end) ? undefined : { start, end },
      explanation: typeof explanation === "string" ? explanation.replace(/[^\x21-\x7e]/g, "") : undefined,
      retryAfterMs: retryAfter(response.headers, this.#tools.clock.now()),
    };
  }

  /** What `replaces` says of a certificate, where the issuer knows such things. Rejects with an AcmeProblem. */
  async replaces({ chain }: Pick<Certificate, "chain">): Promise<string | undefined> {
    return (await this.#readDirectory()).renewalInfo === undefined ? undefined : renewalId(chain);
  }

  close(): void {
    this.#https?.close();
  }

  /** The profile that an order names; undefined for what the issuer takes then. */
  async #profile(wanted: ProfileSettings | undefined): Promise<string | undefined> {
    if (wanted === undefined) return undefined;
    const { profiles } = await this.#readDirectory();
    if (profiles.includes(wanted.name)) return wanted.name;
    if (!wanted.isRequired) return undefined;
    const { name } = this.settings;
    const known = profiles.length === 0 ? "none" : profiles.join(", ");
    throw problem(`${name} has no profile ${wanted.name} (it has ${known}): choose one of them, or leave require out`);
  }

  async #readDirectory(): Promise<Directory> {
    const now = this.#tools.clock.now();
    if (this.#directory === undefined || Math.abs(now - this.#directory.readAt) > DIRECTORY_AGE_MAX_MS) {
      const document = parseJson((await this.#get(this.settings.uri)).body);
      if (!isRecord(document)) throw problem(`${this.settings.uri} is no directory of an ACME server: correct uri`);
      const { renewalInfo: place, meta } = document;
      const profiles = isRecord(meta) && isRecord(meta["profiles"]) ? Object.keys(meta["profiles"]) : [];
      const renewalInfo = typeof place === "string" && URL.canParse(place) ? place.replace(/\/$/, "") : undefined;
      this.#directory = { readAt: now, renewalInfo, profiles };
    }
    return this.#directory;
  }

  async #get(url: string): Promise<HttpsResponse> {
    const response = await this.#connection().fetch({ url, method: "GET", headers: {}, body: undefined });
    this.#onResponse(url, response);
    throwRefusal(response, this.#tools.clock.now());
    return response;
  }

  /** One for all orders that run; after a failure the next one tries again. */
  #client(forget: boolean): Promise<Client> {
    this.#account ??= this.#makeClient(forget).catch((thrown: unknown) => {
      this.#account = undefined;
      throw thrown;
    });
    return this.#account;
  }

  async #makeClient(forget: boolean): Promise<Client> {
    const { clientWithAccount } = await import("./account.ts");
    const lock = await this.#accountLock();
    try {
      return await clientWithAccount(this.settings, this.#tools, forget);
    } finally {
      lock?.release();
    }
  }

  /** Two processes that begin together shall have one account. */
  async #accountLock(): Promise<Lock | undefined> {
    const { directory, clock, signal } = this.#tools;
    // What cannot be kept cannot be shared.
    if (directory === undefined || !directory.probe("").ok) return undefined;
    for (let waitedMs = 0; waitedMs < ACCOUNT_WAIT_MAX_MS; waitedMs += LOCK_PAUSE_MS) {
      const lock = Lock.take(directory.pathOf("account.lock"), clock);
      if (lock !== undefined) return lock;
      await pause(clock, LOCK_PAUSE_MS, signal);
    }
    throw problem(`${directory.pathOf("account.lock")} is held by another process: look what became of it`);
  }

  #connection(): HttpsClient {
    const { trustedCertificate, verify, name } = this.settings;
    if (this.#https !== undefined) return this.#https;
    let trust: string | undefined;
    try {
      trust = trustedCertificate === undefined ? undefined : readFileSync(trustedCertificate, "utf8");
    } catch (thrown) {
      throw problem(`ssl_trusted_certificate of ${name} cannot be read: ${systemReason(thrown)}`);
    }
    this.#https = new HttpsClient(trust, verify);
    return this.#https;
  }

  async #within<T>(run: () => Promise<T>): Promise<T> {
    const { withTransport } = await import("./acme-library.ts");
    const onResponse = (url: string, response: HttpsResponse): void => this.#onResponse(url, response);
    return withTransport({ https: this.#connection(), now: () => this.#tools.clock.now(), onResponse }, run);
  }

  #onResponse(url: string, { headers }: HttpsResponse): void {
    const { clock, notice } = this.#tools;
    const wait = retryAfter(headers, clock.now());
    this.#retryAfter.delete(url);
    if (wait !== undefined) this.#retryAfter.set(url, wait);
    const [oldest] = this.#retryAfter.keys();
    if (this.#retryAfter.size > URL_COUNT_MAX && oldest !== undefined) this.#retryAfter.delete(oldest);
    const theirs = serverTime(headers);
    if (theirs === undefined) return;
    const isSkewed = Math.abs(theirs - clock.now()) > SKEW_MAX_MS;
    if (isSkewed && !this.#isSkewTold) {
      const here = new Date(clock.now()).toISOString(), there = new Date(theirs).toISOString();
      notice("warning", `the clock of this machine says ${here}, that of ${this.settings.name} ${there}: set it, `
        + "or certificates are renewed at the wrong time");
    }
    this.#isSkewTold = isSkewed;
  }
}

const LOCK_PAUSE_MS = 1000;
