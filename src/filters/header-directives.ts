/** add_header, add_trailer, expires and their inheritance: ngx_http_headers_module. */
import type { Block } from "../config/nginx/block.ts";
import { choice } from "../config/nginx/argument-types.ts";
import { type ComplexValue, constantOf, parseComplexValue } from "../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type Context, type DefaultedDirectiveRow,
  type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import { parseTimeText } from "../config/nginx/units.ts";
import { isFieldName, isFieldValue } from "../http/characters.ts";
import { byteText } from "../route/index.ts";
import { err, ok, type Result } from "../std/result.ts";
import { parseExpires } from "./expires.ts";
import type { AddedField, ExpiresSettings } from "./settings.ts";

const blocks: readonly Context[] = ["http", "server", "location", "if in location"];
const headersModule = "ngx_http_headers_module";

/** Fields that say where the message ends: a second one would make two messages of one (RFC 9112 §6). */
const framing: readonly string[] = ["content-length", "transfer-encoding"];
/** RFC 9110 §6.5.1: what cannot come behind the content. */
const notTrailers: readonly string[] = [
  ...framing, "content-encoding", "content-range", "content-type", "host", "set-cookie", "te", "trailer",
];

type Inherit = "on" | "off" | "merge";

function fieldArguments(refused: readonly string[], why: string): Arguments<AddedField> {
  return {
    label: "name value [always]",
    countMin: 2,
    countMax: 3,
    parse: ([name = "", text = "", flag]): Result<AddedField, ArgumentRefusal> => {
      const refuse = (index: number, nginx: string, expected?: string): Result<never, ArgumentRefusal> =>
        err({ nginx, expected, index });
      if (flag !== undefined && flag !== "always") return refuse(2, `invalid parameter "${flag}"`, "always");
      // Deviates: nginx takes any name, and sends what is no field.
      if (!isFieldName(name)) return refuse(0, `invalid header name "${name}"`, "the name of a field");
      if (refused.includes(name.toLowerCase())) return refuse(0, `invalid header name "${name}"`, why);
      const value = parseComplexValue(text);
      if (!value.ok) return refuse(1, value.error);
      const unfolded = value.value.map((part) => (
        part.kind === "literal" ? { ...part, text: unfold(part.text) } : part
      ));
      const isClean = unfolded.every((part) => part.kind !== "literal" || isFieldValue(byteText(part.text)));
      if (!isClean) return refuse(1, `invalid header value "${text}"`, "a value without control characters");
      const constant = constantOf(unfolded);
      const trimmed: ComplexValue = constant === undefined ? unfolded : [{ kind: "literal", text: constant.trim() }];
      return ok({ name, value: trimmed, always: flag !== undefined });
    },
  };
}

/** Values that go over several lines are one line for HTTP (RFC 9112 §5.2: obs-fold is replaced by a space). */
function unfold(text: string): string {
  return text.replace(/[ \t]*\r?\n[ \t\r\n]*/g, " ");
}

const addHeaderRow: DirectiveRow<AddedField> = {
  name: "add_header",
  contexts: blocks,
  arguments: fieldArguments(framing, "a field to be added: how long a message is, the server says itself"),
  mayRepeat: true,
  merge: "nearest",
  module: headersModule,
  doc: "Adds a field to responses with status 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308; with always to all. "
    + "Last-Modified, ETag, Content-Type, Server and Date take the place of the response's own.",
  example: "add_header X-Frame-Options DENY always;",
};

const addTrailerRow: DirectiveRow<AddedField> = {
  name: "add_trailer",
  contexts: blocks,
  arguments: fieldArguments(notTrailers, "a field that may stand behind a body (RFC 9110 §6.5.1)"),
  mayRepeat: true,
  merge: "nearest",
  module: headersModule,
  doc: "As add_header, behind the body, which is chunked therefore. Clients of HTTP/1.0 get none.",
  example: "add_trailer Server-Timing $request_time;",
};

function inheritRow(name: string, of: string): DefaultedDirectiveRow<Inherit> {
  return {
    name,
    contexts: blocks,
    arguments: one(choice(["on", "off", "merge"])),
    default: "on",
    merge: "nearest",
    module: headersModule,
    doc: `Where a block has no ${of} of its own, those of the block around hold; off: they never do; merge: always, `
      + "behind its own.",
    example: `${name} merge;`,
  };
}

const addHeaderInheritRow = inheritRow("add_header_inherit", "add_header");
const addTrailerInheritRow = inheritRow("add_trailer_inherit", "add_trailer");

