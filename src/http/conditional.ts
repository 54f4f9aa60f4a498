/**
 * Preconditions of a request (RFC 9110 §13) against what a resource is now.
 *
 * The order is that of RFC 9110 §13.2.2, with nginx's answer where two fields speak of the same thing:
 * Deviates: If-Unmodified-Since beside If-Match, and If-Modified-Since beside If-None-Match, are not ignored; all must
 * hold. Whoever sends both gets 412 or 200 more often, never an old representation.
 */
import { parseHttpDate } from "./date.ts";
import type { FieldSection } from "./field-section.ts";
import type { RequestConditions } from "./request-conditions.ts";

/** What is known of the selected representation. */
export interface Validators {
  readonly etag: string | undefined;
  /** Seconds since the epoch, undefined without a Last-Modified. */
  readonly lastModifiedS: number | undefined;
}

/** nginx's if_modified_since: how the date must compare. */
export type ModifiedSinceMode = "exact" | "before" | "off";

/** Nothing to check, or all held: go on | 304 | 412. */
export type ConditionOutcome = "proceed" | "not-modified" | "failed";

const NAMES = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"] as const;

/** The conditions of a request, undefined when it has none; a section that comes again is not searched again. */
export function conditionsOf(fields: FieldSection): RequestConditions | undefined {
  fields.conditions ??= findConditions(fields) ?? "none";
  return fields.conditions === "none" ? undefined : fields.conditions;
}

function findConditions(fields: FieldSection): RequestConditions | undefined {
  const [ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange, range] = NAMES.map((name) =>
    fields.get(name),
  );
  const found = ifMatch ?? ifNoneMatch ?? ifModifiedSince ?? ifUnmodifiedSince ?? range;
  if (found === undefined) return undefined;
  return { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange, range };
}

/** Evaluates everything but Range and If-Range, for a response that would be 200. */
export function evaluateConditions(
  conditions: RequestConditions, validators: Validators, mode: ModifiedSinceMode,
): ConditionOutcome {
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince } = conditions;
  // RFC 9110 §13.2.2 (1), (2).
  if (ifMatch !== undefined && !matches(ifMatch, validators.etag, false)) return "failed";
  if (ifUnmodifiedSince !== undefined && !isUnmodified(ifUnmodifiedSince, validators)) return "failed";
  // (3), (4); that GET and HEAD are meant is the caller's to know.
  if (ifNoneMatch === undefined && ifModifiedSince === undefined) return "proceed";
  if (ifNoneMatch !== undefined && !matches(ifNoneMatch, validators.etag, true)) return "proceed";
  if (ifModifiedSince !== undefined && isModified(ifModifiedSince, validators, mode)) return "proceed";
  return "not-modified";
}

/** May a Range be honoured (RFC 9110 §13.1.5)? @param ifRange an entity tag or a date */
export function ifRangeHolds(ifRange: string, validators: Validators): boolean {
  // A strong comparison; a weak tag that we gave (we give none) would match itself in nginx.
  if (ifRange.endsWith('"')) return ifRange === validators.etag && !ifRange.startsWith("W/");
  return validators.lastModifiedS !== undefined && parseHttpDate(ifRange) === validators.lastModifiedS;
}

function isUnmodified(since: string, { lastModifiedS }: Validators): boolean {
  const date = parseHttpDate(since);
  return lastModifiedS !== undefined && date !== undefined && date >= lastModifiedS;
}

function isModified(since: string, { lastModifiedS }: Validators, mode: ModifiedSinceMode): boolean {
  if (lastModifiedS === undefined || mode === "off") return true;
  const date = parseHttpDate(since);
  if (date === undefined) return true;
  return mode === "exact" ? date !== lastModifiedS : date < lastModifiedS;
}

/** RFC 9110 §8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE; a tag may contain a comma. */
const ENTITY_TAG = /[ \t,]*((?:W\/)?"[^"]*")[ \t]*(?=,|$)|[ \t,]*[^,]+/gy;

/** Is the tag in the list, or the list "*" (RFC 9110 §13.1.1, §13.1.2)? What is no tag is passed over. */
function matches(list: string, etag: string | undefined, weak: boolean): boolean {
  if (list === "*") return true;
  if (etag === undefined) return false;
  const wanted = weak ? strength(etag) : etag;
  for (const [, tag] of list.matchAll(ENTITY_TAG)) {
    if (tag === undefined) continue;
    if (weak ? strength(tag) === wanted : tag === wanted && !tag.startsWith("W/")) return true;
  }
  return false;
}

/** The opaque tag, without its weakness. */
function strength(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
