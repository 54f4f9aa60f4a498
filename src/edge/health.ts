/** The health checks of a configuration: each made as the location that asks for it asks its upstream. */
import { HealthChecks, type Upstreams, healthRequest, healthStream } from "../upstream/index.ts";
import type { HealthCheck } from "../upstream/index.ts";
import type { CompiledSite } from "./compiled-site.ts";
import type { EdgeContext } from "./edge-context.ts";

export interface CheckedSite {
  readonly site: CompiledSite;
  readonly upstreams: Upstreams;
  readonly software: string;
  /** Peers that were healthy before a reload. */
  readonly healthyBefore: readonly string[];
  /** Called with those that are, whenever they change. */
  readonly onHealth: (healthy: readonly string[]) => void;
}

/** Begins to check; for one thread of all. @returns undefined where nothing is to be checked */
export function startHealthChecks(
  { clock, connections, sessions, responses, onNotice }: EdgeContext,
  { site, upstreams, software, healthyBefore, onHealth }: CheckedSite,
): HealthChecks | undefined {
  const checks = site.settings.healthChecks.flatMap(({ upstream: name, location, check }): readonly HealthCheck[] => {
    const upstream = upstreams.named(name);
    const way = site.location(location).upstream;
    const dial = way?.constantDial;
    if (upstream === undefined || way === undefined || dial === undefined) {
      onNotice("error", `health_check of upstream "${name}": its connections depend on variables, nothing is checked`);
      return [];
    }
    const { protocol } = way;
    const { streamLimits } = protocol;
    const asking = { host: name, software };
    const question = streamLimits === undefined
      ? healthRequest(check.uri, asking, () => protocol.reader(responses))
      : healthStream(check, asking, dial.tls === undefined ? "http" : "https", streamLimits);
    return [{ upstream, check, dial, question }];
  });
  if (checks.length === 0) return undefined;
  const running: HealthChecks = new HealthChecks({
    checks, clock, pool: connections, sessions, onNotice,
    healthyBefore: new Set(healthyBefore),
    onHealth: () => onHealth([...running.healthy]),
  });
  return running;
}
