/**
 * What a location's directives do to its responses: head first, then body and trailers, in nginx's order: expires and
 * added fields, userid, addition, sub_filter, charset, forced ranges. Each sees what those before it have done;
 * `$sent_http_…` does not.
 *
 * Invariant: what `begin` gives for a head that it has seen is the same object, where nothing depends on the request.
 */
import { constantOf } from "../config/nginx/complex-value.ts";
import type { Validators } from "../http/conditional.ts";
import { parseHttpDate } from "../http/date.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import { type Evaluation, type Text, type Variables, byteText, compileText } from "../route/index.ts";
import { AddedFields, isUsual } from "./added-fields.ts";
import type { BodyFilter } from "./body-filter.ts";
import { Charset, type RangeKind } from "./charset.ts";
import { freshness, parseExpires } from "./expires.ts";
import { type Refusal, applyRange, isRangeAsked, refusalOf } from "./forced-ranges.ts";
import { HeadDraft } from "./head-draft.ts";
import { MediaTypes } from "./media-types.ts";
import type { Recoder } from "./recode.ts";
import type { AdditionSettings, ExpiresSettings, ResponseSettings, SubstitutionSettings } from "./settings.ts";
import { type Substitute, Substitution, chain } from "./substitution.ts";
import { UserIds } from "./user-id.ts";

export interface FilterInput {
  readonly head: ResponseHead;
  /** Its facts know the response's head already, for `$sent_http_…`. */
  readonly evaluation: Evaluation;
  /** False for a subrequest: only its body counts. */
  readonly isMain: boolean;
  /** Will a body follow? Not to HEAD, and not with 204 or 304. */
  readonly hasBody: boolean;
  /** May the body be changed? Not where it is a range of what is told by its ETag. */
  readonly mayTransform: boolean;
}

/** What becomes of a body, once its head has passed. */
interface Changes {
  readonly addition: Added | undefined;
  readonly substitutes: (() => BodyFilter) | undefined;
  readonly recoder: Recoder | undefined;
}

/**
 * Asked at the end of the body; with it, the body has to be chunked.
 * @param sent hears of the lines before there are any: for `$sent_trailer_…` in the later ones
 */
export type Trailers = (sent?: (lines: readonly FieldLine[]) => void) => readonly FieldLine[];

export interface FilterOutput {
  readonly head: ResponseHead;
  readonly body: BodyFilter | undefined;
  readonly trailers: Trailers | undefined;
  /** Paths of subrequests whose bodies stand before and after this one. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const noSettings: ResponseSettings = {
  headers: [], trailers: [], expires: undefined, charset: undefined, substitution: undefined, addition: undefined,
  userId: undefined,
};

export class ResponseFilters {
  readonly #headers: AddedFields;
  readonly #trailers: AddedFields;
  readonly #expires: Expires | undefined;
  readonly #userIds: UserIds | undefined;
  readonly #addition: Addition | undefined;
  readonly #substitutions: Substitutions | undefined;
  readonly #charset: Charset | undefined;
  readonly #forcesRanges: boolean;
  /** How long the head that is made of another one stays right. */
  readonly #lasts: "no" | "second" | "ever";

  /** @param forcesRanges are parts taken of what upstreams send whole? */
  constructor(settings: ResponseSettings | undefined, variables: Variables, forcesRanges: boolean = false) {
    const { headers, trailers, expires, userId, addition, substitution, charset } = settings ?? noSettings;
    this.#headers = new AddedFields(headers, variables);
    this.#trailers = new AddedFields(trailers, variables);
    this.#expires = expires && new Expires(expires, variables);
    this.#userIds = userId && new UserIds(userId, variables);
    this.#addition = addition && new Addition(addition);
    this.#substitutions = substitution && new Substitutions(substitution, variables);
    this.#charset = charset && new Charset(charset, variables);
    this.#forcesRanges = forcesRanges;
    const isConstant = !forcesRanges && this.#headers.isConstant && userId === undefined &&
      expires?.kind !== "variable" && this.#substitutions?.isConstant !== false && this.#charset?.isConstant !== false;
    const isTimed = expires?.kind === "after" || expires?.kind === "daily";
    this.#lasts = !isConstant ? "no" : isTimed ? "second" : "ever";
  }

