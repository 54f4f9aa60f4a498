/** Which peer, and is it well? Upstreams: their members, who of them is asked, the connections to them. */
export type {
  BalanceSettings, HealthCheckSettings, KeepaliveSettings, MatchHeader, MatchSettings, NetworkAddress, NextUpstream,
  ResolverSettings, StickySettings, TransportSettings, UpstreamAddress, UpstreamServerSettings, UpstreamSettings,
} from "./settings.ts";
export type { CloseReason, ConnectionUser, DialSettings, UpstreamConnection } from "./connection.ts";
export { ConnectionPool } from "./connection-pool.ts";
export { H2Sessions } from "./h2-sessions.ts";
export { UpstreamStream } from "./h2-stream.ts";
export type { StreamCloseReason, StreamUser } from "./h2-stream.ts";
export { tlsClientSettings } from "./connection-tls.ts";
export type { TlsClientParts, TlsClientSettings } from "./connection-tls.ts";
export { addressName } from "./balance/peer.ts";
export { Balancer, isNetworkPeer } from "./balancer.ts";
export type { BalancerMachine, Choice, Member, NetworkPeer, Peer, PeerResult, PeerState } from "./balancer.ts";
export { stickyCookie, stickyOf, stickySessionOf } from "./sticky.ts";
export type { StickySource } from "./sticky.ts";
export { UpstreamZone } from "./zone.ts";
export { Upstreams } from "./upstreams.ts";
export type { Upstream } from "./upstreams.ts";
export { KEEPALIVE_DEFAULTS, SERVER_DEFAULTS } from "./defaults.ts";
export { HealthChecks, healthRequest, healthStream } from "./health.ts";
export type { HealthCheck, HealthChecksSettings } from "./health.ts";
export type { FoundName, UpstreamNotice } from "./upstreams-membership.ts";
