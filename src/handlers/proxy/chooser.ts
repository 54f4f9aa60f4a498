/** What a request says to the balancer of its upstream, and what the response says to the client of who was chosen. */
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import { ResponseHead } from "../../http/response-head.ts";
import { type Evaluation, type Text, type Variables, compileText } from "../../route/index.ts";
import { type StickySource, stickyCookie, stickyOf, stickySessionOf } from "../../upstream/index.ts";
import type { Choice, Peer, Upstream } from "../../upstream/index.ts";

/** The request, as it chooses. */
export interface ChoosingRequest {
  readonly client: { readonly address: string };
  readonly evaluation: Evaluation;
}

/** For methods that look at nothing. */
const blind: Choice = { clientAddress: "", hashKey: () => "", sticky: undefined };

export class Chooser {
  readonly #upstream: Upstream;
  readonly #variables: Variables;
  readonly #key: Text | undefined;
  readonly #isBlind: boolean;
  readonly #texts = new Map<ComplexValue, Text>();

  constructor(upstream: Upstream, variables: Variables) {
    const { balance, sticky } = upstream.settings;
    this.#upstream = upstream;
    this.#variables = variables;
    this.#key = balance.kind === "hash" ? compileText(balance.key, variables) : undefined;
    this.#isBlind = balance.kind !== "hash" && balance.kind !== "ip_hash" && sticky === undefined;
  }

  choice(request: ChoosingRequest): Choice {
    if (this.#isBlind) return blind;
    const key = this.#key;
    return {
      clientAddress: request.client.address,
      hashKey: () => key?.(request.evaluation) ?? "",
      sticky: this.#stickyOf(request.evaluation),
    };
  }

  /** The response's head came: a session begins with it, or a cookie says whose the client is. */
  headCame(head: ResponseHead, peer: Peer, evaluation: Evaluation): ResponseHead {
    const { sticky } = this.#upstream.settings;
    if (sticky === undefined) return head;
    if (sticky.kind === "learn" && sticky.header) this.#learn(peer, evaluation);
    if (sticky.kind !== "cookie") return head;
    const source = { evaluate: this.#source(evaluation).evaluate, nowMs: Date.now() };
    const line = ["Set-Cookie", stickyCookie(sticky, peer.id, source)] as const;
    return new ResponseHead(head.status, head.reason, [...head.fields, line]);
  }

  /** The response has ended. */
  responseEnded(peer: Peer, evaluation: Evaluation): void {
    const { sticky } = this.#upstream.settings;
    if (sticky?.kind === "learn" && !sticky.header) this.#learn(peer, evaluation);
  }

  #learn(peer: Peer, evaluation: Evaluation): void {
    const { sticky } = this.#upstream.settings;
    if (sticky?.kind !== "learn") return;
    const created = stickySessionOf(sticky, this.#source(evaluation).evaluate);
    this.#upstream.balancer.learn(peer, { created, asked: this.#stickyOf(evaluation) });
  }

  #stickyOf(evaluation: Evaluation): string | undefined {
    const { sticky } = this.#upstream.settings;
    return sticky === undefined ? undefined : stickyOf(sticky, this.#source(evaluation));
  }

  #source(evaluation: Evaluation): StickySource {
    const evaluate = (value: ComplexValue): string => this.#text(value)(evaluation);
    return { evaluate, cookie: (name) => evaluate(this.#cookie(name)) };
  }

  readonly #cookies = new Map<string, ComplexValue>();

  #cookie(name: string): ComplexValue {
    const known = this.#cookies.get(name) ?? [{ kind: "variable", name: `cookie_${name.toLowerCase()}` }];
    this.#cookies.set(name, known);
    return known;
  }

  #text(value: ComplexValue): Text {
    const known = this.#texts.get(value) ?? compileText(value, this.#variables);
    this.#texts.set(value, known);
    return known;
  }
}
