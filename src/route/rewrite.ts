/**
 * The script of a server or a location: its rewrite directives, one after the other, as nginx runs them.
 *
 * - `if` runs what is in it when its condition holds, and puts the settings of its pseudo-location in force; what comes
 *   behind it runs as well. The last `if` that held decides about settings and handler.
 * - `rewrite` changes the URI; without a flag the script goes on with it. When the script ends with a changed URI, the
 *   location is looked for again, unless the last word was `break`.
 * - Groups that go into arguments, or into a redirect, are escaped if the target had escapes; in a path they are as
 *   decoded (quotable-text.ts).
 *
 * A script that asks about files may have to wait; every other one is done when `run` returns.
 */
import { type CompiledCondition, compileCondition } from "./condition.ts";
import { type Text, compileText } from "./evaluate.ts";
import type { Evaluation, Variable } from "./evaluation.ts";
import type { FileFinder } from "./files.ts";
import { locationField } from "./location-field.ts";
import { type QuotableText, compileQuotable } from "./quotable-text.ts";
import type { Rewrite, RewriteDirective } from "./rewrite-directive.ts";
import { unescapeRedirect } from "./uri.ts";
import type { Matcher, Variables } from "./variables.ts";

export type RewriteOutcome = RewriteEnd & {
  /** The pseudo-location of the last condition that held: its settings are in force, also for error pages. */
  readonly location: number | undefined;
};

export type RewriteEnd =
  | { readonly kind: "continue" }
  /** The URI is another one: look for the location again. */
  | { readonly kind: "search" }
  | { readonly kind: "redirect"; readonly status: number; readonly target: string }
  /** `text` undefined: the status' own page, or an error page. 444 closes the connection. */
  | { readonly kind: "return"; readonly status: number; readonly text: string | undefined }
  | { readonly kind: "error"; readonly status: 500; readonly message: string };

/** Statuses whose text is a Location. */
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/** One directive; an `if` says where to go on when it does not hold. */
type Step =
  | { readonly kind: "set"; readonly variable: Variable; readonly value: QuotableText }
  | { readonly kind: "if"; readonly holds: CompiledCondition; readonly location: number; readonly otherwise: number }
  | CompiledRewrite
  | { readonly kind: "return"; readonly status: number; readonly text: Text | undefined }
  | { readonly kind: "break" };

interface CompiledRewrite {
  readonly kind: "rewrite";
  readonly matcher: Matcher;
  readonly path: QuotableText;
  readonly args: QuotableText | undefined;
  readonly keepsArgs: boolean;
  readonly flag: Rewrite["flag"];
}

/** What one run has come to. */
interface Run {
  readonly evaluation: Evaluation;
  readonly files: FileFinder;
  location: number | undefined;
  uriChanged: boolean;
  /** No rewrite has matched yet: groups in values are escaped (quotable-text.ts). */
  quotes: boolean;
}

export class RewriteScript {
  readonly #steps: readonly Step[];

  constructor(directives: readonly RewriteDirective[], variables: Variables) {
    const steps: Step[] = [];
    compileSteps(directives, variables, steps);
    this.#steps = steps;
  }

  /** Runs the script for a request whose URI and variables it changes. */
  run(evaluation: Evaluation, files: FileFinder): RewriteOutcome | Promise<RewriteOutcome> {
    return this.#from(0, { evaluation, files, location: undefined, uriChanged: false, quotes: true });
  }

  #from(start: number, run: Run): RewriteOutcome | Promise<RewriteOutcome> {
    const { evaluation } = run;
    let next = start;
    for (;;) {
      const step = this.#steps[next++];
      if (step === undefined) return ended(run);
      switch (step.kind) {
        case "set":
          evaluation.assign(step.variable, step.value(evaluation, run.quotes));
          break;
        case "break":
          run.uriChanged = false;
          return ended(run);
        case "return":
          evaluation.returning = step.status;
          return { location: run.location, ...returned(step.status, step.text?.(evaluation)) };
        case "rewrite": {
          if (!step.matcher.matchesOrEmpties(evaluation.path, evaluation)) break;
          const end = rewrite(step, run);
          if (end !== undefined) return { location: run.location, ...end };
          break;
        }
        case "if": {
          const holds = step.holds(evaluation, run);
          if (typeof holds === "object") {
            const following = next;
            return holds.then((known) => this.#from(chosen(step, known, { following, run }), run));
          }
          next = chosen(step, holds, { following: next, run });
        }
      }
    }
  }
}

