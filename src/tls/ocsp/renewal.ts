/** When a responder is asked again: numbers in, numbers out. All times are milliseconds since 1970. */
import type { CertificateStatus } from "./messages.ts";

/** Between two questions about one certificate, whatever the responder says of its answer's life. */
export const RENEW_MIN_MS = 60_000;
/** An answer that is good for a year is renewed nonetheless: it may be revoked tomorrow. CAs' are good for a week. */
export const RENEW_MAX_MS = 604_800_000;
/** Without nextUpdate, as nginx does: asked for every hour … */
export const RENEW_UNTOLD_MS = 3_600_000;
/** … and stapled for a day, should nobody answer any more. */
export const KEEP_UNTOLD_MS = 86_400_000;
/** After a failure, doubled with each further one. nginx: 300 s. */
export const RETRY_MIN_MS = 60_000;
export const RETRY_MAX_MS = 3_600_000;

/** @returns until when a response that came now may be stapled */
export function stapledUntilMs({ nextUpdateMs }: CertificateStatus, nowMs: number): number {
  return nextUpdateMs ?? nowMs + KEEP_UNTOLD_MS;
}

/**
 * After an answer: at half of its life. Responders hand out the same answer for most of its life, so one that came in
 * its second half is asked for again at half of what is left.
 */
export function renewAtMs({ thisUpdateMs, nextUpdateMs }: CertificateStatus, nowMs: number): number {
  if (nextUpdateMs === undefined) return nowMs + RENEW_UNTOLD_MS;
  const half = (thisUpdateMs + nextUpdateMs) / 2;
  const dueMs = half > nowMs ? half : (nowMs + nextUpdateMs) / 2;
  return Math.min(Math.max(dueMs, nowMs + RENEW_MIN_MS), nowMs + RENEW_MAX_MS);
}

/** @param failures in a row, at least 1 */
export function retryAtMs(failures: number, nowMs: number): number {
  return nowMs + Math.min(RETRY_MIN_MS * 2 ** (failures - 1), RETRY_MAX_MS);
}
