/** Which peer, and is it well? Upstreams: their members, who of them is asked, the connections to them. */
export type {
  BalanceSettings, HealthCheckSettings, KeepaliveSettings, MatchHeader, MatchSettings, NextUpstream, ResolverSettings,
  StickySettings, TransportSettings, UpstreamAddress, UpstreamServerSettings, UpstreamSettings,
} from "./settings.ts";