  /** Takes a response's head, and says what becomes of it and of what follows. */
  begin(input: FilterInput): FilterOutput {
    const { head, evaluation, isMain, mayTransform } = input;
    const isPlain = isMain && mayTransform;
    const second = this.#lasts === "second" ? Math.floor(evaluation.facts.nowMs() / 1000) : -1;
    const { filtered } = head;
    if (isPlain && filtered?.by === this && filtered.second === second) return onlyHead(filtered.head);
    const output = this.#filter(input, new HeadDraft(head));
    if (isPlain && input.hasBody && this.#lasts !== "no" && this.#isOnlyHead(output)) {
      head.filtered = { by: this, head: output.head, second };
    }
    return output;
  }

  /** Is another answer due than this one, which has not begun? Where nobody asks, all of it leaves. */
  refusal(input: FilterInput): Refusal | undefined {
    if (!this.#forcesRanges || !input.isMain || !isRangeAsked(input.evaluation)) return undefined;
    const draft = new HeadDraft(input.head);
    this.#change(draft, input);
    return refusalOf(draft, input.head.fields, input.evaluation);
  }

  /** Which ranges may a body have that passes here? @param type its Content-Type */
  rangesOf(type: string): RangeKind {
    if (this.#addition?.types.has(type) === true || this.#substitutions?.types.has(type) === true) return "none";
    return this.#charset?.rangesOf(type) ?? "any";
  }

  /** Validators as they leave, for If-Range: add_header may replace them. */
  validators(own: Validators, evaluation: Evaluation): Validators {
    const etag = this.#headers.replaced("etag", evaluation) ?? own.etag;
    const date = this.#headers.replaced("last-modified", evaluation);
    const lastModifiedS = date === undefined ? own.lastModifiedS : parseHttpDate(date);
    return { etag: etag === "" ? undefined : etag, lastModifiedS };
  }

  /** The values of `$uid_got` and `$uid_set`. */
  provided(name: string, evaluation: Evaluation): string | undefined {
    switch (name) {
      case "uid_got": return this.#userIds?.got(evaluation);
      case "uid_set": return this.#userIds?.set(evaluation);
      default: return undefined;
    }
  }

  /** Of a response with a body: is it so for every request, of HTTP/1.0 and later? */
  #isOnlyHead({ head, body, before, after }: FilterOutput): boolean {
    const isWhole = body === undefined && before === undefined && after === undefined;
    return isWhole && !this.#trailers.concerns(head.status);
  }

  #filter(input: FilterInput, draft: HeadDraft): FilterOutput {
    const { evaluation, isMain, hasBody } = input;
    const { status } = draft;
    const { addition, substitutes, recoder } = this.#change(draft, input);
    const part = this.#forcesRanges && isMain ? applyRange(draft, evaluation) : undefined;
    const isTrailed = isMain && hasBody && takesTrailers(evaluation) && this.#trailers.concerns(status);
    if (isTrailed) draft.remove("content-length");
    return {
      head: isMain ? draft.head() : input.head,
      body: hasBody ? inTurn(substitutes?.(), recoder?.start(), part?.()) : undefined,
      trailers: isTrailed ? (sent) => this.#trailerLines(status, evaluation, sent) : undefined,
      before: hasBody ? addition?.before : undefined,
      after: hasBody ? addition?.after : undefined,
    };
  }

  /** What filters do to a head, whatever part of its body is asked for. */
  #change(draft: HeadDraft, { evaluation, isMain, mayTransform }: FilterInput): Changes {
    if (isMain) this.#addFields(draft, evaluation);
    const isEncoded = draft.get("content-encoding") !== undefined;
    return {
      addition: isMain && mayTransform && !isEncoded ? this.#addition?.apply(draft) : undefined,
      // Deviates: nginx looks for texts in bodies that are compressed, too.
      substitutes: mayTransform && !isEncoded ? this.#substitutions?.apply(draft, evaluation) : undefined,
      recoder: this.#charset?.apply({ draft, evaluation, mayTransform }),
    };
  }

  #trailerLines(status: number, evaluation: Evaluation, sent: Parameters<Trailers>[0]): readonly FieldLine[] {
    const lines: FieldLine[] = [];
    sent?.(lines);
    this.#trailers.addLines(lines, status, evaluation);
    return lines;
  }

  #addFields(draft: HeadDraft, evaluation: Evaluation): void {
    if (isUsual(usualStatus(draft, evaluation))) this.#expires?.apply(draft, evaluation);
    this.#headers.addTo(draft, usualStatus(draft, evaluation), evaluation);
    const cookie = this.#userIds?.cookie(evaluation);
    if (cookie === undefined) return;
    draft.add("Set-Cookie", cookie);
    if (this.#userIds?.p3p !== undefined) draft.add("P3P", this.#userIds.p3p);
  }
}

