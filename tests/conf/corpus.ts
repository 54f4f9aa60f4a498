// The configurations of tests/conf/cases, and the trees that the independent parser crossplane makes of them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Parsed, parse } from "../../src/config/nginx/parse.ts";
import type { Source } from "../../src/config/nginx/source.ts";
import type { Directive } from "../../src/config/nginx/tree.ts";

export const casesPath: string = join(import.meta.dirname, "cases");
const testsPath = join(casesPath, "nginx-tests");

/** A directive as crossplane writes it: escapes stay, except that of a quote in its own quotes. */
export interface Plain {
  readonly directive: string;
  readonly line: number;
  readonly args: readonly string[];
  readonly block?: readonly Plain[];
}

/** The names of all 300, without their endings. */
export const corpusNames: readonly string[] = readdirSync(testsPath)
  .filter((name) => name.endsWith(".conf"))
  .map((name) => name.slice(0, -".conf".length));

export function sourceOf(text: string, path: string = "nginx.conf"): Source {
  return { path, text, isParameter: false, includedFrom: undefined };
}

export function readCase(name: string): string {
  return readFileSync(join(testsPath, `${name}.conf`), "utf8");
}

export function parseCase(name: string): Parsed {
  return parse(sourceOf(readCase(name), `${name}.conf`));
}

export function readTreeCase(name: string): readonly Plain[] {
  return JSON.parse(readFileSync(join(testsPath, `${name}.ast.json`), "utf8")) as readonly Plain[];
}

/** The directive as crossplane would show it. */
export function plainOf({ name, args, block }: Directive): Plain {
  const words = name.value === "if" ? withoutParentheses(args.map(rawOf)) : args.map(rawOf);
  const plain = { directive: rawOf(name), line: name.line, args: words };
  return block === undefined ? plain : { ...plain, block: block.map(plainOf) };
}

function rawOf({ source, offset, end }: Directive["name"]): string {
  const raw = source.text.slice(offset, end);
  const quote = raw[0] ?? "";
  return quote === '"' || quote === "'" ? raw.slice(1, -1).replaceAll(`\\${quote}`, quote) : raw;
}

/** The condition of an `if`: its parentheses are words of their own or parts of the first and the last. */
function withoutParentheses(words: readonly string[]): readonly string[] {
  const inner = [...words];
  inner[0] = (inner[0] ?? "").slice(1);
  inner[inner.length - 1] = (inner.at(-1) ?? "").slice(0, -1);
  return inner.filter((word, index) => word !== "" || (index > 0 && index < inner.length - 1));
}