/** RFC 6797 §6.1. */
const hstsRow: DirectiveRow<string | undefined> = {
  name: "hsts",
  contexts: ["http", "server", "location"],
  arguments: {
    label: "off | time [include_subdomains] [preload]",
    countMin: 1,
    countMax: 3,
    parse: ([first = "", ...flags]): Result<string | undefined, ArgumentRefusal> => {
      if (first === "off" && flags.length === 0) return ok(undefined);
      const time = first === "off" ? undefined : parseTimeText(first, "seconds");
      if (time === undefined) {
        return err({ nginx: `invalid value "${first}"`, expected: "a time such as 1y or 5m, or off", index: 0 });
      }
      const index = flags.findIndex((flag, at) => !hstsFlags.has(flag) || flags.indexOf(flag) !== at);
      if (index >= 0) {
        const words = [...hstsFlags.keys()];
        const nginx = `invalid parameter "${flags[index]}"`;
        return err({ nginx, expected: words.join(" or "), index: index + 1, words });
      }
      return ok([`max-age=${time / 1000}`, ...flags.map((flag) => hstsFlags.get(flag) ?? "")].join("; "));
    },
  },
  merge: "nearest",
  module: "tricorn",
  doc: "Tells browsers that have come by HTTPS to come by nothing else for so long (Strict-Transport-Security), with "
    + "all responses, whatever add_header says. Begin with some minutes: it cannot be taken back.",
  example: "hsts 1y include_subdomains;",
};

const hstsFlags: ReadonlyMap<string, string> = new Map([
  ["include_subdomains", "includeSubDomains"], ["preload", "preload"],
]);

const expiresRow: DefaultedDirectiveRow<ExpiresSettings> = {
  name: "expires",
  contexts: blocks,
  arguments: { label: "[modified] time | epoch | max | off", countMin: 1, countMax: 2, parse: parseExpiresWords },
  default: "off",
  merge: "nearest",
  module: headersModule,
  doc: "Sets Expires and Cache-Control: so long from now (or from Last-Modified) on, @time of the day, no-cache for "
    + "negative times and epoch, ten years for max.",
  example: "expires 24h;",
};

const expiresWords: readonly string[] = ["modified", "epoch", "max", "off"];

function parseExpiresWords(words: readonly string[], directive: string): Result<ExpiresSettings, ArgumentRefusal> {
  const expected = "a time such as 24h, -1, @15h30m, or epoch, max, off";
  const [first = "", second] = words;
  const modified = second !== undefined;
  const refuse = (index: number, what: string, hint: string | undefined): Result<never, ArgumentRefusal> =>
    err({ nginx: `"${directive}" directive ${what}`, expected: hint, index, words: expiresWords });
  if (modified && first !== "modified") return refuse(0, "invalid value", "modified");
  const text = second ?? first;
  const index = words.length - 1;
  const value = parseComplexValue(text);
  if (!value.ok) return err({ nginx: value.error, expected: undefined, index });
  if (constantOf(value.value) === undefined) return ok({ kind: "variable", modified, value: value.value });
  const parsed = parseExpires(text, modified);
  if (parsed.ok) return parsed;
  return refuse(index, parsed.error, parsed.error === "invalid value" ? expected : undefined);
}

export const headerDirectives: readonly AnyDirectiveRow[] = [
  addHeaderRow, addHeaderInheritRow, addTrailerRow, addTrailerInheritRow, hstsRow, expiresRow,
];

export function addedHeaders(block: Block): readonly AddedField[] {
  const hsts = block.optional(hstsRow);
  const fields = inForce(block, addHeaderRow, addHeaderInheritRow);
  if (hsts === undefined) return fields;
  // RFC 6797 §7.2: a server MUST NOT say so over plain HTTP.
  const value: ComplexValue = [{ kind: "literal", text: hsts }];
  return [...fields, { name: "Strict-Transport-Security", value, always: true, onlyHttps: true }];
}

export function addedTrailers(block: Block): readonly AddedField[] {
  return inForce(block, addTrailerRow, addTrailerInheritRow);
}

/** undefined for off. */
export function expiresSettings(block: Block): ExpiresSettings | undefined {
  const settings = block.one(expiresRow);
  return settings.kind === "off" ? undefined : settings;
}

function inForce(
  block: Block, row: DirectiveRow<AddedField>, inherit: DefaultedDirectiveRow<Inherit>,
): readonly AddedField[] {
  const own = block.own(row).length === 0 ? [] : block.all(row);
  const { parent } = block;
  const mode = block.one(inherit);
  if (parent === undefined || mode === "off" || (mode === "on" && own.length > 0)) return own;
  return [...own, ...inForce(parent, row, inherit)];
}