/** nginx adds fields to a 200, before it finds that the range is none of it; the 416 of an upstream is its own. */
function usualStatus(draft: HeadDraft, { facts }: Evaluation): number {
  const isOurs = draft.status === 416 && draft.get("content-range") !== undefined &&
    facts.upstreams().at(-1)?.status !== 416;
  return isOurs ? 200 : draft.status;
}

function onlyHead(head: ResponseHead): FilterOutput {
  return { head, body: undefined, trailers: undefined, before: undefined, after: undefined };
}

/** One behind the other. */
function inTurn(...filters: readonly (BodyFilter | undefined)[]): BodyFilter | undefined {
  return filters.reduce((first, second) =>
    first === undefined || second === undefined ? (first ?? second) : chain(first, second));
}

/** Trailers need chunks, or a later HTTP. */
function takesTrailers({ facts }: Evaluation): boolean {
  return facts.protocol !== "HTTP/1.0" && facts.protocol !== "HTTP/0.9";
}

class Expires {
  readonly #settings: ExpiresSettings;
  readonly #text: Text | undefined;

  constructor(settings: ExpiresSettings, variables: Variables) {
    this.#settings = settings;
    this.#text = settings.kind === "variable" ? compileText(settings.value, variables) : undefined;
  }

  apply(draft: HeadDraft, evaluation: Evaluation): void {
    const settings = this.#known(evaluation);
    if (settings === undefined || settings.kind === "variable") return;
    const lastModified = draft.get("last-modified");
    const lastModifiedS = lastModified === undefined ? undefined : parseHttpDate(lastModified);
    const fresh = freshness(settings, Math.floor(evaluation.facts.nowMs() / 1000), lastModifiedS);
    if (fresh === undefined) return;
    draft.set("Expires", fresh.expires);
    draft.set("Cache-Control", fresh.cacheControl);
  }

  /** What a variable says that is no time is passed over, as in nginx. */
  #known(evaluation: Evaluation): ExpiresSettings | undefined {
    const settings = this.#settings;
    if (settings.kind !== "variable") return settings;
    const parsed = parseExpires(this.#text?.(evaluation) ?? "", settings.modified);
    return parsed.ok ? parsed.value : undefined;
  }
}

interface Added {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

class Addition {
  readonly types: MediaTypes;
  readonly #added: Added;

  constructor({ before, after, types }: AdditionSettings) {
    this.types = new MediaTypes(types);
    const uri = (text: string): string | undefined => (text === "" ? undefined : byteText(text));
    this.#added = { before: uri(before), after: uri(after) };
  }

  apply(draft: HeadDraft): Added | undefined {
    if (draft.status !== 200 || !this.types.has(draft.get("content-type"))) return undefined;
    draft.changeLength();
    draft.weakenTag();
    return this.#added;
  }
}

class Substitutions {
  readonly types: MediaTypes;
  /** Is the same looked for in all bodies? */
  readonly isConstant: boolean;
  readonly #pairs: readonly { readonly search: Text; readonly replacement: Text }[];
  readonly #once: boolean;
  readonly #lastModified: boolean;

  constructor({ pairs, once, lastModified, types }: SubstitutionSettings, variables: Variables) {
    this.types = new MediaTypes(types);
    this.isConstant = pairs.every(({ search }) => constantOf(search) !== undefined);
    this.#pairs = pairs.map(({ search, replacement }) => (
      { search: compileText(search, variables), replacement: compileText(replacement, variables) }
    ));
    this.#once = once;
    this.#lastModified = lastModified;
  }

  /** @returns what makes a filter for the body, undefined when it has nothing to look for */
  apply(draft: HeadDraft, evaluation: Evaluation): (() => BodyFilter) | undefined {
    if (draft.get("content-length") === "0" || !this.types.has(draft.get("content-type"))) return undefined;
    const substitutes = this.#substitutes(evaluation);
    if (substitutes.length === 0) return undefined;
    draft.changeLength();
    if (this.#lastModified) {
      draft.weakenTag();
    } else {
      draft.remove("last-modified");
      draft.remove("etag");
    }
    return () => new Substitution(substitutes, this.#once);
  }

  #substitutes(evaluation: Evaluation): readonly Substitute[] {
    return this.#pairs.flatMap(({ search, replacement }) => {
      const text = search(evaluation);
      // Whose variables have no value is not looked for.
      return text === "" ? [] : [{ search: text, replacement: () => replacement(evaluation) }];
    });
  }
}
