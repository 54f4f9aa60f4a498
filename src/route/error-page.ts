/** `error_page code … [=[response]] uri`: what is shown in place of an error, and with which status. */
import { type ComplexValue, parseComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import { compileText } from "./evaluate.ts";
import type { Evaluation } from "./evaluation.ts";
import { locationField } from "./location-field.ts";
import { splitArgs } from "./uri.ts";
import type { Variables } from "./variables.ts";

export interface ErrorPage {
  readonly codes: readonly number[];
  /** The status instead of the error's; "response" for "=" alone: whatever the page answers. */
  readonly status: number | "response" | undefined;
  readonly uri: ComplexValue;
}

/** What happens instead of an error's own page. */
export type ErrorPageOutcome =
  /** Go to that URI, with GET unless the request is HEAD. */
  | { readonly kind: "internal"; readonly path: string; readonly args: string; readonly status: number | "response" }
  /** Go to that named location, with the request's method. */
  | { readonly kind: "named"; readonly name: string; readonly status: number | "response" }
  | { readonly kind: "redirect"; readonly status: number; readonly target: string };

/** A client that violates TLS or HTTP is told 400, whatever the log says (nginx's own numbers). */
const shownAs400: readonly number[] = [494, 495, 496, 497];
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];

/** Reads the words behind `error_page`. */
export function parseErrorPage(words: readonly string[]): Result<ErrorPage, string> {
  const uri = words.at(-1);
  const response = words.at(-2);
  if (uri === undefined || response === undefined) {
    return err("invalid number of arguments in \"error_page\" directive");
  }
  let status: ErrorPage["status"];
  let codeWords = words.slice(0, -1);
  if (response.startsWith("=")) {
    codeWords = words.slice(0, -2);
    if (response !== "=" && !/^=\d{1,9}$/.test(response)) return err(`invalid value "${response}"`);
    status = response === "=" ? "response" : Number(response.slice(1));
  }
  if (codeWords.length === 0) return err(`invalid value "${response}"`);
  for (const word of codeWords) {
    if (!/^\d{1,9}$/.test(word) || word === "499") return err(`invalid value "${word}"`);
    if (Number(word) < 300 || Number(word) > 599) return err(`value "${word}" must be between 300 and 599`);
  }
  const value = parseComplexValue(uri);
  return value.ok ? ok({ codes: codeWords.map(Number), status, uri: value.value }) : value;
}

/** The error pages of one location, compiled. */
export class ErrorPages {
  readonly #byCode = new Map<number, (evaluation: Evaluation) => ErrorPageOutcome>();

  /** @param pages in the order of the file: the first for a code counts */
  constructor(pages: readonly ErrorPage[], variables: Variables) {
    for (const page of pages) {
      const uri = compileText(page.uri, variables);
      for (const code of page.codes) {
        if (this.#byCode.has(code)) continue;
        this.#byCode.set(code, (evaluation) => decide(page, { code, text: uri(evaluation) }));
      }
    }
  }

  /** What is shown for the status, undefined for its own page. */
  find(status: number, evaluation: Evaluation): ErrorPageOutcome | undefined {
    return this.#byCode.get(status)?.(evaluation);
  }
}

function decide(
  page: ErrorPage, { code, text }: { readonly code: number; readonly text: string },
): ErrorPageOutcome {
  const status = page.status ?? (shownAs400.includes(code) ? 400 : code);
  if (text.startsWith("/")) return { kind: "internal", ...splitArgs(text), status };
  if (text.startsWith("@")) return { kind: "named", name: text, status };
  const redirect = typeof page.status === "number" && redirectStatuses.includes(page.status) ? page.status : 302;
  return { kind: "redirect", status: redirect, target: locationField(text) };
}
