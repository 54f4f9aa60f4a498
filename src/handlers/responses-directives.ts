/** The directives of small responses: `empty_gif` and `stub_status`. */
import type { Arguments, AnyDirectiveRow, DirectiveRow } from "../config/nginx/directive-row.ts";
import { none } from "../config/nginx/directive-row.ts";
import { ok } from "../std/result.ts";

/** Old files say `stub_status on;`, which nginx does not look at. */
const perhapsOne: Arguments<true> = { label: "", countMin: 0, countMax: 1, parse: () => ok(true) };

export const emptyGifRow: DirectiveRow<true> = {
  name: "empty_gif",
  contexts: ["location"],
  arguments: none(),
  merge: "none",
  module: "ngx_http_empty_gif_module",
  doc: "Answers with a transparent picture of one pixel.",
  example: "empty_gif;",
};

export const stubStatusRow: DirectiveRow<true> = {
  name: "stub_status",
  contexts: ["server", "location"],
  arguments: perhapsOne,
  merge: "none",
  module: "ngx_http_stub_status_module",
  doc: "Answers with a few numbers about connections and requests, of all threads together.",
  example: "stub_status;",
};

export const responsesDirectives: readonly AnyDirectiveRow[] = [emptyGifRow, stubStatusRow];
