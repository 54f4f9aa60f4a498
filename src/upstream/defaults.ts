/** What holds where a configuration says nothing: the rows of the directives say the same in its words. */
import type { KeepaliveSettings, UpstreamServerSettings } from "./settings.ts";

/** A `server` line with nothing but its address. */
export const SERVER_DEFAULTS: Omit<UpstreamServerSettings, "name" | "address"> = {
  weight: 1, maxConns: 0, maxFails: 1, failTimeoutMs: 10_000, backup: false, down: false, drain: false, slowStartMs: 0,
  resolve: false, service: undefined, route: undefined,
};

/** nginx 1.29.7: `keepalive 32`, and what else holds of upstreams that say nothing. */
export const KEEPALIVE_DEFAULTS: KeepaliveSettings = {
  connections: 32, requests: 1000, timeMs: 3_600_000, timeoutMs: 60_000,
};
