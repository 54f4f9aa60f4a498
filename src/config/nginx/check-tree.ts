/**
 * Does every directive exist, may it stand where it stands, and does it say something? All mistakes of a tree.
 *
 * The order of questions is nginx's: the name, the place, `;` or braces, the number of arguments, repetition, the
 * arguments. The first that is answered with no is the one mistake of that directive; its block is looked into anyway.
 */
import { closest } from "../../std/similar.ts";
import { adviceFor } from "./advice.ts";
import { Block } from "./block.ts";
import type { AnyDirectiveRow, Context } from "./directive-row.ts";
import { type KnownDirective, knownDirectives } from "./known-directives.ts";
import { type LanguageDiagnostic, type Mistake, MISTAKE_COUNT_MAX, mistakeAt } from "./language-diagnostic.ts";
import type { Token } from "./lexer.ts";
import { checkEntry, countMistake, hintFor, includeMistake, terminatorMistake } from "./mistakes.ts";
import type { Place } from "./source.ts";
import { type Directive, expand } from "./tree.ts";

export interface CheckedTree {
  /** The whole configuration. What was refused is not in it. */
  readonly block: Block;
  readonly mistakes: readonly LanguageDiagnostic[];
  /** Directives that are accepted and do nothing here; their rows say why. */
  readonly withoutEffect: readonly { readonly directive: Directive; readonly row: AnyDirectiveRow }[];
}

export function checkTree(directives: readonly Directive[], rows: readonly AnyDirectiveRow[]): CheckedTree {
  const checker = new TreeChecker(rows);
  const block = new Block("main", undefined);
  checker.check(directives, block);
  return { block, mistakes: checker.mistakes, withoutEffect: checker.withoutEffect };
}

/** An argument that looks like the next directive. */
interface Swallowed {
  readonly place: Token;
  readonly row: AnyDirectiveRow;
  readonly message: string;
  readonly hint: string;
}

interface Question {
  readonly row: AnyDirectiveRow;
  readonly block: Block;
  readonly swallowed: Swallowed | undefined;
}

class TreeChecker {
  readonly mistakes: LanguageDiagnostic[] = [];
  readonly withoutEffect: { readonly directive: Directive; readonly row: AnyDirectiveRow }[] = [];
  readonly #rows = new Map<string, AnyDirectiveRow[]>();
  /** What was said already: a file that is included twice has its mistakes once. */
  readonly #told = new Set<string>();
  /** Read when the first name is not in the table. */
  #known: ReadonlyMap<string, readonly KnownDirective[]> | undefined;

  constructor(rows: readonly AnyDirectiveRow[]) {
    for (const row of rows) {
      const others = this.#rows.get(row.name);
      if (others === undefined) this.#rows.set(row.name, [row]);
      else others.push(row);
    }
  }

  check(directives: readonly Directive[], block: Block): void {
    for (const directive of expand(directives)) {
      if (this.mistakes.length >= MISTAKE_COUNT_MAX) return;
      const rows = this.#rows.get(directive.name.value) ?? [];
      const row = rows.find((candidate) => isAllowed(candidate, block.context));
      if (row === undefined) this.#refusePlace(directive, rows, block);
      else this.#checkDirective(directive, row, block);
    }
  }

