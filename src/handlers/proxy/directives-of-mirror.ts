/** mirror: copies of requests, whose responses nobody reads (ngx_http_mirror_module). */
import { onOff, string } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, one } from
  "../../config/nginx/directive-row.ts";
import { everywhere } from "./directives-family.ts";
import type { MirrorSettings } from "./settings.ts";

const common = { module: "ngx_http_mirror_module", merge: "nearest", contexts: everywhere } as const;

export const mirrorRow: DirectiveRow<string> = {
  ...common,
  name: "mirror",
  arguments: one(string("uri | off")),
  mayRepeat: true,
  doc: "A path that each request is sent to as well; what comes back is thrown away.",
  example: "mirror /mirror;",
};

const requestBodyRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "mirror_request_body",
  arguments: one(onOff()),
  default: "on",
  doc: "Copies have the request's body, which is read before the request is handled.",
  example: "mirror_request_body off;",
};

/** What mirrorSettings() depends on. */
export const mirrorRows: readonly AnyDirectiveRow[] = [mirrorRow, requestBodyRow];

/** What is in force in a block. */
export function mirrorSettings(block: Block): MirrorSettings {
  return { uris: block.all(mirrorRow).filter((uri) => uri !== "off"), requestBody: block.one(requestBodyRow) };
}
