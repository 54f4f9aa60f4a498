/** charset and its companions: ngx_http_charset_module. */
import { type Block, type CheckedDirective, read } from "../config/nginx/block.ts";
import { type ArgumentType, onOff, string } from "../config/nginx/argument-types.ts";
import { type ComplexValue, constantOf, parseComplexValue } from "../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Context, type DefaultedDirectiveRow, type DirectiveRow, many,
  one, two,
} from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { Directive } from "../config/nginx/tree.ts";
import { isFieldName } from "../http/characters.ts";
import { fromLatin1, isUtf8 } from "../std/bytes.ts";
import { err, ok, type Result } from "../std/result.ts";
import { typesWith } from "./body-directives.ts";
import type { CharsetMap, CharsetSettings } from "./settings.ts";

const blocks: readonly Context[] = ["http", "server", "location"];
const withIf: readonly Context[] = [...blocks, "if in location"];
const charsetModule = "ngx_http_charset_module";
const UTF_8 = "utf-8";
/** Most bytes of UTF-8 that nginx takes for a character here. */
const CHARACTER_SIZE_MAX = 3;

/** "off" for none. */
type Charset = "off" | ComplexValue;

/** A name, or a variable that has one. */
const charset: ArgumentType<Charset> = {
  label: "charset | off",
  parse: (word) => {
    if (word === "off") return ok("off");
    if (!word.startsWith("$")) {
      if (isFieldName(word)) return ok([{ kind: "literal", text: word }]);
      return err({ nginx: `invalid value "${word}"`, expected: "a charset such as utf-8, or off" });
    }
    const value = /^\$\w+$|^\$\{\w+\}$/.test(word) ? parseComplexValue(word) : err(`invalid variable name "${word}"`);
    return value.ok ? value : err({ nginx: value.error, expected: "one variable" });
  },
};

export const charsetRow: DefaultedDirectiveRow<Charset> = {
  name: "charset",
  contexts: withIf,
  arguments: one(charset),
  default: "off",
  merge: "nearest",
  module: charsetModule,
  doc: "Adds a charset to the Content-Type; with source_charset and charset_map, recodes the body to it.",
  example: "charset utf-8;",
};

const sourceCharsetRow: DirectiveRow<Charset> = {
  name: "source_charset",
  contexts: withIf,
  arguments: one(charset),
  merge: "nearest",
  module: charsetModule,
  doc: "What charset bodies are in, where their responses do not say.",
  example: "source_charset koi8-r;",
};

const overrideCharsetRow: DefaultedDirectiveRow<boolean> = {
  name: "override_charset",
  contexts: withIf,
  arguments: one(onOff()),
  default: "off",
  merge: "nearest",
  module: charsetModule,
  doc: "Recodes applications' responses that name another charset themselves.",
  example: "override_charset on;",
};

const charsetTypesRow: DefaultedDirectiveRow<readonly string[]> = {
  name: "charset_types",
  contexts: blocks,
  arguments: many(string("mime-type")),
  default: "text/html text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml",
  merge: "nearest",
  module: charsetModule,
  doc: "Media types, besides text/html, that charset works on; * for all.",
  example: "charset_types text/css application/json;",
};

const charsetMapRow: DirectiveRow<readonly [from: string, to: string]> = {
  name: "charset_map",
  contexts: ["http"],
  arguments: two(string("charset1"), string("charset2")),
  content: { kind: "entries", check: checkEntry },
  mayRepeat: true,
  merge: "none",
  module: charsetModule,
  doc: "Says which bytes of one charset are which of another, in hexadecimal; of utf-8, which must be the second, the "
    + "bytes of a character. It is good for both directions.",
  example: "charset_map koi8-r utf-8 { C0 D18E; C1 D0B0; }",
};

export const charsetDirectives: readonly AnyDirectiveRow[] = [
  charsetRow, sourceCharsetRow, overrideCharsetRow, charsetTypesRow, charsetMapRow,
];

/** All that can be said of an entry without the charsets. */
function checkEntry([from = "", ...to]: readonly string[]): Result<true, ArgumentRefusal> {
  const [text = ""] = to;
  const refuse = (nginx: string, index: number): Result<never, ArgumentRefusal> =>
    err({ nginx, expected: undefined, index });
  if (to.length !== 1) return refuse("invalid parameters number", 0);
  if (!isByte(from)) return refuse(`invalid value "${from}"`, 0);
  return isByte(text) || characterOf(text) !== undefined ? ok(true) : refuse(`invalid value "${text}"`, 1);
}

function isByte(text: string): boolean {
  return /^[0-9a-f]{1,2}$/i.test(text);
}

/** Bytes of one character that are written as hexadecimal digits. */
function characterOf(text: string): string | undefined {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text) || text.length > 2 * CHARACTER_SIZE_MAX) return undefined;
  const bytes = fromLatin1(text.replace(/../g, (digits) => String.fromCharCode(Number.parseInt(digits, 16))));
  return isUtf8(bytes, 0, bytes.length) && /^.$/su.test(bytes.utf8Slice()) ? bytes.latin1Slice() : undefined;
}