  #checkDirective(directive: Directive, row: AnyDirectiveRow, block: Block): void {
    const swallowed = this.#swallowed(directive);
    const isSound = directive.isDamaged || this.#isSound(directive, { row, block, swallowed });
    // The braces belong to the name that stands next to them.
    const owner = swallowed?.row.content === undefined ? row : swallowed.row;
    const inner = this.#checkContent(directive, owner, block);
    if (!isSound || directive.isDamaged) return;
    block.add({ directive, row, ...inner });
    if (row.withoutEffect !== undefined) this.withoutEffect.push({ directive, row });
  }

  /** What stands in the braces, if anything; of a directive that is refused itself, too. */
  #checkContent(
    directive: Directive,
    { content }: AnyDirectiveRow,
    outer: Block,
  ): { readonly block: Block | undefined; readonly entries: readonly Directive[] | undefined } {
    if (directive.block === undefined || content === undefined) return { block: undefined, entries: undefined };
    if (content.kind === "entries") {
      const entries = expand(directive.block);
      for (const entry of entries) {
        const mistake = checkEntry(entry, content.check);
        if (mistake !== undefined) this.#tell(mistake.place, mistake);
      }
      return { block: undefined, entries };
    }
    const block = new Block(content.context, outer);
    this.check(directive.block, block);
    return { block, entries: undefined };
  }

  #isSound(directive: Directive, { row, block, swallowed }: Question): boolean {
    const { name, args, terminator } = directive;
    const refuse = (place: Place, mistake: Mistake): false => {
      this.#tell(place, { nginxLine: terminator.line, ...mistake });
      return false;
    };
    const terminated = terminatorMistake(directive, row);
    const shaped = terminated ?? countMistake(directive, row);
    if (shaped !== undefined) return refuse(swallowed?.place ?? shaped.place, { ...shaped, ...swallowed });
    const [first] = row.mayRepeat === true ? [] : block.own(row);
    if (first !== undefined) {
      const earlier = first.directive.name;
      const where = earlier.source === name.source ? "" : `${earlier.source.path}:`;
      return refuse(name, {
        nginx: `"${name.value}" directive is duplicate`,
        hint: `it stands in ${where === "" ? "line " : where}${earlier.line} already: keep one of them`,
      });
    }
    const value = row.arguments.parse(args.map(({ value: word }) => word), name.value);
    if (value.ok) {
      if (swallowed !== undefined && isAllowed(swallowed.row, block.context)) this.#warn(directive, swallowed);
      return true;
    }
    const { index, nginx, expected, words } = value.error;
    const token = args[index] ?? name;
    if (swallowed !== undefined) return refuse(swallowed.place, { ...swallowed, nginx });
    return refuse(token, {
      nginx,
      message: expected === undefined ? nginx : `${name.value}: "${token.value}" is not ${expected}`,
      hint: hintFor(token.value, words, row),
    });
  }

  /** Deviates: nginx takes `server_name a` without its `;` and the `listen 80;` below it for three names, silently. */
  #warn({ name, args, terminator }: Directive, { place, row, message, hint }: Swallowed): void {
    const words = args.slice(args.indexOf(place) + 1).map(({ value }) => value);
    const { countMin, countMax, parse } = row.arguments;
    // "gzip" is a directive, and a parameter of access_log: what follows it tells.
    if (words.length < countMin || words.length > countMax || !parse(words, row.name).ok) return;
    const nginx = `"${place.value}" is an argument of "${name.value}"`;
    this.#tell(place, { severity: "warning", nginx, message, hint, nginxLine: terminator.line });
  }

  /** The name of another directive among the arguments, first in its line: a `;` is missing above it. */
  #swallowed({ name, args }: Directive): Swallowed | undefined {
    let before = name;
    for (const token of args) {
      const [row] = token.line > before.line ? (this.#rows.get(token.value) ?? []) : [];
      if (row !== undefined) {
        const message = `"${token.value}" is read as an argument of "${name.value}"`;
        return { place: token, row, message, hint: `is a ; missing after "${before.value}" in line ${before.line}?` };
      }
      before = token;
    }
    return undefined;
  }

  #refusePlace(directive: Directive, rows: readonly AnyDirectiveRow[], block: Block): void {
    const { name, args, terminator } = directive;
    // Of several rows the one that its braces speak for.
    const row = rows.find(({ content }) => (content !== undefined) === (directive.block !== undefined)) ?? rows[0];
    // All includes that can be followed have been.
    if (name.value === "include") this.#tell(name, includeMistake(directive));
    else if (row === undefined) this.#refuseName(directive, block);
    else if (!directive.isDamaged) {
      this.#tell(name, {
        nginx: `"${name.value}" directive is not allowed here`,
        message: `"${[name.value, ...args.map(({ value }) => value)].join(" ").slice(0, 60)}" is not allowed in ${
          describe(block.context)}`,
        hint: `it is allowed in: ${[...new Set(rows.flatMap(({ contexts }) => contexts))].join(", ")}`,
        nginxLine: terminator.line,
      });
    }
    if (row !== undefined) this.#checkContent(directive, row, block);
  }

  #refuseName(directive: Directive, block: Block): void {
    const { name, terminator, isDamaged } = directive;
    this.#known ??= knownDirectives();
    const advice = adviceFor(name.value, this.#known.get(name.value));
    const nginx = `unknown directive "${name.value}"`;
    const nginxLine = terminator.line;
    if (isDamaged) return;
    if (advice !== undefined) {
      const message = `"${name.value}" belongs to ${advice.owner}, which is not here`;
      this.#tell(name, { nginx, message, hint: advice.hint, nginxLine });
      return;
    }
    const meant = this.#meant(name.value, block.context);
    const allowed = meant?.flatMap(({ contexts }) => contexts).join(", ");
    const hint = meant === undefined
      ? "remove it, or look its name up in docs/directives"
      : `did you mean "${meant[0]?.name ?? ""}"? It is allowed in: ${allowed ?? ""}`;
    this.#tell(name, { nginx, hint, nginxLine });
    const row = meant?.find((candidate) => isAllowed(candidate, block.context));
    if (row !== undefined) this.#checkContent(directive, row, block);
  }

  /** The rows of the nearest name: of those that are allowed here, or else of all. */
  #meant(word: string, context: Context): readonly AnyDirectiveRow[] | undefined {
    const all = [...this.#rows.keys()];
    const here = all.filter((name) => this.#rows.get(name)?.some((row) => isAllowed(row, context)));
    const name = closest(word, here) ?? closest(word, all);
    return name === undefined ? undefined : this.#rows.get(name);
  }

  #tell(place: Place, mistake: Mistake): void {
    const key = `${place.offset} ${place.source.path} ${mistake.nginx}`;
    if (this.mistakes.length >= MISTAKE_COUNT_MAX || this.#told.has(key)) return;
    this.#told.add(key);
    this.mistakes.push(mistakeAt(place, mistake));
  }
}

function isAllowed({ contexts }: AnyDirectiveRow, context: Context): boolean {
  return contexts.includes(context) || (context === "if in location" && contexts.includes("if"));
}

function describe(context: Context): string {
  if (context === "main") return "the main context, outside of all blocks";
  return context === "if" ? '"if" in a server' : `"${context}"`;
}
