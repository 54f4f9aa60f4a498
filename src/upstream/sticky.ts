/**
 * Which peer a request sticks to, and what tells the client so: nginx's `sticky`. Pure; fields are read and written by
 * whoever has them.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import type { StickySettings } from "./settings.ts";

/** What is known of a request or of a response; a cookie that is missing is empty. */
export interface StickySource {
  readonly cookie: (name: string) => string;
  readonly evaluate: (value: ComplexValue) => string;
}

type StickyCookie = Extract<StickySettings, { kind: "cookie" }>;

/** nginx's `max`: in ten years, before times of 32 bits end. */
const MAX_AGE_S = 315_360_000, MAX_DATE = "Thu, 31-Dec-37 23:55:55 GMT";
/** The last year that nginx writes with two digits. */
const SHORT_YEAR_MAX = 2_037;
const SAME_SITES = ["strict", "lax", "none"];

/** @returns the choice's `sticky`: a peer's id, a route or a session; undefined: the request sticks to nobody */
export function stickyOf(sticky: StickySettings, { cookie, evaluate }: StickySource): string | undefined {
  switch (sticky.kind) {
    case "cookie": return cookie(sticky.name) || undefined;
    case "route": return firstOf(sticky.variables, evaluate);
    case "learn": return firstOf(sticky.lookup, evaluate);
  }
}

/** @returns the session that a response begins or goes on with; undefined if it names none */
export function stickySessionOf(
  sticky: Extract<StickySettings, { kind: "learn" }>, evaluate: StickySource["evaluate"],
): string | undefined {
  return firstOf(sticky.create, evaluate);
}

/** The first that is not empty. */
function firstOf(values: readonly ComplexValue[], evaluate: StickySource["evaluate"]): string | undefined {
  for (const value of values) {
    const text = evaluate(value);
    if (text !== "") return text;
  }
  return undefined;
}

/**
 * The value of Set-Cookie that binds the client to a peer; nginx sends it with every response.
 * @param id the peer's @param nowMs since the epoch
 */
export function stickyCookie(
  sticky: StickyCookie, id: string,
  { evaluate, nowMs }: { readonly evaluate: StickySource["evaluate"]; readonly nowMs: number },
): string {
  let text = `${sticky.name}=${id}`;
  if (sticky.expiresMs === "max") {
    text += `; expires=${MAX_DATE}; max-age=${MAX_AGE_S}`;
  } else if (sticky.expiresMs !== undefined) {
    text += `; expires=${cookieDate(nowMs + sticky.expiresMs)}; max-age=${Math.floor(sticky.expiresMs / 1_000)}`;
  }
  const domain = attributeOf(sticky.domain, evaluate);
  if (domain !== "") text += `; domain=${domain}`;
  const path = attributeOf(sticky.path, evaluate);
  if (path !== "") text += `; path=${path}`;
  if (sticky.secure) text += "; secure";
  if (sticky.httpOnly) text += "; httponly";
  const sameSite = attributeOf(sticky.sameSite, evaluate).toLowerCase();
  // nginx: what is not one of the three is the strictest of them.
  if (sameSite !== "") text += `; samesite=${SAME_SITES.includes(sameSite) ? sameSite : "strict"}`;
  return text;
}

/** A value that would end its attribute or its field is none: a client may have chosen it (RFC 6265 §4.1.1). */
function attributeOf(value: ComplexValue | undefined, evaluate: StickySource["evaluate"]): string {
  const text = value === undefined ? "" : evaluate(value);
  return /[;\u0000-\u001f\u007f]/.test(text) ? "" : text;
}

/** Netscape's form, as nginx writes it: "Thu, 31-Dec-37 23:55:55 GMT". */
function cookieDate(ms: number): string {
  const [day, date, month, year = "", time] = new Date(ms).toUTCString().split(" ");
  return `${day} ${date}-${month}-${Number(year) > SHORT_YEAR_MAX ? year : year.slice(-2)} ${time} GMT`;
}
