/**
 * Names that are not in the configuration and get a certificate when somebody asks for them: only if a URL of the
 * operator's allows it, because anybody can send any name in a handshake. Everything about it is bounded: questions and
 * orders per minute, names at once, and what was refused is remembered.
 */
import { type ClientRequest, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { SOFTWARE } from "../std/version.ts";
import type { Clock } from "./clock.ts";
import { checkName } from "./names.ts";
import type { OnDemandSettings } from "./settings.ts";

/** Why a name gets none, and for how long that is said without asking. */
export interface Refused {
  readonly forMs: number;
  /** For the log; undefined where it was told before. */
  readonly why: string | undefined;
}

const ASK_TIMEOUT_MS = 10_000;
/** What the URL has refused, and what has no name's form. */
const REFUSED_MS = 10 * 60_000;
/** The URL gave no answer, or there were too many questions: it may be otherwise soon. */
const BUSY_MS = 10_000;
/** Names that are remembered as refused; then the oldest is forgotten, and asked for again. */
const REMEMBERED_MAX = 10_000;
const MINUTE_MS = 60_000;

export class OnDemand {
  readonly settings: OnDemandSettings;
  readonly #clock: Clock;
  readonly #isPublic: boolean;
  readonly #refusedUntil = new Map<string, number>();
  readonly #asks: RecentCount;
  readonly #orders: RecentCount;

  /** @param isPublic of all its issuers: then names of private networks are refused */
  constructor(settings: OnDemandSettings, { clock, isPublic }: { readonly clock: Clock; readonly isPublic: boolean }) {
    this.settings = settings;
    this.#clock = clock;
    this.#isPublic = isPublic;
    this.#asks = new RecentCount(settings.asksPerMinute, clock);
    this.#orders = new RecentCount(settings.ordersPerMinute, clock);
  }

  /** May this name have a certificate? @returns it as certificates have it, or why not */
  async admit(written: string): Promise<{ readonly name: string } | Refused> {
    const leftMs = (this.#refusedUntil.get(written) ?? 0) - this.#clock.now();
    if (leftMs > 0 && leftMs <= REFUSED_MS) return { forMs: leftMs, why: undefined };
    const checked = checkName(written, this.#isPublic);
    if (!checked.ok) return this.#refuse(written, REFUSED_MS, `${shown(written)} ${checked.error}`);
    if (!this.#asks.take()) {
      const { asksPerMinute } = this.settings;
      const why = `more than ${asksPerMinute} unknown names in a minute: ${shown(written)} was not asked for; `
        + "asks= is the bound";
      return { forMs: BUSY_MS, why };
    }
    const name = checked.value;
    const answer = await this.#ask(name);
    if (answer === "allowed") return { name };
    if (answer === "refused") return this.#refuse(written, REFUSED_MS, `${this.settings.ask} does not allow ${name}`);
    return this.#refuse(written, BUSY_MS, `${this.settings.ask} cannot be asked for ${name} (${answer.problem}): `
      + "it must answer 200 to allow a name");
  }

  /** May an order be made now? Counts it. */
  takeOrder(): Refused | undefined {
    if (this.#orders.take()) return undefined;
    return { forMs: BUSY_MS, why: `more than ${this.settings.ordersPerMinute} orders on demand in a minute: `
      + "orders= is the bound" };
  }

  /** Is a name that has a certificate still allowed? Where no answer comes it is. */
  async stillAllows(name: string): Promise<boolean> {
    return await this.#ask(name) !== "refused";
  }

  #refuse(written: string, forMs: number, why: string): Refused {
    this.#refusedUntil.delete(written);
    this.#refusedUntil.set(written, this.#clock.now() + forMs);
    const [oldest] = this.#refusedUntil.keys();
    if (this.#refusedUntil.size > REMEMBERED_MAX && oldest !== undefined) this.#refusedUntil.delete(oldest);
    return { forMs, why };
  }

  /** Redirects are not followed: 200 allows, whatever else the server says does not. */
  #ask(name: string): Promise<"allowed" | "refused" | { readonly problem: string }> {
    const url = new URL(this.settings.ask);
    url.searchParams.set("domain", name);
    return new Promise((resolve) => {
      const options = { signal: AbortSignal.timeout(ASK_TIMEOUT_MS), headers: { "User-Agent": SOFTWARE } };
      const sent: ClientRequest = url.protocol === "https:" ? requestHttps(url, options) : requestHttp(url, options);
      sent.on("response", (response) => {
        const { statusCode = 0 } = response;
        response.destroy();
        // What is broken says neither yes nor no.
        if (statusCode >= 500) resolve({ problem: `it answers with status ${statusCode}` });
        else resolve(statusCode === 200 ? "allowed" : "refused");
      });
      sent.on("error", (problem) => resolve({ problem: problem.message }));
      sent.end();
    });
  }
}

/** Counts what happened within the last minute, up to a bound. */
class RecentCount {
  readonly #max: number;
  readonly #clock: Clock;
  #times: number[] = [];

  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  /** @returns false if there were as many already */
  take(): boolean {
    const now = this.#clock.now();
    this.#times = this.#times.filter((time) => time <= now && now - time < MINUTE_MS);
    if (this.#times.length >= this.#max) return false;
    this.#times.push(now);
    return true;
  }
}

/** A name that a stranger sent, for a log. */
function shown(name: string): string {
  return name.replace(/[^\x21-\x7e]/g, "?").slice(0, 100);
}
