/** add_header and add_trailer (ngx_http_headers_module), compiled. */
import { constantOf } from "../config/nginx/complex-value.ts";
import { isFieldValue } from "../http/characters.ts";
import type { FieldLine } from "../http/response-head.ts";
import { type Evaluation, type Text, type Variables, compileText } from "../route/index.ts";
import type { HeadDraft } from "./head-draft.ts";
import type { AddedField } from "./settings.ts";

/** Statuses that fields are added to without "always", and `expires`. */
const USUAL_STATUSES: ReadonlySet<number> = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308]);

export function isUsual(status: number): boolean {
  return USUAL_STATUSES.has(status);
}

interface CompiledField {
  readonly name: string;
  readonly lower: string;
  readonly value: Text;
  readonly always: boolean;
  readonly onlyHttps: boolean;
}

export class AddedFields {
  /** Has no value a variable? */
  readonly isConstant: boolean;
  readonly #fields: readonly CompiledField[];

  constructor(fields: readonly AddedField[], variables: Variables) {
    this.isConstant = fields.every(({ value, onlyHttps }) => onlyHttps !== true && constantOf(value) !== undefined);
    this.#fields = fields.map(({ name, value, always, onlyHttps = false }) => (
      { name, lower: name.toLowerCase(), value: compileText(value, variables), always, onlyHttps }
    ));
  }

  /** Is any added to a response of this status, as far as its value is not empty? */
  concerns(status: number): boolean {
    return this.#fields.some(({ always }) => always || isUsual(status));
  }

  /** The last value that is put in place of the file's own, "" for none; undefined where it stays. */
  replaced(field: "last-modified" | "etag", evaluation: Evaluation): string | undefined {
    return this.#fields.findLast(({ lower }) => lower === field)?.value(evaluation);
  }

  /** add_header. @param status which fields it is that are added */
  addTo(draft: HeadDraft, status: number, evaluation: Evaluation): void {
    for (const { name, lower, value, always, onlyHttps } of this.#fields) {
      if ((!always && !isUsual(status)) || (onlyHttps && evaluation.facts.scheme !== "https")) continue;
      const text = value(evaluation);
      if (!addOne(draft, { name, lower, text })) reportControl(evaluation, name);
    }
  }

  /** add_trailer. @param lines takes them one by one: the next may ask for the last */
  addLines(lines: FieldLine[], status: number, evaluation: Evaluation): void {
    for (const { name, value, always } of this.#fields) {
      if (!always && !isUsual(status)) continue;
      const text = value(evaluation);
      if (!isFieldValue(text)) reportControl(evaluation, name);
      else if (text !== "") lines.push([name, text]);
    }
  }
}

/** @returns false for a value that cannot leave */
function addOne(
  draft: HeadDraft, { name, lower, text }: { readonly name: string; readonly lower: string; readonly text: string },
): boolean {
  switch (lower) {
    // nginx: the response's own gives way, even to nothing.
    case "last-modified": case "etag":
      if (text !== "") return draft.set(name, text);
      draft.remove(name);
      return true;
    // Deviates: nginx sends a second Content-Type, and whoever reads it may take either (RFC 9110 §5.3).
    case "content-type":
      return text === "" || draft.set(name, text);
    default:
      return text === "" || draft.add(name, text);
  }
}

/** Deviates: nginx sends a CR or LF that came in by `$uri`, and the rest of the value is a field of its own. */
function reportControl({ facts }: Evaluation, name: string): void {
  facts.report("error", `field "${name}" was not added: its value has a control character`);
}
