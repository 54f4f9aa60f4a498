/**
 * Options as text of nginx's language: the directives that they become, less those that say what is in force anyway.
 */
import { isDeepStrictEqual } from "node:util";
import type { AnyDirectiveRow, Context } from "../config/nginx/directive-row.ts";
import { parse } from "../config/nginx/parse.ts";
import { printStatements, type Statement } from "../config/nginx/print.ts";

/** The text that reads as `statements`; each directive that only repeats its row's default is left out. */
export function configurationText(statements: readonly Statement[], rows: readonly AnyDirectiveRow[]): string {
  const byName = new Map<string, AnyDirectiveRow[]>();
  for (const row of rows) {
    const others = byName.get(row.name);
    if (others === undefined) byName.set(row.name, [row]);
    else others.push(row);
  }
  return printStatements(needed(statements, "main", byName));
}

type RowsByName = ReadonlyMap<string, readonly AnyDirectiveRow[]>;

function needed(statements: readonly Statement[], context: Context, rows: RowsByName): readonly Statement[] {
  return statements.flatMap((statement) => {
    const row = rows.get(statement.name)?.find(({ contexts }) => contexts.includes(context));
    if (statement.block === undefined) return row !== undefined && saysDefault(statement, row) ? [] : [statement];
    const inner = row?.content?.kind === "directives" ? row.content.context : undefined;
    return [inner === undefined ? statement : { ...statement, block: needed(statement.block, inner, rows) }];
  });
}

function saysDefault({ name, args }: Statement, row: AnyDirectiveRow): boolean {
  if (row.default === undefined || row.mayRepeat === true) return false;
  const source = { path: "default", text: `${name} ${row.default};`, isParameter: true, includedFrom: undefined };
  const [directive] = parse(source).directives;
  const words = directive?.args.map(({ value }) => value) ?? [];
  // "1h" and "3600s" are one value.
  return isDeepStrictEqual(words, args) || isDeepStrictEqual(valueOf(row, words), valueOf(row, args));
}

/** What the row reads, or a value that equals no other. */
function valueOf(row: AnyDirectiveRow, words: readonly string[]): unknown {
  const { countMin, countMax, parse: read } = row.arguments;
  const value = words.length < countMin || words.length > countMax ? undefined : read(words, row.name);
  return value?.ok === true ? [value.value] : Symbol(row.name);
}
