/** `$invalid_referer`: do requests come from where valid_referers says? (ngx_http_referer_module) */
import { NameTable, Regex, type ServerName } from "../route/index.ts";
import type { RefererSettings } from "./settings.ts";

/** A shorter URL names no host: nginx takes it for what `blocked` is about. */
const URL_LENGTH_MIN = "http://i.ru".length;
/** Longest host that is looked for, as in nginx. */
const HOST_LENGTH_MAX = 256;

export class RefererCheck {
  readonly #settings: RefererSettings;
  /** What the path must begin with. */
  readonly #names = new NameTable<string>();
  readonly #hosts: readonly Regex[];
  readonly #patterns: readonly Regex[];

  /** @param serverNames of the server that the block is in */
  constructor(settings: RefererSettings, serverNames: readonly ServerName[]) {
    this.#settings = settings;
    for (const { name, path } of settings.names) this.#names.add(name, path);
    const own = settings.serverNames ? serverNames : [];
    for (const name of own) if (name.kind !== "regex") this.#names.add(name, "");
    this.#hosts = own.flatMap((name) => (name.kind === "regex" ? [new Regex(name.pattern)] : []));
    this.#patterns = settings.patterns.map((pattern) => new Regex(pattern));
  }

  /** The variable's value. @param referer the request's Referer, one character a byte */
  invalid(referer: string | undefined): "" | "1" {
    const { none, blocked } = this.#settings;
    if (referer === undefined) return none ? "" : "1";
    const scheme = referer.length < URL_LENGTH_MIN ? undefined : /^https?:\/\//i.exec(referer)?.[0];
    if (scheme === undefined) return blocked ? "" : "1";
    return this.#isValid(referer.slice(scheme.length)) ? "" : "1";
  }

  #isValid(url: string): boolean {
    const [, host = "", rest = ""] = /^([^/:]*)(.*)$/s.exec(url) ?? [];
    if (host.length > HOST_LENGTH_MAX) return false;
    const name = host.toLowerCase();
    const path = this.#names.find(name);
    if (path !== undefined) return path === "" || pathOf(rest).startsWith(path);
    return this.#hosts.some((regex) => regex.exec(name) !== undefined) ||
      this.#patterns.some((regex) => regex.exec(url) !== undefined);
  }
}

/** Behind the port. */
function pathOf(rest: string): string {
  const slash = rest.indexOf("/");
  return slash < 0 ? "" : rest.slice(slash);
}
