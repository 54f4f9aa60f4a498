/**
 * A tree back to text: as `nginx -T` prints the files, and in the normal form of directives that may come from no file.
 *
 * Invariant: what printStatements() writes is read again as the same statements.
 */
import type { Source } from "./source.ts";
import type { Directive } from "./tree.ts";

/** A directive without its places: what is left when a configuration does not come from a text. */
export interface Statement {
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Statement[] | undefined;
}

/** @returns the directive as plain data; an `include` stays the directive that it is */
export function statementOf({ name, args, block }: Directive): Statement {
  return { name: name.value, args: args.map(({ value }) => value), block: block?.map(statementOf) };
}

/** Every file with its name above it, as `nginx -T` writes them to standard output. */
export function printSources(sources: readonly Source[]): string {
  return sources.map(({ path, text }) => `# configuration file ${path}:\n${text}\n`).join("");
}

/** One directive a line, blocks indented by four, words quoted where they must be. */
export function printStatements(statements: readonly Statement[], indent: string = ""): string {
  let text = "";
  for (const { name, args, block } of statements) {
    const words = [name, ...args].map(quote).join(" ");
    if (block === undefined) text += `${indent}${words};\n`;
    else if (block.length === 0) text += `${indent}${words} {}\n`;
    else text += `${indent}${words} {\n${printStatements(block, `${indent}    `)}${indent}}\n`;
  }
  return text;
}

/** The shortest spelling that is read as `word`. */
export function quote(word: string): string {
  return plainWord.test(word) ? word : `"${escape(word)}"`;
}

/**
 * What needs no quotes: nothing in it ends a word, begins a quote, a comment or a block, and each backslash (as in
 * `\\.php$`) is followed by a character that leaves it alone. Blanks are JavaScript's, of which nginx knows four.
 */
const plainWord = /^(?:[^\s;{}"'#\\]|\\[^\s;{}"'\\trn])(?:[^\s;{"'\\]|\\[^\s;{"'\\trn])*$/;

/** A backslash is doubled only where it would otherwise say something about the character after it. */
function escape(word: string): string {
  return word.replace(/\\(?=["'\\trn\t\r\n]|$)|["\t\r\n]/g, (part) => escapes[part] ?? `\\${part}`);
}

const escapes: Readonly<Record<string, string>> = { "\t": "\\t", "\r": "\\r", "\n": "\\n" };
