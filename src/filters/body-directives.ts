/** What replaces texts in bodies and puts others around them: ngx_http_sub_module and ngx_http_addition_module. */
import type { Block } from "../config/nginx/block.ts";
import { type ArgumentType, onOff, string, variableText } from "../config/nginx/argument-types.ts";
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type Context, type DefaultedDirectiveRow, type DirectiveRow, many, one, two,
} from "../config/nginx/directive-row.ts";
import { err } from "../std/result.ts";
import type { AdditionSettings, SubstitutionSettings } from "./settings.ts";

const blocks: readonly Context[] = ["http", "server", "location"];
const subModule = "ngx_http_sub_module";
const additionModule = "ngx_http_addition_module";

/** In all these lists, whether it is written or not. */
const html = "text/html";

/** Types as they are compared: HTML and what is written, in lower case. */
export function typesWith(written: readonly string[]): readonly string[] {
  return [html, ...written.map((type) => type.toLowerCase())];
}

const search: ArgumentType<ComplexValue> = {
  label: "string",
  parse: (word, directive) => {
    if (word === "") return err({ nginx: "empty search pattern", expected: "a text" });
    return variableText("string").parse(word, directive);
  },
};

const subFilterRow: DirectiveRow<readonly [search: ComplexValue, replacement: ComplexValue]> = {
  name: "sub_filter",
  contexts: blocks,
  arguments: two(search, variableText("replacement")),
  mayRepeat: true,
  merge: "nearest",
  module: subModule,
  doc: "Replaces a text in bodies; case does not count. The response loses its length, Last-Modified and ETag.",
  example: "sub_filter http://shop.local/ https://shop.example/;",
};

const subFilterOnceRow: DefaultedDirectiveRow<boolean> = {
  name: "sub_filter_once",
  contexts: blocks,
  arguments: one(onOff()),
  default: "on",
  merge: "nearest",
  module: subModule,
  doc: "Replaces each text where it is found first, rather than everywhere.",
  example: "sub_filter_once off;",
};

const subFilterLastModifiedRow: DefaultedDirectiveRow<boolean> = {
  name: "sub_filter_last_modified",
  contexts: blocks,
  arguments: one(onOff()),
  default: "off",
  merge: "nearest",
  module: subModule,
  doc: "Keeps Last-Modified, and the ETag as a weak one.",
  example: "sub_filter_last_modified on;",
};

function typesRow(name: string, module: string, of: string): DefaultedDirectiveRow<readonly string[]> {
  return {
    name,
    contexts: blocks,
    arguments: many(string("mime-type")),
    default: html,
    merge: "nearest",
    module,
    doc: `Media types, besides text/html, whose bodies ${of}; * for all.`,
    example: `${name} text/css application/json;`,
  };
}

const subFilterTypesRow = typesRow("sub_filter_types", subModule, "sub_filter works on");

function additionRow(name: string, where: string): DirectiveRow<string> {
  return {
    name,
    contexts: blocks,
    arguments: one(string("uri")),
    merge: "nearest",
    module: additionModule,
    doc: `Puts the response to a request for this path ${where} the bodies of responses with status 200; "" for none.`,
    example: `${name} /banner.html;`,
  };
}

const addBeforeBodyRow = additionRow("add_before_body", "before");
const addAfterBodyRow = additionRow("add_after_body", "behind");
const additionTypesRow = typesRow("addition_types", additionModule, "something is added to");

export const bodyDirectives: readonly AnyDirectiveRow[] = [
  subFilterRow, subFilterOnceRow, subFilterLastModifiedRow, subFilterTypesRow,
  addBeforeBodyRow, addAfterBodyRow, additionTypesRow,
];

export function substitutionSettings(block: Block): SubstitutionSettings | undefined {
  const pairs = block.all(subFilterRow).map(([text, replacement]) => ({ search: text, replacement }));
  if (pairs.length === 0) return undefined;
  const types = typesWith(block.one(subFilterTypesRow));
  return { pairs, once: block.one(subFilterOnceRow), lastModified: block.one(subFilterLastModifiedRow), types };
}

export function additionSettings(block: Block): AdditionSettings | undefined {
  const before = block.optional(addBeforeBodyRow) ?? "";
  const after = block.optional(addAfterBodyRow) ?? "";
  if (before === "" && after === "") return undefined;
  return { before, after, types: typesWith(block.one(additionTypesRow)) };
}
