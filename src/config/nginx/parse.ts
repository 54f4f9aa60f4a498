/**
 * One text to the directives in it; includes stay directives. Mistakes are noted, and reading goes on behind the next
 * `;` or `}`, so that one run shows all of them.
 */
import { type LanguageDiagnostic, MISTAKE_COUNT_MAX, mistakeAt } from "./language-diagnostic.ts";
import { endOf, Lexer, type Token } from "./lexer.ts";
import type { Place, Source } from "./source.ts";
import type { Directive } from "./tree.ts";

/** Blocks in blocks. nginx has no bound but its stack; real files need six. */
export const BLOCK_DEPTH_MAX = 64;

export interface Parsed {
  readonly directives: readonly Directive[];
  readonly directiveCount: number;
  readonly mistakes: readonly LanguageDiagnostic[];
}

/** A directive whose block is being filled. */
interface OpenBlock {
  /** Undefined for braces without a name, whose contents are dropped. */
  readonly directive: Directive | undefined;
  readonly place: Place;
  readonly content: Directive[];
}

export function parse(source: Source): Parsed {
  return new Parser(source).run();
}

class Parser {
  readonly #source: Source;
  readonly #lexer: Lexer;
  readonly #mistakes: LanguageDiagnostic[] = [];
  readonly #directives: Directive[] = [];
  readonly #open: OpenBlock[] = [];
  #content = this.#directives;
  #words: Token[] = [];
  #directiveCount = 0;
  /** Mistakes of the lexer that belong to finished directives. */
  #judgedCount = 0;
  /** The first block that closes in another column than it began in: a brace may be missing there. */
  #crooked: Place | undefined;

  constructor(source: Source) {
    this.#source = source;
    this.#lexer = new Lexer(source);
  }

