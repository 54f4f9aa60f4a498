/** What a request says to the balancer of its upstream: the key of `hash`, what it sticks to. */
import { type Evaluation, type Text, type Variables, compileText } from "../../route/index.ts";
import type { Choice, UpstreamSettings } from "../../upstream/index.ts";

/** The request, as it chooses. */
export interface ChoosingRequest {
  readonly client: { readonly address: string };
  readonly evaluation: Evaluation;
}

export class Chooser {
  readonly #key: Text | undefined;
  readonly #sticky: ((evaluation: Evaluation) => string | undefined) | undefined;
  /** For methods that look at nothing. */
  readonly #isBlind: boolean;

  constructor({ balance, sticky }: UpstreamSettings, variables: Variables) {
    this.#key = balance.kind === "hash" ? compileText(balance.key, variables) : undefined;
    this.#sticky = sticky === undefined ? undefined : stickyText(sticky, variables);
    this.#isBlind = balance.kind !== "hash" && balance.kind !== "ip_hash" && sticky === undefined;
  }

  choice(request: ChoosingRequest): Choice {
    if (this.#isBlind) return blind;
    const key = this.#key;
    return {
      clientAddress: request.client.address,
      hashKey: () => key?.(request.evaluation) ?? "",
      sticky: this.#sticky?.(request.evaluation),
    };
  }
}

const blind: Choice = { clientAddress: "", hashKey: () => "", sticky: undefined };

/** What a request sticks to: the first of the values that is not empty. */
function stickyText(
  sticky: NonNullable<UpstreamSettings["sticky"]>, variables: Variables,
): (evaluation: Evaluation) => string | undefined {
  const values = sticky.kind === "cookie" ? [[{ kind: "variable" as const, name: `cookie_${sticky.name.toLowerCase()}` }]]
    : sticky.kind === "route" ? sticky.variables : sticky.lookup;
  const texts = values.map((value) => compileText(value, variables));
  return (evaluation) => {
    for (const text of texts) {
      const value = text(evaluation);
      if (value !== "") return value;
    }
    return undefined;
  };
}
