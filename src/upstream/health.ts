/**
 * Active health checks (nginx: health_check), for one thread of all: the balancer's zone tells the others.
 *
 * Each peer of an upstream that is checked is asked again and again, whether or not it gets requests. A peer that says
 * nothing, or something else than wanted, so many times in a row is unhealthy, and gets no requests until it has passed
 * so many times in a row.
 */
import type { Clock, Ticked } from "../net/index.ts";
import type { HeadLimits, UpstreamReader } from "../protocol/h1/index.ts";
import { encodeBlock } from "../protocol/h2/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import { addressName } from "./balance/peer.ts";
import { type NetworkPeer, type Peer, isNetworkPeer } from "./balancer.ts";
import type { DialSettings } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { H2Sessions } from "./h2-sessions.ts";
import { GRPC_CHECK_PATH, GrpcHealth, grpcCheckRequest } from "./health-grpc.ts";
import { HealthMatch } from "./health-match.ts";
import type { HealthJudge } from "./health-match.ts";
import { type HealthQuestion, HealthRun } from "./health-run.ts";
import type { HealthCheckSettings } from "./settings.ts";
import type { UpstreamNotice } from "./upstreams-membership.ts";
import type { Upstream } from "./upstreams.ts";

/** Checks that run at once; the others wait for their turn. */
const RUNNING_MAX = 64;

export interface HealthCheck {
  readonly upstream: Upstream;
  readonly check: HealthCheckSettings;
  /** Of the location that asks for it. */
  readonly dial: DialSettings;
  /** In the protocol of that location. */
  readonly question: HealthQuestion;
}

export interface HealthChecksSettings {
  readonly checks: readonly HealthCheck[];
  readonly clock: Clock;
  readonly pool: ConnectionPool;
  readonly sessions: H2Sessions;
  readonly onNotice: UpstreamNotice;
  /** Who was healthy before a reload: `healthy` of the thread that checked then. */
  readonly healthyBefore: ReadonlySet<string>;
  /** Called when `healthy` has become another one. */
  readonly onHealth: () => void;
}

/** What is known of one peer. */
interface Checked {
  /** In a row. */
  fails: number;
  passes: number;
  /** undefined: nobody has said it. */
  isHealthy: boolean | undefined;
  dueMs: number;
  run: HealthRun | undefined;
}

/** One `health_check` and the peers that it looks at. */
interface Group {
  readonly check: HealthCheck;
  readonly judge: HealthJudge;
  readonly peers: Map<Peer, Checked>;
}

export class HealthChecks implements Ticked {
  readonly #settings: HealthChecksSettings;
  readonly #groups: readonly Group[];
  #running = 0;

