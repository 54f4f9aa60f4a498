/** One peer of an upstream, as everybody outside of the balancer sees it. */
import type { NetworkAddress, UpstreamAddress, UpstreamServerSettings } from "../settings.ts";

/** An address of a server: what a name was resolved to. */
export interface Member {
  readonly server: UpstreamServerSettings;
  /** The host is an IP address, without brackets. */
  readonly address: UpstreamAddress;
  /** "192.0.2.1:8080", "[2001:db8::1]:80", "unix:/run/app.sock", "app:shop": what `$upstream_addr` says. */
  readonly name: string;
}

export interface Peer extends Member {
  /** Of the zone's slots; -1 where the zone was full. */
  readonly slot: number;
  /** What a cookie or a route names it by. */
  readonly id: string;
}

/** One that connections are made to. */
export interface NetworkPeer extends Peer {
  readonly address: NetworkAddress;
}

/** Is it one that connections are made to, and no application of ours? */
export function isNetworkPeer(peer: Peer): peer is NetworkPeer {
  return peer.address.kind !== "app";
}

/** What is known of a request whose peer is to be chosen. */
export interface Choice {
  /** IP address as text; anything else stands for a Unix socket. */
  readonly clientAddress: string;
  /** The evaluated key of `hash`, latin-1; called for that method only, more than once where nobody can be asked. */
  readonly hashKey: () => string;
  /** The cookie's value, the route or the session of the request. */
  readonly sticky: string | undefined;
}

/** How a request ended at its peer: only "failed" counts against it. */
export interface PeerResult {
  readonly outcome: "ok" | "failed" | "untold";
  /** From the choice to the response's head; defined only if `headerCame` was called. */
  readonly headerMs?: number;
  /** From the choice to the response's end. */
  readonly totalMs?: number;
}

/** For status pages and tests. */
export interface PeerState {
  readonly name: string;
  readonly server: UpstreamServerSettings;
  readonly slot: number;
  /** nginx's words, of its API. */
  readonly state: "up" | "draining" | "down" | "unavail" | "unhealthy";
  readonly active: number;
  readonly requests: number;
  /** Failures ever. */
  readonly fails: number;
  /** 0 while nobody knows. */
  readonly averageMs: number;
}

/** @returns how `$upstream_addr` names it */
export function addressName(address: UpstreamAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  if (address.kind === "app") return `app:${address.name}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
