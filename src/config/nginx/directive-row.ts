/**
 * The row of the directive table: everything that is known about one directive, in the room that implements it.
 *
 * From the rows come the checks of a file, what is said about mistakes, and the reference pages. A row holds no
 * behaviour besides reading its own arguments; `server` in `http` and `server` in `upstream` are two rows.
 */
import { ok, type Result } from "../../std/result.ts";
import type { ArgumentType, Refusal } from "./argument-types.ts";

/** The block that a directive stands in, in nginx's words, and `app`, which is ours. */
export type Context =
  | "main"
  | "events"
  | "http"
  | "server"
  | "location"
  | "upstream"
  /** `if`, in a server or in a location: what `set`, `return` and `rewrite` say. */
  | "if"
  /** `if` in a location: what most others say. */
  | "if in location"
  | "limit_except"
  | "acme_issuer"
  | "app";

/** What a refused argument is, and which one. */
export interface ArgumentRefusal extends Refusal {
  /** From 0. */
  readonly index: number;
  readonly words?: readonly string[] | undefined;
}

/** How the words after a name are read. */
export interface Arguments<T> {
  /** As the reference writes them: "size", "number size", "". */
  readonly label: string;
  readonly countMin: number;
  readonly countMax: number;
  /** Only called with a number of words between the two; `directive` is for nginx's words. */
  readonly parse: (words: readonly string[], directive: string) => Result<T, ArgumentRefusal>;
}

/** What stands between the braces. */
export type Content =
  | { readonly kind: "directives"; readonly context: Context }
  /** Pairs and lists, as in `types` and `map`, which `check` reads one by one; `include` works in them. */
  | {
      readonly kind: "entries";
      readonly check: (words: readonly string[]) => Result<unknown, ArgumentRefusal>;
    };

export interface DirectiveRow<T> {
  readonly name: string;
  readonly contexts: readonly Context[];
  readonly arguments: Arguments<T>;
  /** What stands in its braces; without it, it ends in `;`. */
  readonly content?: Content;
  /** The arguments that are in force where it is not written, as one would write them. */
  readonly default?: string;
  /** It may stand several times in one block. */
  readonly mayRepeat?: boolean;
  /**
   * Where it is not written: "nearest" takes all that the nearest block around it says (nothing is joined, as with
   * nginx's add_header), "none" what its default says.
   */
  readonly merge: "nearest" | "none";
  /** nginx's module, or "tricorn" for what nginx does not have. */
  readonly module: string;
  /** Accepted, but without effect here: why. `-t --explain` lists it. */
  readonly withoutEffect?: string;
  /** One sentence (or two). */
  readonly doc: string;
  /** One directive, whole: "client_max_body_size 10m;". */
  readonly example: string;
}

/** A row that has a default, so that its value is always there. */
export interface DefaultedDirectiveRow<T> extends DirectiveRow<T> {
  readonly default: string;
}

/** A row whose value nobody reads here: what the table as a whole is made of. */
export type AnyDirectiveRow = DirectiveRow<unknown>;

/** No arguments: `internal;`. */
export function none(): Arguments<true> {
  return { label: "", countMin: 0, countMax: 0, parse: () => ok(true) };
}

/** One argument: `root path;`. */
export function one<T>(type: ArgumentType<T>): Arguments<T> {
  return {
    label: type.label,
    countMin: 1,
    countMax: 1,
    parse: ([word = ""], directive) => parseAt(type, { word, index: 0, directive }),
  };
}

/** Two arguments of their own types: `proxy_set_header field value;`. */
export function two<A, B>(first: ArgumentType<A>, second: ArgumentType<B>): Arguments<readonly [A, B]> {
  return {
    label: `${first.label} ${second.label}`,
    countMin: 2,
    countMax: 2,
    parse: ([a = "", b = ""], directive) => {
      const left = parseAt(first, { word: a, index: 0, directive });
      if (!left.ok) return left;
      const right = parseAt(second, { word: b, index: 1, directive });
      return right.ok ? ok([left.value, right.value]) : right;
    },
  };
}

/** An argument, and perhaps a second: `keepalive_timeout timeout [header_timeout];`. */
export function oneOrTwo<A, B>(
  first: ArgumentType<A>,
  second: ArgumentType<B>,
): Arguments<readonly [A, B | undefined]> {
  const both = two(first, second);
  const single = one(first);
  return {
    label: `${first.label} [${second.label}]`,
    countMin: 1,
    countMax: 2,
    parse: (words, directive) => {
      if (words.length === 2) return both.parse(words, directive);
      const value = single.parse(words, directive);
      return value.ok ? ok([value.value, undefined]) : value;
    },
  };
}

/** nginx's bound, NGX_CONF_MAX_ARGS, is 8 for what it counts itself; lists have none. */
export const ARGUMENT_COUNT_MAX = 1_000_000;

/** Any number of arguments of one type, at least `countMin`: `index file ...;`. */
export function many<T>(type: ArgumentType<T>, countMin: number = 1): Arguments<readonly T[]> {
  return {
    label: countMin === 0 ? `[${type.label} ...]` : `${type.label} ...`,
    countMin,
    countMax: ARGUMENT_COUNT_MAX,
    parse: (words, directive) => {
      const values: T[] = [];
      for (const [index, word] of words.entries()) {
        const value = parseAt(type, { word, index, directive });
        if (!value.ok) return value;
        values.push(value.value);
      }
      return ok(values);
    },
  };
}

interface WordAt {
  readonly word: string;
  readonly index: number;
  readonly directive: string;
}

function parseAt<T>(type: ArgumentType<T>, { word, index, directive }: WordAt): Result<T, ArgumentRefusal> {
  const value = type.parse(word, directive);
  return value.ok ? value : { ok: false, error: { ...value.error, index, words: type.words } };
}
