/**
 * The script of a server or a location: its rewrite directives, one after the other, as nginx runs them.
 *
 * - `if` runs what is in it when its condition holds, and puts the settings of its pseudo-location in force; what comes
 *   behind it runs as well. The last `if` that held decides about settings and handler.
 * - `rewrite` changes the URI; without a flag the script goes on with it. When the script ends with a changed URI, the
 *   location is looked for again, unless the last word was `break`.
 * - Groups that go into arguments, or into a redirect, are escaped if the target had escapes; elsewhere they are as
 *   decoded.
 *
 * A script that asks about files may have to wait; every other one is done when `run` returns.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { type CompiledCondition, compileCondition } from "./condition.ts";
import { type Text, compileText } from "./evaluate.ts";
import type { Evaluation, Variable } from "./evaluation.ts";
import type { FileFinder } from "./files.ts";
import { locationField } from "./location-field.ts";
import type { Rewrite, RewriteDirective } from "./rewrite-directive.ts";
import { escapeUri, unescapeRedirect } from "./uri.ts";
import type { Matcher, Variables } from "./variables.ts";

export type RewriteOutcome =
  /** Go on, with the settings of that pseudo-location if one of the conditions held. */
  | { readonly kind: "continue"; readonly location: number | undefined }
  /** The URI is another one: look for the location again. */
  | { readonly kind: "search" }
  | { readonly kind: "redirect"; readonly status: number; readonly location: string }
  /** `text` undefined: the status' own page, or an error page. 444 closes the connection. */
  | { readonly kind: "return"; readonly status: number; readonly text: string | undefined }
  | { readonly kind: "error"; readonly status: 500; readonly message: string };

/** Statuses whose text is a Location. */
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/** One directive; an `if` says where to go on when it does not hold. */
type Step =
  | { readonly kind: "set"; readonly variable: Variable; readonly value: Text }
  | { readonly kind: "if"; readonly holds: CompiledCondition; readonly location: number; readonly otherwise: number }
  | CompiledRewrite
  | { readonly kind: "return"; readonly status: number; readonly text: Text | undefined }
  | { readonly kind: "break" };

interface CompiledRewrite {
  readonly kind: "rewrite";
  readonly matcher: Matcher;
  readonly path: readonly Part[];
  readonly args: readonly Part[] | undefined;
  readonly keepsArgs: boolean;
  readonly flag: Rewrite["flag"];
}

/** A part of a replacement; groups may have to be escaped. */
interface Part {
  readonly text: Text;
  readonly isGroup: boolean;
}

/** What one run has come to. */
interface Run {
  readonly evaluation: Evaluation;
  readonly files: FileFinder;
  location: number | undefined;
  uriChanged: boolean;
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
    return this.#from(0, { evaluation, files, location: undefined, uriChanged: false });
  }

  #from(start: number, run: Run): RewriteOutcome | Promise<RewriteOutcome> {
    const { evaluation } = run;
    let next = start;
    for (;;) {
      const step = this.#steps[next++];
      if (step === undefined) return ended(run);
      switch (step.kind) {
        case "set":
          evaluation.assign(step.variable, step.value(evaluation));
          break;
        case "break":
          run.uriChanged = false;
          return ended(run);
        case "return":
          return returned(step.status, step.text?.(evaluation));
        case "rewrite": {
          if (!step.matcher.matches(evaluation.path, evaluation)) break;
          const outcome = rewrite(step, run);
          if (outcome !== undefined) return outcome;
          break;
        }
        case "if": {
          const holds = step.holds(evaluation, run.files);
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
  return following;
}

function ended({ uriChanged, location }: Run): RewriteOutcome {
  return uriChanged ? { kind: "search" } : { kind: "continue", location };
}

function returned(status: number, text: string | undefined): RewriteOutcome {
  if (text === undefined || !redirectStatuses.includes(status)) return { kind: "return", status, text };
  return { kind: "redirect", status, location: locationField(text) };
}

/** Puts the replacement in force. @returns the end of the script, undefined when it goes on */
function rewrite(step: CompiledRewrite, run: Run): RewriteOutcome | undefined {
  const { evaluation } = run;
  if (step.flag === "redirect" || step.flag === "permanent") {
    return { kind: "redirect", status: step.flag === "permanent" ? 301 : 302, location: redirectTarget(step, evaluation) };
  }
  const path = joined(step.path, evaluation, false);
  const args = step.args === undefined ? undefined : joined(step.args, evaluation, evaluation.quoted);
  if (args !== undefined) evaluation.args = step.keepsArgs && evaluation.args !== "" ? `${args}&${evaluation.args}` : args;
  else if (!step.keepsArgs) evaluation.args = "";
  if (path === "") return { kind: "error", status: 500, message: "the rewritten URI has a zero length" };
  evaluation.path = path;
  evaluation.internal = true;
  run.uriChanged = step.flag !== "break";
  return step.flag === undefined ? undefined : ended(run);
}

function redirectTarget(step: CompiledRewrite, evaluation: Evaluation): string {
  const path = joined(step.path, evaluation, evaluation.quoted);
  const args = step.args === undefined ? "" : `?${joined(step.args, evaluation, evaluation.quoted)}`;
  const text = evaluation.quoted ? unescapeRedirect(path + args) : path + args;
  if (!step.keepsArgs || evaluation.args === "") return locationField(text);
  return locationField(`${text}${step.args === undefined ? "?" : "&"}${evaluation.args}`);
}

function joined(parts: readonly Part[], evaluation: Evaluation, escapesGroups: boolean): string {
  let text = "";
  for (const part of parts) {
    const value = part.text(evaluation);
    text += part.isGroup && escapesGroups ? escapeUri(value, "args") : value;
  }
  return text;
}

function compileSteps(directives: readonly RewriteDirective[], variables: Variables, steps: Step[]): void {
  for (const directive of directives) {
    switch (directive.kind) {
      case "set": {
        const declared = variables.declare(directive.variable);
        const variable = declared.ok ? declared.value : variables.variable(directive.variable);
        steps.push({ kind: "set", variable, value: compileText(directive.value, variables) });
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
  const parts = (value: ComplexValue): readonly Part[] =>
    value.map((part) => ({ text: compileText([part], variables), isGroup: part.kind === "capture" }));
  return { kind: "rewrite", matcher, path: parts(path), args: args === undefined ? undefined : parts(args), keepsArgs, flag };
}
