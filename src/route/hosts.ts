/**
 * Which server answers? By listening socket and host, in nginx's order: the exact name, the longest name with a leading
 * wildcard, the longest with a trailing one, the first regular expression in the order of the file, the default server.
 *
 * A name asked for as it stands in the configuration, without port and in lower case, costs one look into one Map.
 */
import { HOST, IP_LITERAL, isIpFuture } from "../http/characters.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { Evaluation } from "./evaluation.ts";
import { NameTable, type TakenName, type WildcardName, parseWildcardName } from "./name-table.ts";
import { type Pattern, readPattern } from "./regex.ts";
import type { Matcher, Variables } from "./variables.ts";

/** A word of `server_name`. */
export type ServerName =
  | WildcardName
  /** "~^(?<user>.+)\.example$" */
  | { readonly kind: "regex"; readonly pattern: Pattern };

/** The servers of one listening socket; a server is a number that the caller gives it. */
export interface ListenerServers {
  readonly defaultServer: number;
  /** In the order of the file. */
  readonly servers: readonly { readonly server: number; readonly names: readonly ServerName[] }[];
}

/** Longest host (RFC 1035 §2.3.4 has 253 for a name; nginx and gunicorn have none but the field's). */
const HOST_SIZE_MAX = 255;
const PORT_MAX = 65_535;

/** Reads a word of `server_name`. @returns what is wrong with it as nginx says it */
export function parseServerName(text: string): Result<ServerName, string> {
  if (!text.startsWith("~")) return parseWildcardName(text);
  const source = text.slice(1);
  if (source === "") return err("empty regex in server name \"~\"");
  // Hosts are compared in lower case; nginx ignores case for expressions that have upper-case letters.
  const pattern = readPattern(source, /[A-Z]/.test(source));
  return pattern.ok ? ok({ kind: "regex", pattern: pattern.value }) : pattern;
}

/**
 * The host of a Host field or an authority, as names are compared: without port and last dot, in lower case.
 * @param text as received; "" is the host of a request without one
 * @returns undefined when it is no host (RFC 3986 §3.2.2): a 400
 */
export function normalizeHost(text: string): string | undefined {
  const literal = text.charCodeAt(0) === 0x5b; /* [ */
  const end = literal ? text.indexOf("]") + 1 : portStart(text);
  if (end <= 0 || end > HOST_SIZE_MAX || !isPort(text, end)) return undefined;
  if (literal) {
    const isAddress = end > 3 && inTable(text, { from: 1, to: end - 1 }, IP_LITERAL);
    const isLiteral = isAddress || isIpFuture(text.slice(1, end - 1));
    return isLiteral && !text.includes("..") ? text.slice(0, end).toLowerCase() : undefined;
  }
  if (!inTable(text, { from: 0, to: end }, HOST)) return undefined;
  const name = text.slice(0, text.charCodeAt(end - 1) === 0x2e /* . */ ? end - 1 : end);
  return name === "" || name.includes("..") || name.endsWith(".") ? undefined : name.toLowerCase();
}

function portStart(text: string): number {
  const colon = text.indexOf(":");
  return colon < 0 ? text.length : colon;
}

function inTable(
  text: string, { from, to }: { readonly from: number; readonly to: number }, table: Uint8Array,
): boolean {
  for (let at = from; at < to; at++) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** RFC 3986 §3.2.3: a port may be empty. */
function isPort(text: string, at: number): boolean {
  if (at === text.length) return true;
  const digits = text.slice(at + 1);
  return text.charCodeAt(at) === 0x3a /* : */ && /^\d{0,5}$/.test(digits) && Number(digits) <= PORT_MAX;
}

/** The compiled names of one listening socket. */
export class VirtualHosts {
  readonly #default: number;
  readonly #names = new NameTable<number>();
  readonly #regexes: { readonly matcher: Matcher; readonly server: number }[] = [];
  /** Names that an earlier server has: nginx ignores them with a warning. */
  readonly conflicts: { readonly name: string; readonly server: number }[] = [];

  constructor({ defaultServer, servers }: ListenerServers, variables: Variables) {
    this.#default = defaultServer;
    for (const { server, names } of servers) {
      for (const name of names) {
        if (name.kind === "regex") this.#regexes.push({ matcher: variables.matcher(name.pattern), server });
        else for (const taken of this.#names.add(name, server)) this.#note(taken, server);
      }
    }
  }

  /** Does a host always lead to the same server, without groups of an expression? */
  get isSteady(): boolean {
    return this.#regexes.length === 0;
  }

  #note(taken: TakenName<number>, server: number): void {
    if (taken.by !== server) this.conflicts.push({ name: taken.name, server });
  }

  /**
   * @param host as received, with or without port; "" for a request that has none
   * @param evaluation takes the groups of a regular expression that matched
   * @returns the server; undefined when the host is none, which is a 400
   */
  find(host: string, evaluation: Evaluation): number | undefined {
    const exact = this.#names.exact(host);
    if (exact !== undefined) return exact;
    if (host === "") return this.#default;
    const name = normalizeHost(host);
    if (name === undefined) return undefined;
    return this.#names.find(name) ?? this.#byRegex(name, evaluation) ?? this.#default;
  }

  /**
   * The server of a name that no request has said yet (SNI).
   * @param name in lower case, without port
   */
  findName(name: string): number {
    const byRegex = (): number | undefined => this.#regexes.find(({ matcher }) => matcher.test(name))?.server;
    return this.#names.find(name) ?? byRegex() ?? this.#default;
  }

  #byRegex(name: string, evaluation: Evaluation): number | undefined {
    return this.#regexes.find(({ matcher }) => matcher.matches(name, evaluation))?.server;
  }
}
