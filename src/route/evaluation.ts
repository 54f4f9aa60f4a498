/**
 * The variables of one request: the values that were asked for, the groups of the last expression that matched, and
 * what rewriting changes, which is the URI and its arguments.
 */
import type { RequestFacts } from "./request-facts.ts";
import type { RequestUri } from "./uri.ts";

/** Longest chain of variables that ask for each other (nginx: 100). */
export const VARIABLE_DEPTH_MAX = 100;

/** Most times that a URI is changed for one request (nginx's NGX_HTTP_MAX_URI_CHANGES). */
export const URI_CHANGES_MAX = 10;

/** A variable; made once, at load. Its getter is found when all of the configuration was read (variables.ts). */
export interface Variable {
  /** In lower case. */
  readonly name: string;
  /** Asked for again at each use. */
  readonly isVolatile: boolean;
  /** undefined when there is no value: "-" in logs, "" elsewhere. */
  readonly get: (evaluation: Evaluation) => string | undefined;
  /** The same for all requests with the same fields on the same connection, in the same location. */
  readonly isSteady: () => boolean;
  /** For those whose assignment does more than to be remembered. */
  readonly assign: ((evaluation: Evaluation, value: string) => void) | undefined;
}

export class Evaluation {
  readonly facts: RequestFacts;
  /** `$uri`: normalised. */
  path = "/";
  /** `$args` */
  args = "";
  /** Were there escapes or "+" in the target's path? (uri.ts) */
  quoted = false;
  /** The status of the `return` whose text is being made; 0 without one. */
  returning = 0;
  /** Did its location change the path (`rewrite … break`)? Then that is no longer what the location has matched. */
  isRewritten = false;
  /** May it enter `internal` locations? */
  internal = false;
  /** `$1` and so on: of the last expression that matched, unless one of `rewrite` or `if` has not since. */
  groups: readonly string[] = noGroups;
  #uriChanges = 0;
  #depth = 0;
  #values: Map<Variable, string | undefined> | undefined;

  constructor(facts: RequestFacts) {
    this.facts = facts;
  }

  /** A request within this one, with a URI of its own. What one of them assigns or remembers, both know. */
  subrequest(facts: RequestFacts, uri: Pick<RequestUri, "path" | "args">): Evaluation {
    const evaluation = new Evaluation(facts);
    evaluation.redirectInternally(uri);
    evaluation.#values = this.#values ??= new Map();
    return evaluation;
  }

  /** Sets what the target says; values made of an earlier URI stay, as in nginx. */
  setUri({ path, args, quoted }: RequestUri): void {
    this.path = path;
    this.args = args;
    this.quoted = quoted;
  }

  /** Goes to another location with this URI: of an error page, a file that was tried, X-Accel-Redirect. */
  redirectInternally({ path, args }: Pick<RequestUri, "path" | "args">): void {
    this.path = path;
    this.args = args;
    this.internal = true;
  }

  /** Counts a change of the URI or location. @returns false when there were too many: a 500 */
  countUriChange(): boolean {
    return ++this.#uriChanges <= URI_CHANGES_MAX;
  }

  /** The value of a variable, made at most once unless it is volatile; undefined when there is none. */
  value(variable: Variable): string | undefined {
    if (variable.isVolatile) return this.#made(variable);
    const values = (this.#values ??= new Map<Variable, string | undefined>());
    const value = values.get(variable);
    if (value !== undefined || values.has(variable)) return value;
    const made = this.#made(variable);
    values.set(variable, made);
    return made;
  }

  #made(variable: Variable): string | undefined {
    if (this.#depth >= VARIABLE_DEPTH_MAX) {
      this.facts.report("error", `cycle while evaluating variable "${variable.name}"`);
      return undefined;
    }
    this.#depth++;
    const value = variable.get(this);
    this.#depth--;
    return value;
  }

  assign(variable: Variable, value: string): void {
    if (variable.assign !== undefined) variable.assign(this, value);
    else (this.#values ??= new Map()).set(variable, value);
  }
}

const noGroups: readonly string[] = [];
