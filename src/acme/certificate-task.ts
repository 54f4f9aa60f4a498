/**
 * One certificate that is to be there: served from the state directory, ordered where it is missing, and renewed. What
 * is there goes on being served whatever fails.
 *
 * `step` is called at `dueAt` and whenever else; it looks at what there is and does what is due, one thing at a time.
 */
import type { LogLevel } from "../config/model.ts";
import { type Certificate, coversAll } from "./certificate.ts";
import { type CertificateFacts, type CertificateStore, NO_FACTS } from "./certificate-store.ts";
import type { Clock } from "./clock.ts";
import type { Issuer } from "./issuer.ts";
import { Lock } from "./lock.ts";
import type { ServedCertificate } from "./messages.ts";
import { type AcmeProblem, asProblem, nextAction } from "./problem.ts";
import { renewalInfoPause, renewalTime, renewalTimeIn, retryPause } from "./renewal.ts";
import type { ChallengeKind, WantedCertificate } from "./settings.ts";
import { dateText, durationText } from "./time-text.ts";

/** An issuer, with what is kept of it. */
export interface IssuerWithStore {
  readonly issuer: Issuer;
  /** undefined: nothing is kept. */
  readonly store: CertificateStore | undefined;
  /** It has asked to be left alone until then, milliseconds since 1970. */
  pausedUntil: number;
}

export interface TaskTools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** From 0 up to 1. */
  readonly chance: () => number;
  readonly serve: (certificate: ServedCertificate) => void;
  readonly notice: (level: LogLevel, text: string) => void;
}

/** Another process is at it: look again soon. */
const LOCKED_PAUSE_MS = 2000;
/** Between two steps, whatever seems due: an issuer is never asked in a circle. */
const STEP_PAUSE_MS = 1000;
const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;
/** A certificate that could not be written is written again. */
const SAVE_PAUSE_MS = HOUR_MS;
/** After an order, however due the next one seems: a twentieth of the lifetime, between these. */
const REST_SHARE = 1 / 20, REST_MIN_MS = MINUTE_MS, REST_MAX_MS = 6 * HOUR_MS;
/** Nothing asks for more: a later moment comes from a calendar that was wrong. */
const RETRY_MAX_MS = 8 * DAY_MS;
/** With less of its lifetime left, what fails is an error and no warning. */
const WORRYING_SHARE = 1 / 4;

export class CertificateTask {
  readonly wanted: WantedCertificate;
  readonly #issuers: readonly IssuerWithStore[];
  readonly #tools: TaskTools;
  #current: Certificate | undefined;
  #holder: IssuerWithStore | undefined;
  #facts: CertificateFacts;
  /** When a certificate that could not be written is written again; undefined: it is. */
  #saveAt: number | undefined;
  /** Looked for where the issuer says nothing. */
  #askAgainAt = 0;
  /** Of this process. */
  #failedAt = 0;
  #quietUntil = 0;

  /** @param issuers those of `wanted`, in order */
  constructor(wanted: WantedCertificate, issuers: readonly IssuerWithStore[], tools: TaskTools) {
    this.wanted = wanted;
    this.#issuers = issuers;
    this.#tools = tools;
    this.#facts = this.#factStore?.loadFacts(wanted) ?? NO_FACTS;
  }

  get hasCertificate(): boolean {
    return this.#current !== undefined;
  }