  /** Begins to check. */
  constructor(settings: HealthChecksSettings) {
    this.#settings = settings;
    this.#groups = settings.checks.map((check) => ({
      check, judge: judgeOf(check.check), peers: new Map<Peer, Checked>(),
    }));
    if (this.#groups.length === 0) return;
    settings.clock.add(this);
    this.tick(performance.now());
  }

  /** The peers that have passed, as the next generation of threads is told. */
  get healthy(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { check: { upstream }, peers } of this.#groups) {
      for (const [peer, { isHealthy }] of peers) if (isHealthy === true) names.add(nameOf(upstream, peer));
    }
    return names;
  }

  tick(nowMs: number): void {
    for (const group of this.#groups) {
      const { upstream } = group.check;
      const present = new Set(upstream.balancer.peers);
      for (const [peer, checked] of group.peers) {
        if (present.has(peer)) continue;
        this.#stop(checked);
        group.peers.delete(peer);
      }
      // Whether an application of ours is well, its workers' master knows.
      for (const peer of present) if (!peer.server.down && isNetworkPeer(peer)) this.#tickPeer(group, peer, nowMs);
    }
  }

  /** Checks nothing any more. */
  close(): void {
    this.#settings.clock.remove(this);
    for (const { peers } of this.#groups) for (const checked of peers.values()) this.#stop(checked);
  }

  #tickPeer(group: Group, peer: NetworkPeer, nowMs: number): void {
    let checked = group.peers.get(peer);
    if (checked === undefined) {
      checked = this.#newcomer(group, peer, nowMs);
      group.peers.set(peer, checked);
    }
    if (checked.run !== undefined) checked.run.tick(nowMs);
    else if (checked.dueMs <= nowMs && this.#running < RUNNING_MAX) this.#check(group, peer, checked);
  }

  /** Well until the first check fails; with `mandatory`, only once it has passed. */
  #newcomer({ check: { upstream, check } }: Group, peer: Peer, nowMs: number): Checked {
    const wasHealthy = check.persistent && this.#settings.healthyBefore.has(nameOf(upstream, peer));
    if (check.mandatory && !wasHealthy) upstream.balancer.setHealth(peer, false);
    const dueMs = nowMs + Math.random() * check.jitterMs;
    return { fails: 0, passes: 0, isHealthy: wasHealthy ? true : undefined, dueMs, run: undefined };
  }

  #check(group: Group, peer: NetworkPeer, checked: Checked): void {
    const { check: { check, dial, question }, judge } = group;
    const { pool, sessions } = this.#settings;
    this.#running++;
    checked.run = new HealthRun({
      pool, sessions, peer: atPort(peer, check.port), dial, question, judge,
      onResult: (fault) => {
        this.#running--;
        checked.run = undefined;
        checked.dueMs = performance.now() + check.intervalMs + Math.random() * check.jitterMs;
        this.#note(group, peer, checked, fault);
      },
    });
  }

  #note({ check: { upstream, check }, judge }: Group, peer: Peer, checked: Checked, fault: string | undefined): void {
    checked.fails = fault === undefined ? 0 : checked.fails + 1;
    checked.passes = fault === undefined ? checked.passes + 1 : 0;
    const before = checked.isHealthy;
    // The first check that passes decides at once: a peer that is well need not wait for several.
    const passed = before !== false || checked.passes >= check.passes;
    const isHealthy = fault === undefined ? passed : checked.fails >= check.fails ? false : before;
    if (isHealthy === undefined || isHealthy === before) return;
    checked.isHealthy = isHealthy;
    upstream.balancer.setHealth(peer, isHealthy);
    this.#settings.onHealth();
    const whose = `health check "${judge.name}" of peer ${peer.name} in upstream "${upstream.name}"`;
    if (!isHealthy) this.#settings.onNotice("warning", `peer is unhealthy while ${fault ?? "checking"}, ${whose}`);
    else if (before === false) this.#settings.onNotice("info", `peer is healthy again, ${whose}`);
  }

  #stop(checked: Checked): void {
    if (checked.run === undefined) return;
    this.#running--;
    checked.run.close();
    checked.run = undefined;
  }
}

/** Who asks whom. */
export interface Asking {
  /** What Host says, or :authority: the upstream's name. */
  readonly host: string;
  /** "nginx/1.31.0" */
  readonly software: string;
}

/** A request by HTTP/1.1, as nginx's checks look. */
export function healthRequest(
  uri: string, { host, software }: Asking, reader: () => UpstreamReader,
): HealthQuestion {
  const request =
    `GET ${uri} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nUser-Agent: ${software} (health check)\r\n\r\n`;
  return { kind: "connection", request, reader };
}

/** A request by HTTP/2: the same, or a call of the health protocol of gRPC. @param limits of the response's head */
export function healthStream(
  { uri, grpc }: HealthCheckSettings, { host, software }: Asking, scheme: "http" | "https", limits: HeadLimits,
): HealthQuestion {
  const method = grpc === undefined ? "GET" : "POST";
  const path = grpc === undefined ? uri : GRPC_CHECK_PATH;
  const head = encodeBlock([
    [":method", method], [":scheme", scheme], [":path", path], [":authority", host],
    ["user-agent", `${software} (health check)`],
    ...(grpc === undefined ? [] : [["content-type", "application/grpc"], ["te", "trailers"]] as const),
  ]);
  return { kind: "stream", method, head, body: grpc === undefined ? NO_BYTES : grpcCheckRequest(grpc.service), limits };
}

function judgeOf({ match, grpc }: HealthCheckSettings): HealthJudge {
  return grpc === undefined ? new HealthMatch(match) : new GrpcHealth(grpc);
}

/** The same peer, at the port that the check names. */
function atPort(peer: NetworkPeer, port: number | undefined): NetworkPeer {
  if (port === undefined || peer.address.kind === "unix") return peer;
  const address = { ...peer.address, port };
  return { address, name: addressName(address), server: peer.server, slot: peer.slot, id: peer.id };
}

function nameOf({ name }: Upstream, peer: Peer): string {
  return `${name} ${peer.name}`;
}
