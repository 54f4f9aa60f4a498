/**
 * Paths of request targets as nginx reads them: decoded once, slashes merged, dot segments resolved. What location
 * matching, files and `$uri` see is this one text; nobody decodes a second time.
 *
 * Texts are bytes, one character each: %C3%A9 becomes two characters, an over-long %C0%AE stays the two bytes it is.
 *
 * Invariant: a normalised path begins with "/", has no segment "." or "..", and no NUL.
 */

/** A request target, taken apart. */
export interface RequestUri {
  /** `$uri`: decoded and normalised. */
  readonly path: string;
  /** `$args`: after the first "?", as received; "" without. */
  readonly args: string;
  /** Had the target escapes or "+"? Groups of such paths are escaped again in redirects (rewrite.ts). */
  readonly quoted: boolean;
}

const SLASH = 0x2f, PERCENT = 0x25, QUESTION = 0x3f;

/** Something to decode, merge, resolve or refuse; most paths have none. */
const notPlain = /[%\x00-\x20\x7f]|\/[/.]/;

/**
 * Takes an origin-form request target apart (RFC 9112 §3.2.1); of an absolute-form, what follows the authority.
 * @param target begins with "/"
 * @returns undefined for what nginx answers with 400: bad escapes, NUL and other controls, ".." above the root
 */
export function parseRequestUri(target: string, mergeSlashes: boolean): RequestUri | undefined {
  if (target.charCodeAt(0) !== SLASH) return undefined;
  // Everything behind a fragment is dropped, as nginx drops it; HTTP knows none in a target.
  const hash = target.indexOf("#");
  const whole = hash < 0 ? target : target.slice(0, hash);
  const question = whole.indexOf("?");
  const raw = question < 0 ? whole : whole.slice(0, question);
  const path = notPlain.test(raw) ? normalizePath(raw, mergeSlashes) : raw;
  if (path === undefined) return undefined;
  const args = question < 0 ? "" : whole.slice(question + 1);
  if (args !== "" && hasControls(args)) return undefined;
  return { path, args, quoted: raw.includes("%") || raw.includes("+") };
}

function hasControls(text: string): boolean {
  return /[\x00-\x20\x7f]/.test(text);
}

/**
 * Decodes and normalises a path without query.
 * @returns undefined when it is none
 */
export function normalizePath(raw: string, mergeSlashes: boolean): string | undefined {
  if (raw.charCodeAt(0) !== SLASH || hasControls(raw)) return undefined;
  const decoded = decode(raw);
  return decoded === undefined ? undefined : resolveSegments(decoded, mergeSlashes);
}

/** Decodes every escape, once: an encoded slash or dot counts as one from here on, as in nginx. */
function decode(raw: string): string | undefined {
  let escape = raw.indexOf("%");
  if (escape < 0) return raw;
  let text = "";
  let start = 0;
  while (escape >= 0) {
    const byte = hexByte(raw, escape + 1);
    // A NUL would end the file's name for the operating system, and the rules' view of it not.
    if (byte <= 0) return undefined;
    text += raw.slice(start, escape) + String.fromCharCode(byte);
    start = escape + 3;
    escape = raw.indexOf("%", start);
  }
  return text + raw.slice(start);
}

/** The value of two hexadecimal digits, -1 when they are not there. */
function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * RFC 3986 §5.2.4, where ".." takes away one segment, be it empty: without merging, /a//../b is /a/b.
 * Deviates: above the root there is nothing (400), where the RFC stays at the root; nginx does so too.
 */
function resolveSegments(path: string, mergeSlashes: boolean): string | undefined {
  const segments: string[] = [];
  // The part before the first slash is empty.
  const parts = path.split("/");
  for (let index = 1; index < parts.length; index++) {
    const part = parts[index] ?? "";
    const last = index === parts.length - 1;
    if (part === "..") {
      if (segments.pop() === undefined) return undefined;
    } else if (part !== "." && (part !== "" || !mergeSlashes)) {
      segments.push(part);
      continue;
    }
    // What is resolved away at the end leaves the slash before it.
    if (last) segments.push("");
  }
  return `/${segments.join("/")}`;
}

/**
 * Reads a URI that somebody else made for us: `X-Accel-Redirect`, a subrequest's. Decoded if it has escapes, and
 * refused where it has a ".." segment, before or after decoding, or a NUL.
 */
export function parseInternalUri(text: string): Omit<RequestUri, "quoted"> | undefined {
  const question = text.indexOf("?");
  const raw = question < 0 ? text : text.slice(0, question);
  const args = question < 0 ? "" : text.slice(question + 1);
  if (raw === "" || hasParentSegment(raw)) return undefined;
  const path = raw.includes("%") ? unescapePath(raw) : raw;
  if (path.includes("\0") || hasParentSegment(path)) return undefined;
  return { path, args };
}

/** Decodes what is an escape and leaves the rest. */
export function unescapePath(raw: string): string {
  return raw.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function hasParentSegment(path: string): boolean {
  return /(?:^|\/)\.\.(?:\/|$)/.test(path);
}

/** "/path?args" of a rewritten or redirected URI, at its first "?". */
export function splitArgs(uri: string): Omit<RequestUri, "quoted"> {
  const question = uri.indexOf("?");
  return question < 0 ? { path: uri, args: "" } : { path: uri.slice(0, question), args: uri.slice(question + 1) };
}

/** Which bytes are escaped, by what the text becomes; nginx's four tables. */
export type EscapeKind = "uri" | "args" | "component" | "html";

const always = "\\x00-\\x20\"\\x7f-\\xff";
const unsafe: Readonly<Record<EscapeKind, RegExp>> = {
  // A path: what would end it, what would be decoded, and what RFC 3986 has in no path.
  uri: new RegExp(`[${always}#%?<>\\\\^\`{|}]`, "g"),
  // Within arguments: also what would begin the next one, or be a space there.
  args: new RegExp(`[${always}#%?<>\\\\^\`{|}&+;]`, "g"),
  // RFC 3986 §2.3: all but what is unreserved.
  component: /[^A-Za-z0-9\-._~]/g,
  // A Location that is made of a path and sent as it is.
  html: new RegExp(`[${always}#%']`, "g"),
};

/** Escapes a text of bytes so that it can stand where `kind` says. */
export function escapeUri(text: string, kind: EscapeKind): string {
  return text.replace(unsafe[kind], escapeByte);
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/**
 * The path of a redirect that was put together of escaped groups: escapes of what may stand in a path are undone, up to
 * the first "?".
 */
export function unescapeRedirect(text: string): string {
  let done = "";
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUESTION) return done + text.slice(at);
    const byte = code === PERCENT ? hexByte(text, at + 1) : -1;
    if (byte < 0) {
      done += text.charAt(at);
      continue;
    }
    at += 2;
    if (byte === QUESTION) return `${done}?${text.slice(at + 1)}`;
    done += byte > PERCENT && byte < 0x7f ? String.fromCharCode(byte) : text.slice(at - 2, at + 1);
  }
  return done;
}
