/**
 * `sub_filter`: texts of a body replaced while it passes (ngx_http_sub_module).
 *
 * Of all places where a text is found the first counts, and of several texts there the one that is written first. Case
 * does not count for ASCII letters, bytes beyond are themselves. The result does not depend on how the body is cut:
 * what may be the beginning of a text at the end of a part is held back, which is less than the longest text.
 */
import { NO_BYTES, concatBytes, fromLatin1 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { BodyFilter } from "./body-filter.ts";

/** A text to look for. */
export interface Substitute {
  /** Not empty; one character a byte. */
  readonly search: string;
  /** Asked once, when the text is found for the first time. */
  readonly replacement: () => string;
}

interface Active extends Substitute {
  /** With A to Z in lower case. */
  readonly folded: string;
  replaced: string | undefined;
}

interface Place {
  readonly start: number;
  /** Number in the list of those that are looked for. */
  readonly index: number;
}

export class Substitution implements BodyFilter {
  readonly #once: boolean;
  #active: Active[];
  #pattern: RegExp;
  #lengthMax = 0;
  /** The end of the body so far, that may be the beginning of a text. */
  #held = "";

  /** @param substitutes in their order @param once each is replaced once, rather than everywhere */
  constructor(substitutes: readonly Substitute[], once: boolean) {
    this.#once = once;
    this.#active = substitutes.map((substitute) => (
      { ...substitute, folded: foldAscii(substitute.search), replaced: undefined }
    ));
    this.#pattern = this.#compile();
  }

  push(bytes: Bytes): Bytes {
    if (this.#active.length === 0 && this.#held === "") return bytes;
    const text = this.#held + bytes.latin1Slice();
    const out = this.#replace(text, true);
    // Nothing happened, as mostly.
    if (this.#held === "" && out.length === bytes.length && out === text) return bytes;
    return out === "" ? NO_BYTES : fromLatin1(out);
  }

  end(): Bytes {
    const out = this.#replace(this.#held, false);
    return out === "" ? NO_BYTES : fromLatin1(out);
  }

  /** @param more may follow, so that a beginning at the end is held back */
  #replace(text: string, more: boolean): string {
    let out = "";
    let at = 0;
    this.#held = "";
    while (this.#active.length > 0) {
      const found = this.#find(text, at);
      const isFar = found !== undefined && found.start <= text.length - this.#lengthMax;
      const begun = more && !isFar ? this.#beginning(text, at) : undefined;
      if (begun !== undefined && (found === undefined || isBefore(begun, found))) {
        this.#held = text.slice(begun.start);
        return out + text.slice(at, begun.start);
      }
      const active = found && this.#active[found.index];
      if (active === undefined) break;
      active.replaced ??= active.replacement();
      out += text.slice(at, found?.start) + active.replaced;
      at = (found?.start ?? 0) + active.search.length;
      if (this.#once) {
        this.#active = this.#active.filter((other) => other !== active);
        this.#pattern = this.#compile();
      }
    }
    return out + text.slice(at);
  }

  #find(text: string, from: number): Place | undefined {
    this.#pattern.lastIndex = from;
    const match = this.#pattern.exec(text);
    if (match === null) return undefined;
    const folded = foldAscii(match[0]);
    return { start: match.index, index: this.#active.findIndex((active) => active.folded === folded) };
  }

  /** The first place where the text ends in the middle of one that is looked for. */
  #beginning(text: string, from: number): Place | undefined {
    const first = Math.max(from, text.length - this.#lengthMax + 1);
    const tail = foldAscii(text.slice(first));
    for (let offset = 0; offset < tail.length; offset++) {
      const rest = tail.slice(offset);
      const index = this.#active.findIndex(({ folded }) => folded.length > rest.length && folded.startsWith(rest));
      if (index >= 0) return { start: first + offset, index };
    }
    return undefined;
  }

  #compile(): RegExp {
    this.#lengthMax = Math.max(0, ...this.#active.map(({ search }) => search.length));
    return new RegExp(this.#active.map(({ folded }) => caseless(folded)).join("|"), "g");
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.start < b.start || (a.start === b.start && a.index < b.index);
}

/** JavaScript's own lower case would change É, which is two bytes of something here. */
function foldAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** An expression for a folded text: letters in both cases, all else as bytes. */
function caseless(folded: string): string {
  let pattern = "";
  for (const character of folded) {
    if (/[a-z]/.test(character)) pattern += `[${character}${character.toUpperCase()}]`;
    else pattern += `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }
  return pattern;
}

/** Two filters, one behind the other. */
export function chain(first: BodyFilter, second: BodyFilter): BodyFilter {
  return {
    push: (bytes) => second.push(first.push(bytes)),
    end: () => concatBytes([second.push(first.end()), second.end()]),
  };
}