function chosen(
  { location, otherwise }: Extract<Step, { kind: "if" }>, holds: boolean,
  { following, run }: { readonly following: number; readonly run: Run },
): number {
  if (!holds) return otherwise;
  run.location = location;
  run.evaluation.facts.enterLocation(location);
  return following;
}

function ended({ uriChanged, location }: Run): RewriteOutcome {
  return { kind: uriChanged ? "search" : "continue", location };
}

function returned(status: number, text: string | undefined): RewriteEnd {
  if (text === undefined || !redirectStatuses.includes(status)) return { kind: "return", status, text };
  return { kind: "redirect", status, target: locationField(text) };
}

/** Puts the replacement in force. @returns the end of the script, undefined when it goes on */
function rewrite(step: CompiledRewrite, run: Run): RewriteEnd | undefined {
  const { evaluation } = run;
  if (step.flag === "redirect" || step.flag === "permanent") {
    const status = step.flag === "permanent" ? 301 : 302;
    return { kind: "redirect", status, target: redirectTarget(step, evaluation) };
  }
  const path = step.path(evaluation, false);
  const args = step.args?.(evaluation, true);
  run.quotes = false;
  if (args !== undefined) {
    evaluation.args = step.keepsArgs && evaluation.args !== "" ? `${args}&${evaluation.args}` : args;
  } else if (!step.keepsArgs) evaluation.args = "";
  if (path === "") return { kind: "error", status: 500, message: "the rewritten URI has a zero length" };
  evaluation.path = path;
  evaluation.internal = true;
  run.uriChanged = step.flag !== "break";
  evaluation.isRewritten = !run.uriChanged;
  return step.flag === undefined ? undefined : ended(run);
}

function redirectTarget(step: CompiledRewrite, evaluation: Evaluation): string {
  const path = step.path(evaluation, true);
  const args = step.args === undefined ? "" : `?${step.args(evaluation, true)}`;
  const text = unescapeRedirect(path + args);
  if (!step.keepsArgs || evaluation.args === "") return locationField(text);
  return locationField(`${text}${step.args === undefined ? "?" : "&"}${evaluation.args}`);
}

function compileSteps(directives: readonly RewriteDirective[], variables: Variables, steps: Step[]): void {
  for (const directive of directives) {
    switch (directive.kind) {
      case "set": {
        const declared = variables.declare(directive.variable);
        const variable = declared.ok ? declared.value : variables.variable(directive.variable);
        steps.push({ kind: "set", variable, value: compileQuotable(directive.value, variables) });
        break;
      }
      case "if": {
        const { condition, location } = directive;
        const index = steps.push({ kind: "break" }) - 1;
        compileSteps(directive.directives, variables, steps);
        const holds = compileCondition(condition, variables);
        steps[index] = { kind: "if", holds, location, otherwise: steps.length };
        break;
      }
      case "rewrite": steps.push(compileRewrite(directive, variables)); break;
      case "return": {
        const text = directive.text === undefined ? undefined : compileText(directive.text, variables);
        steps.push({ kind: "return", status: directive.status, text });
        break;
      }
      case "break": steps.push(directive); break;
    }
  }
}

function compileRewrite({ pattern, path, args, keepsArgs, flag }: Rewrite, variables: Variables): CompiledRewrite {
  const matcher = variables.matcher(pattern);
  return {
    kind: "rewrite", matcher, keepsArgs, flag,
    path: compileQuotable(path, variables),
    args: args === undefined ? undefined : compileQuotable(args, variables),
  };
}