  run(): Parsed {
    for (let token = this.#lexer.next(); ; token = this.#lexer.next()) {
      if (token.kind === "word") {
        this.#words.push(token);
      } else if (token.kind === ";") {
        if (this.#words.length === 0) this.#unexpected(token, "there is nothing to end here: remove it");
        else this.#content.push(this.#directive(token, undefined));
      } else if (token.kind === "{") {
        this.#openBlock(token);
      } else if (token.kind === "}") {
        this.#closeBlock(token);
      } else {
        this.#end(token);
        break;
      }
      if (this.#mistakes.length + this.#lexer.mistakes.length >= MISTAKE_COUNT_MAX) break;
    }
    const mistakes = [...this.#lexer.mistakes, ...this.#mistakes].sort(byOffset);
    return { directives: this.#directives, directiveCount: this.#directiveCount, mistakes };
  }

  #directive(terminator: Token, block: Directive[] | undefined): Directive {
    const [name = terminator, ...args] = this.#words;
    const isDamaged = this.#lexer.mistakes.length > this.#judgedCount;
    this.#words = [];
    this.#judgedCount = this.#lexer.mistakes.length;
    this.#directiveCount += 1;
    return { name, args, terminator, block, included: undefined, isDamaged };
  }

  #openBlock(brace: Token): void {
    const name = this.#words[0];
    if (name === undefined) {
      this.#unexpected(brace, "a block begins with its name, for example server { … }");
      this.#enter({ directive: undefined, place: brace, content: [] });
      return;
    }
    if (this.#source.isParameter) {
      this.#mistakes.push(mistakeAt(name, {
        nginx: "block directives are not supported in -g option",
        hint: "write the block into the configuration file",
      }));
      this.#lexer.skipForeignBlock();
      this.#words = [];
      return;
    }
    if (name.value.endsWith("_by_lua_block")) {
      this.#refuseLua(name, brace);
      return;
    }
    const content: Directive[] = [];
    const directive = this.#directive(brace, content);
    this.#content.push(directive);
    this.#enter({ directive, place: directive.name, content });
    if (this.#open.length === BLOCK_DEPTH_MAX + 1) {
      const message = `blocks are nested more than ${BLOCK_DEPTH_MAX} deep`;
      this.#mistakes.push(mistakeAt(directive.name, { nginx: message, hint: "is a } missing somewhere above?" }));
    }
  }

  /** What is too deep is read, so that its braces are counted, and dropped. */
  #enter(block: OpenBlock): void {
    this.#open.push(block);
    this.#content = this.#open.length > BLOCK_DEPTH_MAX ? [] : block.content;
  }

  /** What stands between the braces is Lua, so only its end is looked for. */
  #refuseLua(name: Token, brace: Token): void {
    this.#lexer.skipForeignBlock();
    this.#words = [];
    this.#mistakes.push(mistakeAt(name, {
      nginx: `unknown directive "${name.value}"`,
      message: `"${name.value}" is Lua, which is not run here`,
      hint: "OpenResty's lua module has it; a Python application behind app_pass can do the same",
      nginxLine: brace.line,
    }));
  }

  #closeBlock(brace: Token): void {
    if (this.#words.length > 0) {
      this.#missingSemicolon(brace);
      this.#content.push(this.#directive(brace, undefined));
    }
    const block = this.#open.pop();
    const outer = this.#open.at(-1);
    this.#content = outer === undefined ? this.#directives : this.#open.length > BLOCK_DEPTH_MAX ? [] : outer.content;
    if (block === undefined) {
      this.#unexpected(brace, "no block is open here: remove it, or look for one } too many above");
    } else if (block.place.column !== brace.column && beginsLine(block.place) && beginsLine(brace)) {
      this.#crooked ??= block.place;
    }
  }

  #unexpected(token: Token, hint: string): void {
    this.#mistakes.push(mistakeAt(token, { nginx: `unexpected "${token.kind}"`, hint }));
  }

  /** A block, or the text, ends within a directive. */
  #missingSemicolon(token: Token): void {
    const last = this.#words.at(-1) ?? token;
    const isEnd = token.kind === "end";
    // The mistake of a quote without an end is told already.
    if (isEnd && this.#lexer.mistakes.length > this.#judgedCount) return;
    this.#mistakes.push(mistakeAt(behind(last), {
      nginx: isEnd ? endOf(this.#source) : 'unexpected "}"',
      message: `a ; is missing after "${short(last.value)}"`,
      hint: `"${short(this.#words[0]?.value ?? "")}" ends with ;, or with a block`,
      nginxLine: token.line,
    }));
  }

  #end(token: Token): void {
    if (this.#words.length > 0) {
      this.#missingSemicolon(token);
      this.#content.push(this.#directive(token, undefined));
      return;
    }
    const block = this.#open.at(-1);
    if (block === undefined) return;
    const named = (place: Place): string => `"${this.#source.text.slice(place.offset, place.end)}"`;
    const suspect = this.#crooked;
    const last = `${named(block.place)} of line ${block.place.line}`;
    this.#mistakes.push(mistakeAt(suspect ?? block.place, {
      nginx: 'unexpected end of file, expecting "}"',
      message: `the block ${named(suspect ?? block.place)} is not closed`,
      hint: suspect === undefined ? "it needs a }" : `by its indentation it lacks a }, so that ${last} is never closed`,
      nginxLine: token.line,
    }));
  }
}

/** Where the next character would stand; the word itself when it goes over several lines. */
function behind(word: Place): Place {
  const { source, line, column, offset, end } = word;
  if (source.text.slice(offset, end).includes("\n")) return word;
  return { source, line, column: column + (end - offset), offset: end, end: Math.min(end + 1, source.text.length) };
}

/** Is there nothing but blanks before it in its line? */
function beginsLine({ source, offset, column }: Place): boolean {
  return source.text.slice(offset - (column - 1), offset).trim() === "";
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function byOffset(a: LanguageDiagnostic, b: LanguageDiagnostic): number {
  return (a.place?.offset ?? 0) - (b.place?.offset ?? 0);
}
