/**
 * Where something listens or is reached: "127.0.0.1:80", "localhost", "8080", "[::1]:80", "*:80", "unix:/run/app.sock".
 */
import { parseIpAddress } from "../../std/ip-address.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { unixPathSizeMax } from "../arguments.ts";

export type Address =
  /** The host as given, an IPv6 address without its brackets; undefined for a port alone and for "*". */
  | { readonly kind: "tcp"; readonly host: string | undefined; readonly port: number | undefined }
  | { readonly kind: "unix"; readonly path: string };

/** The address in `text`, or nginx's words for what is wrong with it: "invalid port". */
export function parseAddress(text: string): Result<Address, string> {
  if (/^unix:/i.test(text)) return unixAddress(text.slice(5));
  if (text.startsWith("[")) return bracketedAddress(text);
  if (/[\s/?#[\]]/.test(text)) return err("invalid host");
  const colon = text.indexOf(":");
  if (colon === -1 && /^\d+$/.test(text)) return withPort(undefined, text);
  const host = colon === -1 ? text : text.slice(0, colon);
  if (host === "") return err("no host");
  return withPort(host === "*" ? undefined : host, colon === -1 ? undefined : text.slice(colon + 1));
}

/** Where requests can be passed to. */
export type ReachedAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number | undefined }
  | { readonly kind: "unix"; readonly path: string };

/** What a name of a host or of an upstream, or an address, is made of. */
const HOST = /^[-\w.~%+:]+$/;

/** The same for somebody who is asked: there must be a host. Errors: nginx's words, `in upstream "…"` left out. */
export function parseReachedAddress(text: string): Result<ReachedAddress, string> {
  const parsed = parseAddress(text);
  if (!parsed.ok) return parsed;
  if (parsed.value.kind === "unix") return ok(parsed.value);
  const { host, port } = parsed.value;
  return host !== undefined && HOST.test(host) ? ok({ kind: "tcp", host, port }) : err("host not found");
}

/** Is it an IP address, perhaps with a port? */
export function isIpAddress(text: string): boolean {
  if (parseIpAddress(text) !== undefined) return true;
  const parsed = parseAddress(text);
  return parsed.ok && parsed.value.kind === "tcp" && parseIpAddress(parsed.value.host ?? "") !== undefined;
}

function unixAddress(path: string): Result<Address, string> {
  if (path === "") return err("no path in the unix domain socket");
  if (path.length > unixPathSizeMax) return err("too long path in the unix domain socket");
  return ok({ kind: "unix", path });
}

function bracketedAddress(text: string): Result<Address, string> {
  const [, host, after] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
  if (host === undefined) return err("invalid host");
  if (host === "") return err("no host");
  return isIPv6(host) ? withPort(host, after) : err("invalid IPv6 address");
}

/** RFC 4291 §2.2: eight groups, "::" for some of them once, an IPv4 address in place of the last two; a zone behind. */
function isIPv6(text: string): boolean {
  const [before = "", after, third] = text.replace(/%\w+$/, "").split("::");
  if (third !== undefined) return false;
  const groups = [before, after ?? ""].flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const embeds = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(last);
  const count = groups.length + (embeds ? 1 : 0);
  const areDigits = groups.every((group, index) => /^[0-9a-f]{1,4}$/i.test(group) ||
    (embeds && index === groups.length - 1));
  return areDigits && (after === undefined ? count === 8 : count <= 7);
}

function withPort(host: string | undefined, digits: string | undefined): Result<Address, string> {
  if (digits === undefined) return ok({ kind: "tcp", host, port: undefined });
  const port = /^\d+$/.test(digits) ? Number(digits) : 0;
  return port >= 1 && port <= 65_535 ? ok({ kind: "tcp", host, port }) : err("invalid port");
}
