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
  if (/^\*?\../.test(name)) {
    const bare = name.startsWith(".");
    return checked(text, { kind: "leading", suffix: name.slice(bare ? 1 : 2), bare });
  }
  if (/.\.\*$/.test(name)) return checked(text, { kind: "trailing", prefix: name.slice(0, -2) });
  return checked(text, { kind: "exact", name });
}

function checked(text: string, name: WildcardName): Result<WildcardName, string> {
  const rest = name.kind === "exact" ? name.name : name.kind === "leading" ? name.suffix : name.prefix;
  // A NUL, a star anywhere else, or an empty label.
  const emptyLabel = rest === "." || rest.includes("..") || (name.kind !== "exact" && /^\.|\.$/.test(rest));
  return emptyLabel || /[\0*]/.test(rest) ? err(`invalid server name or wildcard "${text}"`) : ok(name);
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
