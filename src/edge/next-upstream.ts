/** nginx's proxy_next_upstream: what a status is called there, and what may be asked of another peer. */
import type { NextUpstream, TransportSettings, Upstream } from "../upstream/index.ts";

/** nginx: methods that are not sent again by themselves (RFC 9110 §9.2.2). */
const notIdempotent: ReadonlySet<string> = new Set(["POST", "LOCK", "PATCH"]);

const conditions: ReadonlyMap<number, NextUpstream> = new Map([
  [403, "http_403"], [404, "http_404"], [429, "http_429"], [500, "http_500"], [502, "http_502"], [503, "http_503"],
  [504, "http_504"],
]);

/** How often a peer that has refused a stream of HTTP/2 (RFC 9113 §8.7) is asked again, and not another one. */
export const REFUSALS_MAX = 3;

/** What proxy_next_upstream calls a status, undefined for most of them. */
export function conditionOf(status: number): NextUpstream | undefined {
  return conditions.get(status);
}

/** Is a response with this status a failure of its peer? nginx: 403 and 404 say something of the resource. */
export function isFailure(status: number, { nextUpstream }: Pick<TransportSettings, "nextUpstream">): boolean {
  const condition = conditions.get(status);
  return condition !== undefined && status !== 403 && status !== 404 && nextUpstream.includes(condition);
}

/** What has happened to a request so far. */
export interface TriesSoFar {
  readonly method: string;
  /** Has anything of it left? */
  readonly wasSent: boolean;
  /** Peers that were asked. */
  readonly count: number;
  readonly elapsedMs: number;
}

/** May the request be sent to another one? Whether there is another one is not looked at. */
export function mayBeSentAgain(
  condition: NextUpstream, { method, wasSent, count, elapsedMs }: TriesSoFar,
  { nextUpstream, nextUpstreamTries, nextUpstreamTimeoutMs }: TransportSettings,
): boolean {
  if (!nextUpstream.includes(condition)) return false;
  if (wasSent && notIdempotent.has(method) && !nextUpstream.includes("non_idempotent")) return false;
  if (nextUpstreamTries > 0 && count >= nextUpstreamTries) return false;
  return nextUpstreamTimeoutMs === 0 || elapsedMs < nextUpstreamTimeoutMs;
}

/** nginx: whoever is `down` is not asked, so that the last answer stays when all others have been. */
export function countOfAsked({ balancer }: Upstream): number {
  return balancer.peers.filter(({ server }) => !server.down).length;
}
