/**
 * Parts of what upstreams have sent whole (nginx: proxy_force_ranges and its like). It is the last of all filters: it
 * sees the length that those before it have left, and takes no part of what has none.
 *
 * Deviates: only for GET and HEAD (RFC 9110 §14.2: a Range with another method is ignored); nginx does it for all.
 */
import { ifRangeHolds } from "../http/conditional.ts";
import { parseHttpDate } from "../http/date.ts";
import { type ByteRange, contentRange, parseRange, unsatisfiedRange } from "../http/range.ts";
import type { FieldLine } from "../http/response-head.ts";
import type { Evaluation } from "../route/index.ts";
import { type Bytes, NO_BYTES } from "../std/bytes.ts";
import type { BodyFilter } from "./body-filter.ts";
import type { HeadDraft } from "./head-draft.ts";

const OK = 200, PARTIAL_CONTENT = 206, RANGE_NOT_SATISFIABLE = 416;
/** As in nginx, whatever max_ranges says: more than one get the whole. */
const COUNT_MAX = 1;

/** The response is not for this request: what is answered in its place. */
export interface Refusal {
  readonly status: number;
  readonly fields: readonly FieldLine[];
}

/** Fields of the whole, which say nothing of the page that a 416 has. */
const describingNames: ReadonlySet<string> = new Set([
  "accept-ranges", "content-encoding", "content-length", "content-range", "content-type", "etag", "last-modified",
]);

/** Is a part asked for, if there are parts? */
export function isRangeAsked({ facts }: Evaluation): boolean {
  return facts.field("range") !== undefined;
}

/** Makes the head that of the part which is asked for. @returns what takes that out of the body, undefined for all */
export function applyRange(draft: HeadDraft, evaluation: Evaluation): (() => BodyFilter) | undefined {
  const size = knownSize(draft, evaluation);
  if (size < 0) return undefined;
  const range = rangeOf(draft, size, evaluation);
  if (range === "unsatisfiable") return undefined;
  if (range === "whole") {
    draft.set("Accept-Ranges", "bytes");
    return undefined;
  }
  draft.setStatus(PARTIAL_CONTENT);
  draft.remove("accept-ranges");
  draft.replace("content-length", String(range.end - range.start));
  draft.set("Content-Range", contentRange(range, size));
  return () => new Part(range);
}

/** @param draft as applyRange() gets it @param fields of the upstream @returns undefined for what may begin */
export function refusalOf(
  draft: HeadDraft, fields: readonly FieldLine[], evaluation: Evaluation,
): Refusal | undefined {
  const size = knownSize(draft, evaluation);
  if (size < 0 || rangeOf(draft, size, evaluation) !== "unsatisfiable") return undefined;
  // nginx: what else the upstream says stays.
  const kept = fields.filter(([name]) => !describingNames.has(name.toLowerCase()));
  return { status: RANGE_NOT_SATISFIABLE, fields: [...kept, ["Content-Range", unsatisfiedRange(size)]] };
}

/** Of the body that parts may be taken of; −1 for none. */
function knownSize(draft: HeadDraft, { facts }: Evaluation): number {
  const length = draft.get("content-length");
  const isWhole = draft.status === OK && length !== undefined && /^\d+$/.test(length);
  // Whatever else is said in the location of an upstream (`return` in an `if`) has no parts.
  return isWhole && facts.upstreams().length > 0 && (facts.method === "GET" || facts.method === "HEAD")
    ? Number(length) : -1;
}

function rangeOf(draft: HeadDraft, size: number, { facts }: Evaluation): ByteRange | "whole" | "unsatisfiable" {
  const range = facts.field("range");
  if (range === undefined) return "whole";
  const ifRange = facts.field("if-range");
  if (ifRange !== undefined) {
    const modified = draft.get("last-modified");
    const lastModifiedS = modified === undefined ? undefined : parseHttpDate(modified);
    if (!ifRangeHolds(ifRange, { etag: draft.get("etag"), lastModifiedS })) return "whole";
  }
  const outcome = parseRange(range, size, COUNT_MAX);
  return typeof outcome === "string" ? outcome : (outcome[0] ?? "whole");
}

/** Lets one part of a body pass. */
class Part implements BodyFilter {
  #before: number;
  #left: number;

  constructor({ start, end }: ByteRange) {
    this.#before = start;
    this.#left = end - start;
  }

  push(bytes: Bytes): Bytes {
    const start = Math.min(this.#before, bytes.length);
    const end = Math.min(start + this.#left, bytes.length);
    this.#before -= start;
    this.#left -= end - start;
    return end > start ? bytes.subarray(start, end) : NO_BYTES;
  }

  end(): Bytes {
    return NO_BYTES;
  }
}
