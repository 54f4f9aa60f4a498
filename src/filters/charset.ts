/** `charset`: what is said about a body's charset, and whether the body has to be recoded (ngx_http_charset_module). */
import { constantOf } from "../config/nginx/complex-value.ts";
import { isFieldName } from "../http/characters.ts";
import { type Evaluation, type Text, type Variables, compileText } from "../route/index.ts";
import type { HeadDraft } from "./head-draft.ts";
import { MediaTypes } from "./media-types.ts";
import { type Recoder, Recoders } from "./recode.ts";
import type { CharsetSettings } from "./settings.ts";

/** Of a body, parts may be sent: several at once, only one, or none since its length changes. */
export type RangeKind = "any" | "one" | "none";

/** What there is to know of one response. */
export interface CharsetInput {
  readonly draft: HeadDraft;
  readonly evaluation: Evaluation;
  /** May the body be changed? */
  readonly mayTransform: boolean;
}

export class Charset {
  readonly isConstant: boolean;
  /** Undefined where the request says it. */
  readonly #constant: { readonly charset: string | undefined; readonly source: string | undefined };
  readonly #charset: Text;
  readonly #source: Text | undefined;
  readonly #types: MediaTypes;
  readonly #override: boolean;
  readonly #recoders: Recoders;

  constructor({ charset, types, source, override, maps }: CharsetSettings, variables: Variables) {
    this.isConstant = [charset, source].every((value) => value === undefined || constantOf(value) !== undefined);
    this.#constant = { charset: constantOf(charset), source: source && constantOf(source) };
    this.#charset = compileText(charset, variables);
    this.#source = source && compileText(source, variables);
    this.#types = new MediaTypes(types);
    this.#override = override;
    this.#recoders = new Recoders(maps);
  }

  /** Changes the head. @returns how the body is to be recoded, if it is */
  apply(input: CharsetInput): Recoder | undefined {
    const { draft, evaluation, mayTransform } = input;
    const type = draft.get("content-type");
    if (type === undefined || type === "") return undefined;
    const own = charsetOf(type);
    const wanted = this.#wanted(input, type, own);
    if (wanted === undefined) return undefined;
    const source = own ?? this.#source?.(evaluation) ?? "";
    if (source === "" || source.toLowerCase() === wanted.toLowerCase()) {
      setCharset(draft, type, wanted);
      return undefined;
    }
    if (!mayTransform || draft.get("content-encoding") !== undefined) return undefined;
    const recoder = this.#recoders.find(source, wanted);
    if (recoder === undefined) {
      evaluation.facts.report("error", `no "charset_map" between the charsets "${source}" and "${wanted}"`);
      return undefined;
    }
    setCharset(draft, type, wanted);
    if (recoder.changesLength) draft.changeLength();
    return recoder;
  }

  /** Which ranges may a body of this type have? @param contentType value of the field */
  rangesOf(contentType: string): RangeKind {
    const own = charsetOf(contentType);
    const isConcerned = own === undefined ? this.#source !== undefined && this.#types.has(contentType) : this.#override;
    if (!isConcerned) return "any";
    const { charset: to, source } = this.#constant;
    const from = own ?? source;
    const recoders = from === undefined || to === undefined ? this.#recoders.all : [this.#recoders.find(from, to)];
    if (recoders.every((recoder) => recoder === undefined)) return "any";
    // The lines between several parts are not to be recoded.
    return recoders.every((recoder) => recoder?.changesLength === false) ? "one" : "none";
  }

  /** The charset that the response shall have; undefined to leave it alone. */
  #wanted({ draft, evaluation }: CharsetInput, type: string, own: string | undefined): string | undefined {
    // nginx: old browsers took it for a part of the target.
    if (draft.status === 301 || draft.status === 302) return undefined;
    if (!(own === undefined ? this.#types.has(type) : this.#override)) return undefined;
    const wanted = this.#charset(evaluation);
    if (wanted === "" || isFieldName(wanted)) return wanted === "" ? undefined : wanted;
    evaluation.facts.report("error", "a charset was not set: it is no token");
    return undefined;
  }
}

const parameter = /;\s*charset=\s*"?([^";\s]*)"?/i;

function charsetOf(contentType: string): string | undefined {
  return parameter.exec(contentType)?.[1];
}

function setCharset(draft: HeadDraft, contentType: string, charset: string): void {
  draft.replace("content-type", `${contentType.replace(parameter, "")}; charset=${charset}`);
}
