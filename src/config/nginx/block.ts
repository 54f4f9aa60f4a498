/**
 * A checked block: its directives by row, and what is in force in it, with what it takes from the blocks around it.
 *
 * Invariant: the words of every directive in `directives` were accepted by their row, so reading them cannot fail.
 */
import { assert } from "../../std/assert.ts";
import type { AnyDirectiveRow, Context, DefaultedDirectiveRow, DirectiveRow } from "./directive-row.ts";
import { parse } from "./parse.ts";
import type { Directive } from "./tree.ts";

/** A directive that has its place here. */
export interface CheckedDirective {
  readonly directive: Directive;
  readonly row: AnyDirectiveRow;
  /** What stands in its braces, when those are directives. */
  readonly block: Block | undefined;
  /** What stands in its braces, when those are entries; includes are filled in. */
  readonly entries: readonly Directive[] | undefined;
}

export class Block {
  readonly context: Context;
  /** The block around it; undefined for the whole configuration. */
  readonly parent: Block | undefined;
  readonly #directives: CheckedDirective[] = [];
  readonly #byRow = new Map<AnyDirectiveRow, CheckedDirective[]>();

  constructor(context: Context, parent: Block | undefined) {
    this.context = context;
    this.parent = parent;
  }

  /** In their order, includes filled in. */
  get directives(): readonly CheckedDirective[] {
    return this.#directives;
  }

  /** For check-tree.ts, which makes the invariant hold. */
  add(directive: CheckedDirective): void {
    this.#directives.push(directive);
    const others = this.#byRow.get(directive.row);
    if (others === undefined) this.#byRow.set(directive.row, [directive]);
    else others.push(directive);
  }

  /** The directives of a row in this very block. */
  own(row: AnyDirectiveRow): readonly CheckedDirective[] {
    return this.#byRow.get(row) ?? [];
  }

  /** The value in force of a row that has a default. */
  one<T>(row: DefaultedDirectiveRow<T>): T {
    const [directive] = this.#inForce(row);
    return directive === undefined ? readDefault(row) : read(row, directive.directive);
  }

  /** The value in force of a row without a default, or undefined. */
  optional<T>(row: DirectiveRow<T>): T | undefined {
    const [directive] = this.#inForce(row);
    return directive === undefined ? undefined : read(row, directive.directive);
  }

  /** All values in force of a row that may repeat: those of one block, in their order. Its default counts for none. */
  all<T>(row: DirectiveRow<T>): readonly T[] {
    return this.#inForce(row).map(({ directive }) => read(row, directive));
  }

  #inForce(row: AnyDirectiveRow): readonly CheckedDirective[] {
    const own = this.own(row);
    if (own.length > 0 || row.merge === "none" || this.parent === undefined) return own;
    return this.parent.#inForce(row);
  }
}

/** The value of a directive of this row. */
export function read<T>(row: DirectiveRow<T>, { args }: Directive): T {
  const value = row.arguments.parse(args.map(({ value: word }) => word), row.name);
  assert(value.ok, `${row.name} was checked before it was read`);
  return value.value;
}

/** Defaults that were asked for: there are few rows, and many blocks that say nothing of them. */
const defaults = new WeakMap<AnyDirectiveRow, unknown>();

function readDefault<T>(row: DefaultedDirectiveRow<T>): T {
  // Kept under its row, which made it.
  if (defaults.has(row)) return defaults.get(row) as T;
  const text = `${row.name} ${row.default};`;
  const { directives } = parse({ path: "default", text, isParameter: false, includedFrom: undefined });
  const [directive] = directives;
  assert(directive !== undefined, `the default of ${row.name} is written as in a file`);
  const value = read(row, directive);
  defaults.set(row, value);
  return value;
}
