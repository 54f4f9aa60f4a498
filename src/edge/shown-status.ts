/**
 * What a client is shown in place of a status: error_page's choice, and what that makes of the response which comes
 * then. An error within an error's page counts in its place. As with nginx, the location of an error says whether what
 * its page leads to may have error pages, too (recursive_error_pages).
 */
import { type FieldLine, NO_LINES, type ResponseHead } from "../http/response-head.ts";
import type { ErrorPageOutcome, Evaluation } from "../route/index.ts";
import type { CompiledLocation } from "./compiled-site.ts";
import { keepFields } from "./internal-redirect.ts";

/** Fields of an error that its page is shown with. */
const keptOfErrors: readonly string[] = ["WWW-Authenticate", "Content-Range", "Location"];

export class ShownStatus {
  /** What the next response is shown with; undefined: with its own. */
  status: number | undefined = undefined;
  #isLast = false;
  /** Fields of an earlier response that stay. */
  #kept: readonly FieldLine[] = NO_LINES;

  /** @returns where the status leads, undefined to the server's own page */
  page(
    status: number, fields: readonly FieldLine[], { errorPages, http }: CompiledLocation, evaluation: () => Evaluation,
  ): ErrorPageOutcome | undefined {
    this.status = status;
    if (errorPages === undefined || this.#isLast) return undefined;
    const page = errorPages.find(status, evaluation());
    if (page === undefined) return undefined;
    this.#isLast = !http.recursiveErrorPages;
    if (page.kind === "redirect") return page;
    this.status = page.status === "response" ? undefined : page.status;
    this.#kept = fields.filter(([name]) => keptOfErrors.includes(name));
    return page;
  }

  /** The response that comes next has these fields instead of its own. */
  keep(fields: readonly FieldLine[]): void {
    this.#kept = fields;
  }

  /** The head of a response as it is shown. */
  headOf(head: ResponseHead): ResponseHead {
    const { status = head.status } = this;
    // A part of a page that is shown with 200, or that the client has already, is what the client asked for.
    const isPart = status === 200 && [206, 304, 416].includes(head.status);
    if (isPart || (this.status === undefined && this.#kept.length === 0)) return head;
    return keepFields(head, status, this.#kept);
  }
}
