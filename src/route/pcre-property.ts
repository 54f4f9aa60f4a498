/** \p{…} and \P{…}: bytes by the property of the character that has their number (pcre2pattern, "Unicode …"). */
import { ByteSet } from "./byte-set.ts";
import { PcreError } from "./pcre-syntax.ts";

/**
 * Reads the property whose backslash stands at `at`; undefined when there is none.
 * @throws PcreError for one that is not known
 */
export function readProperty(source: string, at: number): { readonly set: ByteSet; readonly end: number } | undefined {
  const match = /^\\([pP])(?:\{(\^?)([A-Za-z_&]{1,32})\}|([A-Z]))/.exec(source.slice(at, at + 40));
  if (match === null) return undefined;
  const [whole, letter, caret = "", name, single] = match;
  const property = name ?? single ?? "";
  const set = new ByteSet();
  const expression = expressionOf(property);
  if (expression === undefined) throw new PcreError(`the property ${whole} is not known at ${at + 1}`);
  for (let byte = 0; byte < 256; byte++) if (expression.test(String.fromCharCode(byte))) set.addRange(byte, byte);
  const isNegated = (letter === "P") !== (caret === "^");
  return { set: isNegated ? set.negated() : set, end: at + whole.length };
}

/** General categories and scripts, which JavaScript knows by the same names. */
function expressionOf(property: string): RegExp | undefined {
  if (property === "Any") return /[^]/u;
  const name = property === "L&" ? "LC" : property;
  for (const text of [`\\p{${name}}`, `\\p{Script=${name}}`]) {
    try {
      return new RegExp(text, "u");
    } catch {
      // Not one of these: the next.
    }
  }
  return undefined;
}
