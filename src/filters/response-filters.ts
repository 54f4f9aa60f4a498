/**
 * What a location's directives do to its responses: head first, then body and trailers.
 */
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { Evaluation, Variables } from "../route/index.ts";
import type { BodyFilter } from "./body-filter.ts";
import type { ResponseSettings } from "./settings.ts";

export interface FilterInput {
  readonly head: ResponseHead;
  readonly evaluation: Evaluation;
  /** False for a subrequest: its head leads nowhere. */
  readonly isMain: boolean;
  /** Will a body follow? Not to HEAD, and not with 204 or 304. */
  readonly hasBody: boolean;
  /** May the body be changed? */
  readonly mayTransform: boolean;
  /** What X-Accel-Charset says. */
  readonly charset?: string | undefined;
}

export interface FilterOutput {
  readonly head: ResponseHead;
  readonly body: BodyFilter | undefined;
  /** Asked at the end of the body; with it, the body has to be chunked. */
  readonly trailers: (() => readonly FieldLine[]) | undefined;
  /** URIs of subrequests whose bodies stand before and after this one. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export class ResponseFilters {
  readonly #settings: ResponseSettings;

  constructor(settings: ResponseSettings, variables: Variables) {
    void variables;
    this.#settings = settings;
  }

  begin({ head }: FilterInput): FilterOutput {
    void this.#settings;
    return { head, body: undefined, trailers: undefined, before: undefined, after: undefined };
  }

  /** May the body of a response of this type be changed here, so that it has no ranges? @param type its Content-Type */
  changesBody(type: string): boolean {
    void type;
    return false;
  }

  /** The values of `$uid_got` and `$uid_set`. */
  provided(name: string, evaluation: Evaluation): string | undefined {
    void [name, evaluation];
    return undefined;
  }
}
