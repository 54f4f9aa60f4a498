/** When a certificate is replaced, and when an attempt that failed is made again. Pure. */

/** From when to when a certificate counts, milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A window in which the issuer wants to be asked (RFC 9773 §4.2), milliseconds since 1970. */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/** Of the lifetime: the last moment, and how much earlier it may be, so that not all certificates are due at once. */
const RENEWAL_SHARE = 2 / 3, JITTER_SHARE = 1 / 30;
/** Later than with this much of the lifetime left no issuer's window is believed. */
const LATEST_SHARE = 0.9;

/**
 * At two thirds of the lifetime, or up to a thirtieth of it earlier: 57 to 60 days of 90, 3.8 to 4 of 6.
 * @param chance of the certificate, from 0 up to 1, always the same, so that a restart throws no dice
 */
export function renewalTime({ notBefore, notAfter }: Validity, chance: number): number {
  return notBefore + (notAfter - notBefore) * (RENEWAL_SHARE - JITTER_SHARE * chance);
}

/**
 * The moment in an issuer's window. A window in the past means now (RFC 9773 §4.2).
 * @returns undefined for a window that makes no sense: it ends before it starts
 */
export function renewalTimeIn(window: RenewalWindow, validity: Validity, chance: number): number | undefined {
  const { start, end } = window;
  if (!Number.isFinite(start) || !Number.isFinite(end) || end <= start) return undefined;
  const latest = validity.notBefore + (validity.notAfter - validity.notBefore) * LATEST_SHARE;
  return Math.min(start + (end - start) * chance, latest);
}

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS;

/**
 * After the first failure, the second, …; the last one for all others. Let's Encrypt allows five failed validations of
 * a name in an hour; these are five in the first hour and a half.
 */
const retryPauses: readonly number[] = [
  MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 6 * HOUR_MS,
];
/** More than an issuer's longest limit, which counts weeks, is no answer. */
const RETRY_AFTER_MAX_MS = 7 * 24 * HOUR_MS;

/**
 * How long nothing is tried.
 * @param failures in a row, at least 1
 * @param retryAfterMs what the issuer said (RFC 8555 §6.6); 0: nothing
 * @param chance from 0 up to 1: a tenth more or less
 */
export function retryPause(failures: number, retryAfterMs: number, chance: number): number {
  const index = Math.min(Math.max(failures, 1), retryPauses.length) - 1;
  const own = (retryPauses[index] ?? 0) * (0.9 + 0.2 * chance);
  return Math.max(own, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS));
}

/** RFC 9773 §4.3.2: "a minimum of one minute and a maximum of one day". */
export function renewalInfoPause(retryAfterMs: number | undefined): number {
  return Math.min(Math.max(retryAfterMs ?? 6 * HOUR_MS, MINUTE_MS), 24 * HOUR_MS);
}
