/** health_check: which upstream does a location ask, and how is it checked? */
import type { Block, CheckedDirective } from "../config/nginx/block.ts";
import { constantOf } from "../config/nginx/complex-value.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { HandlerSettings, LocationSettings, SiteHealthCheck } from "../edge/model.ts";
import { parseGrpcTarget, parseProxyTarget } from "../handlers/proxy/directives.ts";
import { healthCheckOf } from "../upstream/directives.ts";

/** A location that says health_check. */
export interface CheckedLocation {
  readonly at: CheckedDirective;
  readonly block: Block;
  /** Number of its settings. */
  readonly location: number;
}

export interface HealthCheckInput {
  readonly http: Block;
  readonly written: readonly CheckedLocation[];
  readonly locations: readonly LocationSettings[];
  /** Names, in lower case. */
  readonly upstreams: ReadonlySet<string>;
}

export interface SiteHealthChecks {
  readonly checks: readonly SiteHealthCheck[];
  readonly mistakes: readonly PlacedMistake[];
}

/** Every location's check; of one that asks no upstream of the file there is nothing to check. */
export function siteHealthChecks({ http, written, locations, upstreams }: HealthCheckInput): SiteHealthChecks {
  const checks: SiteHealthCheck[] = [];
  const mistakes: PlacedMistake[] = [];
  for (const { at, block, location } of written) {
    const { handler } = locations[location] ?? {};
    const upstream = handler && upstreamOf(handler)?.toLowerCase();
    const check = healthCheckOf(block, http);
    if (check === undefined) continue;
    const place = at.directive.name;
    if (upstream === undefined || !upstreams.has(upstream)) {
      mistakes.push({
        place, nginx: '"health_check" needs a location that passes requests to an upstream by HTTP or gRPC',
        hint: "write proxy_pass http://NAME; or grpc_pass NAME; in it, and upstream NAME { } in http { }",
      });
    } else if (check.grpc !== undefined && handler?.kind !== "grpc") {
      mistakes.push({
        place, nginx: '"type=grpc" needs a location with "grpc_pass"',
        hint: "leave type=grpc away: the check asks with GET then, by the location's version of HTTP",
      });
    } else {
      checks.push({ upstream, location, check });
    }
  }
  return { checks, mistakes };
}

/** A check is a request by HTTP: what asks by other protocols is not checked. */
function upstreamOf(handler: HandlerSettings): string | undefined {
  if (handler.kind !== "proxy" && handler.kind !== "grpc") return undefined;
  const parse = handler.kind === "proxy" ? parseProxyTarget : parseGrpcTarget;
  const url = constantOf(handler.url);
  const place = url === undefined ? undefined : parse(url)?.place;
  return place?.kind === "host" ? place.host : undefined;
}
