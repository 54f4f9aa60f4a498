/**
 * The parameters of a request for uWSGI and FastCGI servers: those of the configuration, then the client's fields as
 * CGI names them (RFC 3875 §4.1.18), as nginx makes them. Texts are bytes, one character each.
 */
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { type Evaluation, type Text, type Variables, byteText, compileText } from "../../route/index.ts";
import type { ParamSettings } from "./settings.ts";

export type Param = readonly [name: string, value: string];

export interface ParamsOptions {
  readonly params: readonly ParamSettings[];
  /** Are the client's fields passed at all? */
  readonly passRequestHeaders: boolean;
  readonly underscoresInHeaders: boolean;
}

/** What is asked of a request. */
export interface ParamsRequest {
  readonly head: Pick<RequestHead, "fields">;
  readonly evaluation: Evaluation;
  /** Of the body that follows, if it is known; -1 otherwise. */
  readonly bodySize: number;
}

interface CompiledParam {
  readonly name: string;
  readonly value: Text;
  readonly ifNotEmpty: boolean;
  /** Is it the size of the body, as far as the request says it? */
  readonly isBodySize: boolean;
}

/**
 * nginx 1.29: unless a parameter says otherwise. A Host field is not believed where the target names another host
 * (RFC 9112 §3.2.2).
 */
const hostParam: ParamSettings = {
  name: "HTTP_HOST",
  value: ["host", "is_request_port", "request_port"].map((name) => ({ kind: "variable", name })),
  ifNotEmpty: false,
};

/** Never passed: CVE-2016-5385 has HTTP_PROXY, and the transfer coding was taken off. */
const neverPassed: readonly string[] = ["HTTP_PROXY", "HTTP_TRANSFER_ENCODING"];

export class Params {
  readonly #options: ParamsOptions;
  readonly #params: readonly CompiledParam[];
  /** Names whose fields are not passed. */
  readonly #without: ReadonlySet<string>;

  constructor(options: ParamsOptions, variables: Variables) {
    const { params } = options;
    this.#options = options;
    const own = params.map(({ name }) => name).filter((name) => name.startsWith("HTTP_"));
    const all = own.includes(hostParam.name) ? params : [...params, hostParam];
    this.#params = all.filter((param) => !isLeftOut(param)).map(({ name, value, ifNotEmpty }) => ({
      name: byteText(name),
      value: compileText(value, variables),
      ifNotEmpty,
      isBodySize: name === "CONTENT_LENGTH" && constantOf(value) === undefined,
    }));
    this.#without = new Set([...neverPassed, hostParam.name, ...own]);
  }

  /** Parameters in the order of the configuration, several of one name among them; then one for each other field. */
  make({ head, evaluation, bodySize }: ParamsRequest): readonly Param[] {
    const made: Param[] = [];
    for (const { name, value, ifNotEmpty, isBodySize } of this.#params) {
      let text = value(evaluation);
      // A body that came in chunks was gathered meanwhile.
      if (isBodySize && text === "" && bodySize >= 0) text = String(bodySize);
      if (text !== "" || !ifNotEmpty) made.push([name, text]);
    }
    if (this.#options.passRequestHeaders) made.push(...this.#fields(head));
    return made;
  }

  /** Fields of one name are one parameter (RFC 9110 §5.3), cookies as they stand in one field (RFC 6265 §5.4). */
  #fields({ fields }: ParamsRequest["head"]): ReadonlyMap<string, string> {
    const made = new Map<string, string>();
    for (let index = 0; index < fields.count; index++) {
      const name = fields.name(index);
      if (!this.#isPassed(name)) continue;
      const key = `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
      if (this.#without.has(key)) continue;
      const before = made.get(key);
      const separator = key === "HTTP_COOKIE" ? "; " : ", ";
      made.set(key, before === undefined ? fields.value(index) : `${before}${separator}${fields.value(index)}`);
    }
    return made;
  }

  /** One with "_" would pass for the one with "-" (CVE-2015-0219); of others, CGI knows letters, digits and hyphens. */
  #isPassed(name: string): boolean {
    return (this.#options.underscoresInHeaders || !name.includes("_")) && /^[\w-]+$/.test(name);
  }
}

/** nginx: an empty HTTP_X only takes the client's field away; any other parameter is sent, empty as it is. */
function isLeftOut({ name, value }: { readonly name: string; readonly value: ComplexValue }): boolean {
  return name.startsWith("HTTP_") && constantOf(value) === "";
}
