/** May this client do this? `allow` and `deny` (ngx_http_access_module). */
import { Networks } from "./networks.ts";
import type { AccessRule } from "./settings.ts";

/** Addresses whose decision is remembered; then all are forgotten. */
const REMEMBERED_COUNT_MAX = 4096;

export type AccessDecision = "allowed" | "denied";

export class AccessCheck {
  readonly #rules: Networks<AccessDecision>;
  readonly #remembered = new Map<string, AccessDecision>();

  constructor({ rules }: { readonly rules: readonly AccessRule[] }) {
    this.#rules = new Networks(rules.map(({ allows, client }) => [client, allows ? "allowed" : "denied"]));
  }

  /** The first rule about a client decides; without one it may. @param address a peer's, "unix:" for a Unix socket's */
  decide(address: string): AccessDecision {
    const remembered = this.#remembered.get(address);
    if (remembered !== undefined) return remembered;
    const decision = this.#rules.find(address) ?? "allowed";
    if (this.#remembered.size >= REMEMBERED_COUNT_MAX) this.#remembered.clear();
    this.#remembered.set(address, decision);
    return decision;
  }
}
