/** proxy_redirect: where an upstream sends its clients, as they know it (ngx_http_proxy_module). */
import { locationField } from "../../route/index.ts";
import type { Evaluation, Variables } from "../../route/index.ts";
import { PrefixReplacer } from "./replacer.ts";
import type { Replacement } from "./settings.ts";

/** What rewriting asks of a request. */
export interface RedirectRequest {
  readonly evaluation: Evaluation;
  /** For "default": what stands in proxy_pass, and the prefix of the location; undefined where there is none. */
  readonly redirectDefault: { readonly from: string; readonly to: string } | undefined;
  /** Puts scheme, host and port before a path as absolute_redirect says; without it the path stays alone. */
  readonly ownLocation?: (path: string) => string;
}

export class Redirects {
  readonly #rules: readonly (PrefixReplacer | "default")[];

  constructor(rules: readonly (Replacement | "default")[], variables: Variables) {
    this.#rules = rules.map((rule) => (rule === "default" ? rule : new PrefixReplacer(rule, variables)));
  }

  /** The value of a Location field. */
  location(value: string, request: RedirectRequest): string {
    const replaced = this.#replaced(value, request);
    if (replaced === undefined) return value;
    return replaced.startsWith("/") ? (request.ownLocation?.(replaced) ?? replaced) : replaced;
  }

  /** The value of a Refresh field: "5; url=http://…". */
  refresh(value: string, request: RedirectRequest): string {
    const urlStart = value.toLowerCase().indexOf("url=") + "url=".length;
    if (urlStart < "url=".length) return value;
    const replaced = this.#replaced(value.slice(urlStart), request);
    return replaced === undefined ? value : value.slice(0, urlStart) + replaced;
  }

  /** The first rule that applies is the only one. */
  #replaced(url: string, { evaluation, redirectDefault }: RedirectRequest): string | undefined {
    for (const rule of this.#rules) {
      if (rule !== "default") {
        const replaced = rule.replace(url, evaluation);
        if (replaced !== undefined) return locationField(replaced);
      } else if (redirectDefault !== undefined && url.startsWith(redirectDefault.from)) {
        return redirectDefault.to + url.slice(redirectDefault.from.length);
      }
    }
    return undefined;
  }
}