/** undefined for off. */
export function charsetSettings(block: Block): CharsetSettings | undefined {
  const wanted = block.one(charsetRow);
  if (wanted === "off") return undefined;
  const source = block.optional(sourceCharsetRow) ?? "off";
  return {
    charset: wanted,
    types: typesWith(block.one(charsetTypesRow)),
    source: source === "off" ? undefined : source,
    override: block.one(overrideCharsetRow),
    maps: httpOf(block)?.own(charsetMapRow).map((map) => mapOf(map)) ?? [],
  };
}

/** Is UTF-8 said of bodies in this block, by its name? */
export function isUtf8Said(block: Block): boolean {
  const wanted = block.one(charsetRow);
  return wanted !== "off" && constantOf(wanted)?.toLowerCase() === UTF_8;
}

function httpOf(block: Block): Block | undefined {
  let outer: Block | undefined = block;
  while (outer !== undefined && outer.context !== "http") outer = outer.parent;
  return outer;
}

function mapOf({ directive, entries = [] }: CheckedDirective): CharsetMap {
  const [from, to] = read(charsetMapRow, directive);
  const isUtf8Map = to.toLowerCase() === UTF_8;
  const pairs = entries.flatMap((entry): CharsetMap["pairs"] => {
    const [byte, text] = wordsOf(entry);
    const target = isUtf8Map ? characterOf(text) : isByte(text) ? byteOf(text) : undefined;
    return target === undefined ? [] : [[Number.parseInt(byte, 16), target]];
  });
  return { from, to, pairs };
}

function byteOf(digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function wordsOf({ name, args }: Directive): readonly [string, string] {
  return [name.value, args[0]?.value ?? ""];
}

/** Maps that cannot be, and charsets without a map between them. */
export function charsetMistakes(http: Block): readonly PlacedMistake[] {
  const known = new Set<string>();
  const mistakes = http.own(charsetMapRow).flatMap((map) => mapMistakes(map, known));
  const visit = (block: Block): void => {
    for (const checked of block.directives) {
      const isAbout = checked.row === charsetRow || checked.row === sourceCharsetRow;
      if (isAbout) mistakes.push(...pairMistakes(block, checked, known));
      if (checked.block !== undefined) visit(checked.block);
    }
  };
  visit(http);
  return mistakes;
}

function mapMistakes({ directive, entries = [] }: CheckedDirective, known: Set<string>): readonly PlacedMistake[] {
  const [from, to] = read(charsetMapRow, directive);
  const refuse = (nginx: string, hint?: string): PlacedMistake =>
    ({ place: directive.args[0] ?? directive.name, nginx, hint, nginxLine: directive.terminator.line });
  if (from.toLowerCase() === to.toLowerCase()) {
    return [refuse(`"charset_map" between the same charsets "${from}" and "${to}"`)];
  }
  if (from.toLowerCase() === UTF_8) {
    return [refuse(`invalid charset "${from}"`, `write charset_map ${to} ${from}: it is good for both directions`)];
  }
  if (known.has(pairKey(from, to))) return [refuse(`duplicate "charset_map" between "${from}" and "${to}"`)];
  known.add(pairKey(from, to));
  const isUtf8Map = to.toLowerCase() === UTF_8;
  return entries.flatMap((entry) => {
    const [, text] = wordsOf(entry);
    if (!checkEntry([entry.name.value, ...entry.args.map(({ value }) => value)]).ok) return [];
    if (isUtf8Map ? characterOf(text) !== undefined : isByte(text)) return [];
    const hint = isUtf8Map ? "the bytes of a character in UTF-8, in hexadecimal" : "a byte, in hexadecimal";
    const place = entry.args[0] ?? entry.name;
    return [{ place, nginx: `invalid value "${text}"`, hint, nginxLine: entry.terminator.line }];
  });
}

/** As nginx, of names alone: what variables say shows later. And not of http { }, which others may change. */
function pairMistakes(
  block: Block, { directive }: CheckedDirective, known: ReadonlySet<string>,
): readonly PlacedMistake[] {
  const wanted = nameOf(block.one(charsetRow));
  const source = nameOf(block.optional(sourceCharsetRow) ?? "off");
  if (block.context === "http" || wanted === undefined || source === undefined) return [];
  if (wanted.toLowerCase() === source.toLowerCase() || known.has(pairKey(wanted, source))) return [];
  const nginx = `no "charset_map" between the charsets "${source}" and "${wanted}"`;
  const hint = `write charset_map ${source} ${wanted} { … }`;
  return [{ place: directive.name, nginx, hint, nginxLine: directive.terminator.line }];
}

function nameOf(value: Charset): string | undefined {
  return value === "off" ? undefined : constantOf(value);
}

/** The same for both directions. */
function pairKey(one: string, other: string): string {
  return [one.toLowerCase(), other.toLowerCase()].sort().join(" ");
}
