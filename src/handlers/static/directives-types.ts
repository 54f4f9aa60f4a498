/** `types`: media types by extension, several blocks of which add up. */
import type { Block, CheckedDirective } from "../../config/nginx/block.ts";
import { type AnyDirectiveRow, none } from "../../config/nginx/directive-row.ts";
import { byteText } from "../../route/index.ts";
import { fieldText } from "./directives-arguments.ts";

export const typesRow: AnyDirectiveRow = {
  name: "types",
  module: "ngx_http_core_module",
  contexts: ["http", "server", "location"],
  arguments: none(),
  content: {
    kind: "entries",
    check: ([type = ""]) => {
      const known = fieldText("mime-type").parse(type, "types");
      return known.ok ? known : { ok: false, error: { ...known.error, index: 0 } };
    },
  },
  mayRepeat: true,
  merge: "nearest",
  doc: "Media types of files by the extensions of their names. Where none is written, Tricorn knows the usual ones.",
  example: "types { text/html html htm; image/png png; }",
};

/** What contentTypes() depends on. */
export const typesRows: readonly AnyDirectiveRow[] = [typesRow];

/**
 * The media types in force in a block, by extension in lower case; undefined: the usual ones. Deviates: where nothing
 * is written nginx knows html, gif and jpg.
 */
export function contentTypes(block: Block): Readonly<Record<string, string>> | undefined {
  for (let at: Block | undefined = block; at !== undefined; at = at.parent) {
    const written = at.own(typesRow);
    if (written.length > 0) return writtenTypes(written);
  }
  return undefined;
}

/** Of an extension that is written twice the last type counts. */
function writtenTypes(written: readonly CheckedDirective[]): Readonly<Record<string, string>> {
  const types = new Map<string, string>();
  for (const { name, args } of written.flatMap(({ entries }) => entries ?? [])) {
    const type = byteText(name.value);
    for (const { value } of args) types.set(byteText(value).toLowerCase(), type);
  }
  return Object.fromEntries(types);
}
