/**
 * Which variables exist: those of the program by name and by prefix, and those that a configuration makes with set,
 * map, geo, split_clients and named groups.
 *
 * A reference may come before its definition, so that `variable()` hands out an object whose getter is filled in later.
 * When all is read, `unknown()` says what nobody defined; nothing is evaluated before.
 */
import { err, ok, type Result } from "../std/result.ts";
import type { Evaluation, Variable } from "./evaluation.ts";
import { type Pattern, Regex } from "./regex.ts";

/** A variable of the program. */
export interface VariableDefinition {
  readonly name: string;
  /** Cached for the request when false. */
  readonly isVolatile: boolean;
  readonly get: (evaluation: Evaluation) => string | undefined;
  /**
   * Is it the same for all requests with the same fields on the same connection, in the same location? Asked when all
   * of the configuration was read; without it, it is not.
   */
  readonly isSteady?: () => boolean;
  /** May `set` assign it, and how. */
  readonly assign?: (evaluation: Evaluation, value: string) => void;
  /** May a configuration give it a value of its own, by set or by a block? */
  readonly isChangeable?: boolean;
}

/** All variables whose names begin so: `$arg_`, `$http_` … */
export interface PrefixDefinition {
  readonly prefix: string;
  readonly get: (evaluation: Evaluation, rest: string) => string | undefined;
  /** See VariableDefinition. */
  readonly isSteady?: boolean;
}

interface Slot extends Variable {
  isVolatile: boolean;
  get: (evaluation: Evaluation) => string | undefined;
  assign: ((evaluation: Evaluation, value: string) => void) | undefined;
  isSteady: () => boolean;
  readonly isChangeable: boolean;
  /** Who defined it: the program, a block of its own, or assignments, of which there may be many. */
  origin: "none" | "program" | "block" | "assigned";
}

export class Variables {
  readonly #slots = new Map<string, Slot>();
  readonly #definitions: ReadonlyMap<string, VariableDefinition>;
  readonly #prefixes: readonly PrefixDefinition[];

  constructor(definitions: readonly VariableDefinition[], prefixes: readonly PrefixDefinition[]) {
    this.#definitions = new Map(definitions.map((definition) => [definition.name, definition]));
    this.#prefixes = prefixes;
  }

  /** The variable of that name, to be asked for its value when the whole configuration was read. */
  variable(name: string): Variable {
    return this.#slot(name);
  }

  /** Defines a variable of map, geo or split_clients. @returns nginx's words when the program has it already */
  define(definition: VariableDefinition): Result<Variable, string> {
    const slot = this.#slot(definition.name);
    if (slot.origin === "program" && !slot.isChangeable) return err(`the duplicate "${slot.name}" variable`);
    slot.assign = undefined;
    // A later block of the same name wins, as in nginx.
    slot.isVolatile = definition.isVolatile;
    slot.get = definition.get;
    slot.isSteady = definition.isSteady ?? never;
    slot.origin = "block";
    return ok(slot);
  }

  /** Declares what `set`, a named group or another directive assigns. */
  declare(name: string): Result<Variable, string> {
    const slot = this.#slot(name);
    if (slot.origin === "program" && !slot.isChangeable) return err(`the duplicate "${slot.name}" variable`);
    if (slot.origin === "none") {
      slot.origin = "assigned";
      const prefixed = this.#prefixGetter(slot.name);
      slot.get = prefixed ?? ((evaluation) => uninitialized(evaluation, slot.name));
      slot.isVolatile = false;
      slot.isSteady = never;
    }
    return ok(slot);
  }

  /** An expression whose named groups become variables. */
  matcher(pattern: Pattern): Matcher {
    const named = pattern.names.map(([name, group]) => {
      const declared = this.declare(name);
      return { group, variable: declared.ok ? declared.value : this.#slot(name) };
    });
    return new Matcher(new Regex(pattern), named);
  }

  /** Names of a pattern's groups that the program has already: errors, in nginx's words. */
  conflicts(pattern: Pattern): readonly string[] {
    return pattern.names.flatMap(([name]) => {
      const declared = this.declare(name);
      return declared.ok ? [] : [declared.error];
    });
  }

  /** Is it defined by now, or by its prefix? */
  knows(name: string): boolean {
    const lower = name.toLowerCase();
    const origin = this.#slots.get(lower)?.origin ?? "none";
    return origin !== "none" || this.#definitions.has(lower) || this.#prefixGetter(lower) !== undefined;
  }

  /** All that was referred to and that nobody has defined; the message is `unknown "name" variable`. */
  unknown(): readonly string[] {
    return [...this.#slots.keys()].filter((name) => !this.knows(name));
  }

  #slot(name: string): Slot {
    const lower = name.toLowerCase();
    const known = this.#slots.get(lower);
    if (known !== undefined) return known;
    const slot = this.#newSlot(lower);
    this.#slots.set(lower, slot);
    return slot;
  }

  #newSlot(name: string): Slot {
    const definition = this.#definitions.get(name);
    if (definition !== undefined) {
      const { isVolatile, get, assign, isSteady = never } = definition;
      const isChangeable = assign !== undefined || definition.isChangeable === true;
      return { name, isVolatile, get, assign, isSteady, isChangeable, origin: "program" };
    }
    // Values of a prefix may change while the request goes on, and are cheap.
    const get = this.#prefixGetter(name) ?? ((): undefined => undefined);
    const isSteady = this.#prefixes.some((prefix) => name.startsWith(prefix.prefix) && prefix.isSteady === true)
      ? always : never;
    return { name, isVolatile: true, get, assign: undefined, isSteady, isChangeable: true, origin: "none" };
  }

  #prefixGetter(name: string): ((evaluation: Evaluation) => string | undefined) | undefined {
    const definition = this.#prefixes.find(({ prefix }) => name.startsWith(prefix));
    if (definition === undefined) return undefined;
    const rest = name.slice(definition.prefix.length);
    return (evaluation) => definition.get(evaluation, rest);
  }
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}

function uninitialized(evaluation: Evaluation, name: string): string {
  evaluation.facts.report("warn", `using uninitialized "${name}" variable`);
  return "";
}

/** An expression that leaves its groups with the request. */
export class Matcher {
  readonly #regex: Regex;
  readonly #named: readonly { readonly group: number; readonly variable: Variable }[];

  constructor(regex: Regex, named: readonly { readonly group: number; readonly variable: Variable }[]) {
    this.#regex = regex;
    this.#named = named;
  }

  /** Does it match? Then `$1` and named groups are this match's from now on. */
  matches(subject: string, evaluation: Evaluation): boolean {
    const groups = this.#regex.exec(subject);
    if (groups === undefined) return false;
    evaluation.groups = groups;
    for (const { group, variable } of this.#named) evaluation.assign(variable, groups[group - 1] ?? "");
    return true;
  }

  /** Does it match, without anybody who would want its groups? */
  test(subject: string): boolean {
    return this.#regex.exec(subject) !== undefined;
  }

  /** The same for `rewrite` and `if`, where an expression that does not match empties `$1` and so on. */
  matchesOrEmpties(subject: string, evaluation: Evaluation): boolean {
    const matched = this.matches(subject, evaluation);
    if (!matched) evaluation.groups = [];
    return matched;
  }
}
