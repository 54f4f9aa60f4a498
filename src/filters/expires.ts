/** `expires`: until when a response is fresh (ngx_http_headers_module). */
import { parseTimeText } from "../config/nginx/units.ts";
import { formatHttpDate } from "../http/date.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { ExpiresSettings } from "./settings.ts";

const DAY_S = 86_400;

/** What `max` means: ten years, and the last date that fits into 31 bits, nearly. */
const MAX_AGE_S = 10 * 365 * DAY_S;
const MAX_DATE = "Thu, 31 Dec 2037 23:55:55 GMT";
const EPOCH_DATE = "Thu, 01 Jan 1970 00:00:01 GMT";

/** A text of `expires`, behind `modified` if that is written. @returns what is wrong with it as nginx says it */
export function parseExpires(text: string, modified: boolean): Result<ExpiresSettings, string> {
  if (!modified && (text === "epoch" || text === "max" || text === "off")) return ok({ kind: text });
  if (text.startsWith("@")) {
    if (modified) return err('daily time cannot be used with "modified" parameter');
    const second = secondsOf(text.slice(1));
    if (second === undefined) return err("invalid value");
    return second > DAY_S ? err("daily time value must be less than 24 hours") : ok({ kind: "daily", second });
  }
  const seconds = secondsOf(text.replace(/^[+-]/, ""));
  if (seconds === undefined) return err("invalid value");
  return ok({ kind: "after", modified, seconds: text.startsWith("-") ? -seconds : seconds });
}

function secondsOf(text: string): number | undefined {
  const ms = parseTimeText(text, "seconds");
  return ms === undefined ? undefined : ms / 1000;
}

/** Values of the two fields. */
export interface Freshness {
  readonly expires: string;
  readonly cacheControl: string;
}

/**
 * @param nowS seconds since the epoch; whole ones
 * @param lastModifiedS of the response, if it has one
 * @returns undefined where the fields stay as they are
 */
export function freshness(
  settings: Exclude<ExpiresSettings, { readonly kind: "variable" }>, nowS: number, lastModifiedS: number | undefined,
): Freshness | undefined {
  switch (settings.kind) {
    case "off": return undefined;
    case "epoch": return { expires: EPOCH_DATE, cacheControl: "no-cache" };
    case "max": return { expires: MAX_DATE, cacheControl: `max-age=${MAX_AGE_S}` };
    case "daily": return at(nextSecondOfDay(nowS, settings.second), nowS, false);
    case "after": {
      const { modified, seconds } = settings;
      // nginx: without a time, now, whatever "modified" says.
      const from = modified && seconds !== 0 ? (lastModifiedS ?? nowS) : nowS;
      return at(from + seconds, nowS, seconds < 0);
    }
  }
}

function at(expiresS: number, nowS: number, isPast: boolean): Freshness {
  const age = expiresS - nowS;
  return { expires: formatHttpDate(expiresS), cacheControl: isPast || age < 0 ? "no-cache" : `max-age=${age}` };
}

/** The next moment at which local clocks show this second of the day; never this very moment. */
function nextSecondOfDay(nowS: number, second: number): number {
  const now = new Date(nowS * 1000);
  const inDays = (days: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 0, 0, second).getTime() / 1000;
  const today = inDays(0);
  return today > nowS ? today : inDays(1);
}