  /** Takes what is kept, and has it served. @returns false where nothing is kept */
  load(): boolean {
    const now = this.#tools.clock.now();
    const found = this.#issuers.flatMap((holder) => {
      const certificate = holder.store?.load(this.wanted);
      return certificate !== undefined && this.#fits(certificate) ? [{ holder, certificate }] : [];
    });
    const best = found.find(({ certificate }) => certificate.notAfter > now) ?? found[0];
    if (best === undefined) return false;
    this.#take(best.certificate, best.holder, "state");
    return true;
  }

  /** Serves it once more: to an edge that is new. */
  serveAgain(): void {
    if (this.#current !== undefined) this.#serve(this.#current, "state");
  }

  /**
   * Somebody has changed something: what waits after a failure is tried now, unless the issuer wants to be left alone.
   * Whoever reloads every second fails no more than once a minute all the same.
   */
  retryNow(): void {
    if (this.#facts.failures === 0) return;
    this.#facts = { ...this.#facts, retryAt: Math.max(this.#facts.limitedUntil, this.#failedAt + MINUTE_MS) };
  }

  /** When there is something to do, milliseconds since 1970. */
  get dueAt(): number {
    const now = this.#tools.clock.now();
    const retryAt = this.#facts.retryAt - now > RETRY_MAX_MS ? now : this.#facts.retryAt;
    const orderAt = Math.max(this.#current === undefined ? 0 : this.#renewAt(this.#current), retryAt);
    const askAt = this.#current === undefined ? Number.POSITIVE_INFINITY : this.#nextAskAt();
    return Math.max(Math.min(orderAt, this.#saveAt ?? Number.POSITIVE_INFINITY, askAt), this.#quietUntil);
  }

  /** Does what is due. Rejects only with the signal's reason. */
  async step(): Promise<void> {
    if (this.#saveAt !== undefined && this.#saveAt <= this.#tools.clock.now()) this.#save();
    if (this.#current !== undefined && this.#nextAskAt() <= this.#tools.clock.now()) await this.#askForWindow();
    if (this.isDue) await this.#order();
    this.#quietUntil = this.#tools.clock.now() + STEP_PAUSE_MS;
  }

  /** Is an order due? */
  get isDue(): boolean {
    const now = this.#tools.clock.now();
    if (this.#facts.retryAt > now && this.#facts.retryAt - now <= RETRY_MAX_MS) return false;
    return this.#current === undefined || this.#renewAt(this.#current) <= now;
  }

  #renewAt(certificate: Certificate): number {
    const { window } = this.#facts;
    const said = window?.fingerprint === certificate.fingerprint
      ? renewalTimeIn(window, certificate, certificate.chance)
      : undefined;
    return said ?? renewalTime(certificate, certificate.chance);
  }

  #nextAskAt(): number {
    const { window } = this.#facts;
    if (window === undefined || window.fingerprint !== this.#current?.fingerprint) return this.#askAgainAt;
    return window.askAgainAt;
  }

  /** RFC 9773: when would the issuer like it? Where it does not say, two thirds of the lifetime count. */
  async #askForWindow(): Promise<void> {
    const current = this.#current;
    const { clock, notice } = this.#tools;
    if (current === undefined || this.#holder === undefined) return;
    const before = this.#renewAt(current);
    try {
      const info = await this.#holder.issuer.renewalInfo(current);
      const saidMs = info === undefined ? DAY_MS : info.retryAfterMs;
      const askAgainAt = clock.now() + renewalInfoPause(saidMs);
      this.#askAgain(askAgainAt);
      if (info?.window === undefined) return;
      const { fingerprint } = current;
      this.#keepFacts({ ...this.#facts, window: { ...info.window, fingerprint, askAgainAt } });
      if (this.#renewAt(current) > Math.min(before, clock.now()) || before <= clock.now()) return;
      const why = info.explanation === undefined ? "" : ` (${info.explanation})`;
      const { name } = this.#holder.issuer.settings;
      notice("info", `${name} wants the certificate for ${this.#title} to be renewed now${why}`);
    } catch (thrown) {
      if (this.#tools.signal.aborted) throw thrown;
      // What it said before counts, or two thirds; it is asked again.
      this.#askAgain(clock.now() + renewalInfoPause(asProblem(thrown).facts.retryAfterMs || undefined));
      const { name } = this.#holder.issuer.settings;
      notice("debug", `${name} does not say when to renew ${this.#title}: ${asProblem(thrown).message}`);
    }
  }

  #askAgain(at: number): void {
    this.#askAgainAt = at;
    const { window } = this.#facts;
    if (window !== undefined) this.#facts = { ...this.#facts, window: { ...window, askAgainAt: at } };
  }

  async #order(): Promise<void> {
    const { clock, chance, signal } = this.#tools;
    let leastPauseMs = Number.POSITIVE_INFINITY;
    const failures: { readonly name: string; readonly problem: AcmeProblem }[] = [];
    for (const holder of this.#issuers) {
      const waitMs = holder.pausedUntil - clock.now();
      if (waitMs > 0 && waitMs <= RETRY_MAX_MS) {
        leastPauseMs = Math.min(leastPauseMs, waitMs);
        continue;
      }
      const outcome = await this.#orderFrom(holder);
      if (outcome === "done") return;
      if (outcome === "locked") return this.#pauseUntil(clock.now() + LOCKED_PAUSE_MS);
      if (signal.aborted) throw outcome;
      const { retryAfterMs } = outcome.facts;
      leastPauseMs = Math.min(leastPauseMs, retryAfterMs);
      if (retryAfterMs > 0 && outcome.isOfIssuer) holder.pausedUntil = clock.now() + retryAfterMs;
      failures.push({ name: holder.issuer.settings.name, problem: outcome });
    }
    // All are to be left alone: that is nobody's failure.
    if (failures.length === 0) return this.#pauseUntil(clock.now() + leastPauseMs);
    const count = this.#facts.failures + 1;
    const pauseMs = retryPause(count, leastPauseMs, chance());
    const now = clock.now();
    this.#failedAt = now;
    const limitedUntil = leastPauseMs > 0 ? now + pauseMs : 0;
    this.#keepFacts({ ...this.#facts, failures: count, retryAt: now + pauseMs, limitedUntil });
    for (const { name, problem } of failures) this.#tellFailure(name, problem, pauseMs);
  }

  async #orderFrom(holder: IssuerWithStore): Promise<"done" | "locked" | AcmeProblem> {
    const { issuer, store } = holder;
    const { signal, clock } = this.#tools;
    let lock: Lock | undefined;
    try {
      const canKeep = store?.probe();
      if (canKeep?.ok === true && store !== undefined) {
        lock = Lock.take(store.lockPath(this.wanted), clock);
        if (lock === undefined) return "locked";
        if (this.#adopt(holder)) return "done";
      } else if (canKeep?.ok === false && this.#countsNow()) {
        // After a restart it would be ordered again and again: issuers sign for the same names five times a week.
        return asProblem(new Error(canKeep.error));
      }
      const isRenewal = this.#current !== undefined && holder === this.#holder;
      const { names, keyType, profile, challenges } = this.wanted;
      const certificate = await issuer.order({
        names, keyType, profile,
        challenges: rotated(issuer.settings.challenges ?? challenges, this.#facts.failures),
        replaces: isRenewal && this.#current !== undefined ? await issuer.replaces(this.#current) : undefined,
      });
      this.#takeOrdered(certificate, holder);
      return "done";
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return asProblem(thrown);
    } finally {
      lock?.release();
    }
  }

  /** Another process may have renewed it meanwhile. */
  #adopt(holder: IssuerWithStore): boolean {
    const kept = holder.store?.load(this.wanted);
    if (kept === undefined || !this.#fits(kept) || kept.fingerprint === this.#current?.fingerprint) return false;
    if (this.#renewAt(kept) <= this.#tools.clock.now()) return false;
    this.#take(kept, holder, "state");
    this.#keepFacts({ ...this.#facts, failures: 0, retryAt: 0 });
    return true;
  }

  #takeOrdered(certificate: Certificate, holder: IssuerWithStore): void {
    const { clock, notice } = this.#tools;
    const { name } = holder.issuer.settings;
    this.#take(certificate, holder, "issued");
    const now = clock.now();
    const lifetimeMs = certificate.notAfter - certificate.notBefore;
    const restMs = Math.min(Math.max(lifetimeMs * REST_SHARE, REST_MIN_MS), REST_MAX_MS);
    this.#facts = { failures: 0, retryAt: now + restMs, limitedUntil: 0, window: undefined };
    this.#askAgainAt = now + restMs;
    this.#save();
    this.#keepFacts(this.#facts);
    const until = `it counts until ${dateText(certificate.notAfter)}`;
    notice("info", `there is a new certificate for ${this.#title}, from ${name}: ${until}`);
    const isStrange = certificate.notBefore > now || this.#renewAt(certificate) <= now;
    if (isStrange) {
      const span = `from ${dateText(certificate.notBefore)} to ${dateText(certificate.notAfter)}`;
      notice("warning", `by the clock of this machine it is ${dateText(now)}, and the new certificate for `
        + `${this.#title} counts ${span}: set the clock`);
    }
  }

  #save(): void {
    if (this.#current === undefined || this.#holder?.store === undefined) return;
    const saved = this.#holder.store.save(this.wanted, this.#current);
    if (!saved.ok && this.#saveAt === undefined) {
      this.#tools.notice("error", `the new certificate for ${this.#title} is served, but cannot be kept `
        + `(${saved.error}): make room, or a restart orders it again`);
    }
    this.#saveAt = saved.ok ? undefined : this.#tools.clock.now() + SAVE_PAUSE_MS;
  }

  #take(certificate: Certificate, holder: IssuerWithStore, whence: ServedCertificate["whence"]): void {
    this.#current = certificate;
    this.#holder = holder;
    this.#serve(certificate, whence);
  }

  #serve(certificate: Certificate, whence: ServedCertificate["whence"]): void {
    const issuer = this.#holder?.issuer.settings.name ?? "";
    this.#tools.serve(servedCertificate(certificate, { wanted: this.wanted.id, issuer, whence }));
  }

  #fits(certificate: Certificate): boolean {
    return certificate.keyType === this.wanted.keyType && coversAll(certificate, this.wanted.names);
  }

  #countsNow(): boolean {
    return this.#current !== undefined && this.#current.notAfter > this.#tools.clock.now();
  }

  #pauseUntil(moment: number): void {
    this.#facts = { ...this.#facts, retryAt: moment };
  }

  get #factStore(): CertificateStore | undefined {
    return this.#issuers[0]?.store;
  }

  #keepFacts(facts: CertificateFacts): void {
    this.#facts = facts;
    this.#factStore?.saveFacts(this.wanted, facts);
  }

  get #title(): string {
    const [first = "", ...others] = this.wanted.names;
    return others.length === 0 ? first : `${first} and ${others.length} more`;
  }

  #tellFailure(issuer: string, problem: AcmeProblem, pauseMs: number): void {
    const { clock, notice } = this.#tools;
    const action = nextAction(problem);
    const again = `tried again in ${durationText(pauseMs)}`;
    const why = `no certificate for ${this.#title} from ${issuer}: ${problem.message}`;
    const parts = [why, ...(action === undefined ? [] : [action]), again];
    const current = this.#current;
    if (current === undefined) return notice("error", parts.join("; "));
    const leftMs = current.notAfter - clock.now();
    const isWorrying = leftMs < (current.notAfter - current.notBefore) * WORRYING_SHARE;
    const served = leftMs > 0
      ? `the one that is served counts until ${dateText(current.notAfter)}`
      : `the one that is served has ended on ${dateText(current.notAfter)}`;
    notice(isWorrying ? "error" : "warning", [...parts, served].join("; "));
  }
}

/** A certificate for the edges. */
export function servedCertificate(
  { names, keyType, chain, key, notBefore, notAfter }: Certificate,
  of: Pick<ServedCertificate, "wanted" | "issuer" | "whence">,
): ServedCertificate {
  return { ...of, names, keyType, chain, key, notBefore, notAfter };
}

/** After a failure the next kind is first: port 80 may be shut where 443 is open. */
function rotated(challenges: readonly ChallengeKind[], by: number): readonly ChallengeKind[] {
  const at = challenges.length === 0 ? 0 : by % challenges.length;
  return [...challenges.slice(at), ...challenges.slice(0, at)];
}
