/**
 * Host names with wildcards, and what is found by them: the exact name, else the longest with a leading wildcard, else
 * the longest with a trailing one. `server_name`, `map … hostnames` and `valid_referers` read names so.
 */
import { err, ok, type Result } from "../std/result.ts";

/** Names are in lower case. */
export type WildcardName =
  /** "shop.example", "_", or "" for requests without a host. */
  | { readonly kind: "exact"; readonly name: string }
  /** "*.example.org"; with `bare`, ".example.org": the name itself, too. */
  | { readonly kind: "leading"; readonly suffix: string; readonly bare: boolean }
  /** "mail.*" */
  | { readonly kind: "trailing"; readonly prefix: string };

/** Reads a name. @returns what is wrong with it as nginx says it */
export function parseWildcardName(text: string): Result<WildcardName, string> {
  const name = text.toLowerCase();
  if (/^\*(?:$|[^.]|\.$)|^\.$/.test(name)) return err(`server name "${text}" is invalid`);
  const parsed = wildcardName(name);
  const rest = parsed.kind === "exact" ? parsed.name : parsed.kind === "leading" ? parsed.suffix : parsed.prefix;
  // A NUL, a star anywhere else, or an empty label.
  const wrong = /[\0*]|\.\./.test(rest) || (parsed.kind === "leading" && rest.startsWith(".")) ||
    (parsed.kind === "trailing" && rest.endsWith("."));
  return wrong ? err(`invalid server name or wildcard "${text}"`) : ok(parsed);
}

function wildcardName(name: string): WildcardName {
  if (name.startsWith(".")) return { kind: "leading", suffix: name.slice(1), bare: true };
  if (name.startsWith("*.")) return { kind: "leading", suffix: name.slice(2), bare: false };
  if (name.endsWith(".*")) return { kind: "trailing", prefix: name.slice(0, -2) };
  return { kind: "exact", name };
}

/** A name that could not be added because it is there, and what it leads to. */
export interface TakenName<T> {
  readonly name: string;
  readonly by: T;
}

export class NameTable<T extends {}> {
  readonly #exact = new Map<string, T>();
  readonly #leading = new Map<string, T>();
  readonly #trailing = new Map<string, T>();

  /** Adds a name; the first of equals stays. @returns what stood in the way */
  add(name: WildcardName, value: T): readonly TakenName<T>[] {
    switch (name.kind) {
      case "exact": return put(this.#exact, { key: name.name, name: name.name }, value);
      case "leading": {
        const leading = put(this.#leading, { key: name.suffix, name: `*.${name.suffix}` }, value);
        return name.bare ? [...put(this.#exact, { key: name.suffix, name: name.suffix }, value), ...leading] : leading;
      }
      case "trailing": return put(this.#trailing, { key: name.prefix, name: `${name.prefix}.*` }, value);
    }
  }

  /** By the name as it is, no wildcards. */
  exact(name: string): T | undefined {
    return this.#exact.get(name);
  }

  /** @param name in lower case */
  find(name: string): T | undefined {
    return this.#exact.get(name) ?? this.#byLeading(name) ?? this.#byTrailing(name);
  }

  #byLeading(name: string): T | undefined {
    if (this.#leading.size === 0) return undefined;
    // As in nginx, a star may be nothing: ".example.org", as far as that is a host, is one of "*.example.org".
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const value = this.#leading.get(name.slice(dot + 1));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #byTrailing(name: string): T | undefined {
    if (this.#trailing.size === 0) return undefined;
    for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
      const value = this.#trailing.get(name.slice(0, dot));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function put<T>(
  table: Map<string, T>, { key, name }: { readonly key: string; readonly name: string }, value: T,
): readonly TakenName<T>[] {
  const by = table.get(key);
  if (by !== undefined) return [{ name, by }];
  table.set(key, value);
  return [];
}
