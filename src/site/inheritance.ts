/** Groups of settings, each built once for all blocks in which nothing of it is written. */
import type { Block } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";

/** A group: the directives that it is made of, and how. Groups are known by their identity. */
export interface Group<T> {
  /** All of them are taken from the nearest block around (`merge: "nearest"`). */
  readonly rows: readonly AnyDirectiveRow[];
  readonly build: (block: Block) => T;
}

export class Inheritance {
  readonly #values = new WeakMap<Block, Map<Group<unknown>, unknown>>();
  readonly #rows = new Map<Group<unknown>, ReadonlySet<AnyDirectiveRow>>();

  /** The settings in force in `block`: the object of the block around it where nothing of the group is written. */
  of<T>(block: Block, group: Group<T>): T {
    let values = this.#values.get(block);
    if (values === undefined) this.#values.set(block, (values = new Map<Group<unknown>, unknown>()));
    if (!values.has(group)) {
      const { parent } = block;
      const value = parent === undefined || this.#writes(block, group) ? group.build(block) : this.of(parent, group);
      values.set(group, value);
    }
    // Kept under its group, whose build made it.
    return values.get(group) as T;
  }

  #writes(block: Block, group: Group<unknown>): boolean {
    let rows = this.#rows.get(group);
    if (rows === undefined) this.#rows.set(group, (rows = new Set(group.rows)));
    return block.directives.some(({ row }) => rows.has(row));
  }
}
