/** Lists of media types, as charset_types, sub_filter_types and addition_types have them. */

export class MediaTypes {
  readonly #types: ReadonlySet<string>;

  /** @param types in lower case; "*" is all */
  constructor(types: readonly string[]) {
    this.#types = new Set(types);
  }

  /** @param contentType value of the field; its parameters do not count */
  has(contentType: string | undefined): boolean {
    if (this.#types.has("*")) return true;
    return contentType !== undefined && this.#types.has(mediaType(contentType));
  }
}

/** "text/html" of "Text/HTML; charset=utf-8" */
export function mediaType(contentType: string): string {
  const end = contentType.search(/[; \t]/);
  return (end < 0 ? contentType : contentType.slice(0, end)).toLowerCase();
}
