/** server_tokens: what the Server field says. */
import type { ArgumentType } from "../config/nginx/argument-types.ts";
import { err, ok } from "../std/result.ts";
import { SOFTWARE } from "../std/version.ts";

/** Like Tricorn without its version. */
const PRODUCT = SOFTWARE.slice(0, SOFTWARE.indexOf("/"));

const fields: Readonly<Record<string, string | undefined>> = {
  on: SOFTWARE, build: SOFTWARE, off: PRODUCT, none: undefined, "": undefined,
};

/** The value of the field, undefined for none. nginx's commercial edition takes texts, too, an empty one for none. */
export function serverTokens(): ArgumentType<string | undefined> {
  return {
    label: "on | off | build | none | string",
    parse: (word) => {
      const known = word.toLowerCase();
      if (Object.hasOwn(fields, known)) return ok(fields[known]);
      // RFC 9110 §5.5: field-value without obs-text; a variable would not be replaced.
      if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(word) && !word.includes("$")) return ok(word);
      const expected = "on, off, build, none, or a text of printable ASCII without variables";
      return err({ nginx: `invalid value "${word}"`, expected });
    },
  };
}
