/** The Content-Type of a file by its name: `types`, `default_type`. */
import { usualTypes } from "./mime-types.ts";

export interface ContentTypeSettings {
  /** undefined: the usual ones. */
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly defaultType: string;
}

export class ContentTypes {
  /** A Map: extensions are chosen by clients, and `__proto__` may be one. */
  readonly #types: ReadonlyMap<string, string>;
  readonly #defaultType: string;

  constructor({ types, defaultType }: ContentTypeSettings) {
    this.#types = tableOf(types);
    this.#defaultType = defaultType;
  }

  /** @param path of the file or the request. @returns undefined when it has none */
  of(path: string): string | undefined {
    const type = this.#types.get(extensionOf(path));
    if (type !== undefined) return type;
    return this.#defaultType === "" ? undefined : this.#defaultType;
  }
}

/** Stands for the usual types. */
const USUAL = {};

/** Tables that were made: locations share what they say of types. */
const tables = new WeakMap<object, ReadonlyMap<string, string>>();

function tableOf(types: Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  const known = tables.get(types ?? USUAL);
  if (known !== undefined) return known;
  const table = new Map(Object.entries(types ?? usualTypes()));
  tables.set(types ?? USUAL, table);
  return table;
}

/** What follows the last dot of the last segment, in lower case; a name that begins with its only dot has none. */
export function extensionOf(path: string): string {
  const dot = path.lastIndexOf(".");
  // "/.profile" has no extension in nginx, "/a/.b.c" has "c".
  if (dot <= 0 || path.charCodeAt(dot - 1) === 0x2f || path.includes("/", dot)) return "";
  return path.slice(dot + 1).toLowerCase();
}
