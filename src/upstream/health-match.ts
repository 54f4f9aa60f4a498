/** Is a response what a health check wants? (nginx: match) */
import type { FieldLine } from "../http/response-head.ts";
import { Regex } from "../route/index.ts";
import type { MatchHeader, MatchSettings } from "./settings.ts";

/** So much of a body is looked at, as in nginx. */
export const BODY_SIZE_MAX = 262_144;

/** @returns is it there, with a value that is as wanted? */
type HeaderTest = (values: readonly string[]) => boolean;

/** A whole answer. */
export interface HealthAnswer {
  /** Of its head. */
  readonly lines: readonly FieldLine[];
  /** One character a byte, `BODY_SIZE_MAX` at most. */
  readonly body: string;
  readonly trailers: readonly FieldLine[];
}

/** Who says of a response what is wrong with it, in the log's words: "status code", "header"; undefined: nothing. */
export interface HealthJudge {
  readonly name: string;
  /** Is there more to judge than the head? */
  readonly wantsBody: boolean;
  head(status: number, lines: readonly FieldLine[]): string | undefined;
  whole(answer: HealthAnswer): string | undefined;
}

export class HealthMatch implements HealthJudge {
  /** "" for that of a check that names none. */
  readonly name: string;
  readonly #status: MatchSettings["status"];
  readonly #headers: readonly { readonly name: string; readonly test: HeaderTest }[];
  readonly #body: { readonly isNegated: boolean; readonly regex: Regex } | undefined;

  constructor(settings: MatchSettings | undefined) {
    this.name = settings?.name ?? "";
    this.#status = settings === undefined ? { isNegated: false, ranges: [[200, 399]] } : settings.status;
    this.#headers = (settings?.headers ?? []).map((header) => ({
      name: header.name.toLowerCase(), test: headerTest(header),
    }));
    const { body } = settings ?? {};
    this.#body = body && { isNegated: body.isNegated, regex: new Regex(body.pattern) };
  }

  /** Is the body looked at? */
  get wantsBody(): boolean {
    return this.#body !== undefined;
  }

  head(status: number, lines: readonly FieldLine[]): string | undefined {
    if (this.#status !== undefined) {
      const isAmong = this.#status.ranges.some(([first, last]) => first <= status && status <= last);
      if (isAmong === this.#status.isNegated) return "status code";
    }
    for (const { name, test } of this.#headers) {
      const values = lines.flatMap(([own, value]) => (own.toLowerCase() === name ? [value] : []));
      if (!test(values)) return "header";
    }
    return undefined;
  }

  whole({ body }: Pick<HealthAnswer, "body">): string | undefined {
    if (this.#body === undefined) return undefined;
    const isFound = this.#body.regex.exec(body) !== undefined;
    return isFound === this.#body.isNegated ? "body" : undefined;
  }
}

function headerTest({ isNegated, test }: MatchHeader): HeaderTest {
  switch (test.kind) {
    case "present": return (values) => values.length > 0 !== isNegated;
    case "equal": return (values) => values.includes(test.value) !== isNegated;
    case "regex": {
      const regex = new Regex(test.pattern);
      return (values) => values.some((value) => regex.exec(value) !== undefined) !== isNegated;
    }
  }
}
