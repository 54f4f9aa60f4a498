/** The first line of a request (RFC 9112 §3). */
import { fromLatin1 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { METHOD, REQUEST_TARGET } from "../../http/characters.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { isHost } from "./field-parser.ts";
import { violation } from "./violation.ts";
import type { Violation } from "./violation.ts";

const CR = 13, LF = 10, SP = 32;
/** "HTTP/1." in bytes; RFC 9112 §2.3: the name is case-sensitive. */
const VERSION_PREFIX = [0x48, 0x54, 0x54, 0x50, 0x2f];
/** Longest method (RFC 9110 has none above 7; WebDAV's longest is 17; gunicorn: 20). */
const METHOD_SIZE_MAX = 32;

export interface RequestLine
  extends Pick<RequestHead, "method" | "target" | "path" | "query" | "authority" | "minorVersion"> {
  /** Where the fields start: behind the line's CRLF. */
  readonly end: number;
}

/** Reads `method SP request-target SP HTTP-version CRLF` from `start`; "need-data" while it is not all there. */
export function parseRequestLine(
  bytes: Bytes, start: number, end: number, sizeMax: number,
): RequestLine | Violation | "need-data" {
  let at = start;
  while (at < end && METHOD[bytes[at] ?? 0] === 1) at++;
  if (at - start > METHOD_SIZE_MAX) return violation("method");
  if (at >= end) return "need-data";
  if (bytes[at] !== SP || at === start) return violation(at === start ? "request_line" : "method");
  const method = methodName(bytes, start, at);
  const targetStart = ++at;
  let queryStart = -1;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (REQUEST_TARGET[byte] === 0) break;
    if (byte === 0x3f /* ? */ && queryStart < 0) queryStart = at;
  }
  if (at - start > sizeMax) return violation("request_line_size", 414);
  if (at >= end) return "need-data";
  if (bytes[at] !== SP || at === targetStart) return violation(bytes[at] === SP ? "request_line" : "request_target");
  const targetEnd = at++;
  for (let i = 0; i < VERSION_PREFIX.length; i++) {
    if (at + i >= end) return "need-data";
    if (bytes[at + i] !== VERSION_PREFIX[i]) return violation("version");
  }
  at += VERSION_PREFIX.length;
  if (at + 3 > end) return versionSoFar(bytes, at, end);
  const major = (bytes[at] ?? 0) - 48, minor = (bytes[at + 2] ?? 0) - 48;
  if (major < 0 || major > 9 || bytes[at + 1] !== 0x2e || minor < 0 || minor > 9) return violation("version");
  if (major !== 1) return violation("version", 505);
  at += 3;
  if (at >= end) return "need-data";
  if (bytes[at] !== CR) return violation(bytes[at] === LF ? "bare_lf" : "version");
  if (at + 1 >= end) return "need-data";
  if (bytes[at + 1] !== LF) return violation("bare_cr");
  if (at + 2 - start > sizeMax) return violation("request_line_size", 414);
  const target = bytes.latin1Slice(targetStart, targetEnd);
  const minorVersion = minor === 0 ? 0 : 1;
  if (target.charCodeAt(0) === 0x2f /* / */) {
    const path = queryStart < 0 ? target : target.slice(0, queryStart - targetStart);
    const query = queryStart < 0 ? "" : target.slice(queryStart - targetStart + 1);
    return { method, target, path, query, authority: undefined, minorVersion, end: at + 2 };
  }
  return otherForm(method, target, minorVersion, at + 2);
}

function versionSoFar(bytes: Bytes, at: number, end: number): Violation | "need-data" {
  for (; at < end; at++) if (bytes[at] === CR || bytes[at] === LF) return violation("version");
  return "need-data";
}

/** RFC 9112 §3.2.2 absolute-form and §3.2.4 asterisk-form; authority-form belongs to CONNECT, which we do not serve. */
function otherForm(method: string, target: string, minorVersion: number, end: number): RequestLine | Violation {
  if (target === "*") {
    if (method !== "OPTIONS") return violation("request_target");
    return { method, target, path: "*", query: "", authority: undefined, minorVersion, end };
  }
  const absolute = /^https?:\/\/([^/?]*)([^?]*)(?:\?(.*))?$/i.exec(target);
  if (absolute === null) return violation("request_target");
  const [, authority = "", path = "", query = ""] = absolute;
  if (!isHost(fromLatin1(authority), 0, authority.length)) return violation("request_target");
  // RFC 9112 §3.2.1: an empty path is sent as "/"; for OPTIONS it means "*" (§3.2.4).
  const effective = path !== "" ? path : method === "OPTIONS" && query === "" ? "*" : "/";
  return { method, target, path: effective, query, authority, minorVersion, end };
}

/** The method as text; the common ones without making a new string. */
function methodName(bytes: Bytes, start: number, end: number): string {
  const first = bytes[start];
  if (end - start === 3) {
    if (first === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return "GET";
    if (first === 0x50 && bytes[start + 1] === 0x55 && bytes[start + 2] === 0x54) return "PUT";
  } else if (end - start === 4 && first === 0x50 && bytes[start + 1] === 0x4f) {
    if (bytes[start + 2] === 0x53 && bytes[start + 3] === 0x54) return "POST";
  }
  return bytes.latin1Slice(start, end);
}
