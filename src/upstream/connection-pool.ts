/**
 * All connections of a thread to upstreams: makes them, keeps idle ones for the next request, watches their deadlines.
 *
 * The idle ones of an upstream lie in one stack a peer; the last one that came is taken first, so that those beyond
 * need grow old and go. Their number is bounded over the whole upstream.
 */
import { makeReadBuffer } from "../net/index.ts";
import type { Clock, Ticked } from "../net/index.ts";
import { assert } from "../std/assert.ts";
import type { Bytes } from "../std/bytes.ts";
import type { NetworkPeer, Peer } from "./balancer.ts";
import { UpstreamConnection } from "./connection.ts";
import type { ConnectionHome, ConnectionUser, DialSettings } from "./connection.ts";
import { TlsClients } from "./connection-tls.ts";
import type { KeepaliveSettings } from "./settings.ts";

/** The idle connections to one upstream. */
interface IdleConnections {
  /** By the names of peers, the oldest first. Empty ones go with the next tick. */
  readonly stacks: Map<string, UpstreamConnection[]>;
  count: number;
}

export class ConnectionPool implements ConnectionHome, Ticked {
  readonly #clock: Clock;
  readonly #readBuffer: Bytes;
  readonly #all = new Set<UpstreamConnection>();
  readonly #idle = new Map<object, IdleConnections>();
  readonly #tlsClients = new TlsClients();
  /** Of the next connection that becomes idle. */
  #order = 0;
  #closing = false;

  /** @param readBuffer that may be shared with other streams of the thread */
  constructor(clock: Clock, readBuffer: Bytes = makeReadBuffer()) {
    this.#clock = clock;
    this.#readBuffer = readBuffer;
    clock.add(this);
  }

  get nowMs(): number {
    return this.#clock.coarseMs;
  }

  /** Connections of any state. */
  get size(): number {
    return this.#all.size;
  }

  /** Idle connections to all upstreams. */
  get idleCount(): number {
    let count = 0;
    for (const idle of this.#idle.values()) count += idle.count;
    return count;
  }

  /**
   * @param upstream whose idle connections may be taken: an object that stands for it
   * @returns an idle connection, which `isConnected`, or a new one, of which the user hears later
   */
  connect(
    upstream: object, peer: NetworkPeer, keepalive: KeepaliveSettings, dial: DialSettings, user: ConnectionUser,
  ): UpstreamConnection {
    const idle = this.#idle.get(upstream);
    const kept = idle === undefined ? undefined : takeLast(idle, peer.name, dial);
    if (kept !== undefined) {
      kept.take(peer, keepalive, dial, user);
      return kept;
    }
    const connection = new UpstreamConnection({
      peer, upstream, keepalive, dial, user, home: this, readBuffer: this.#readBuffer, tlsClients: this.#tlsClients,
    });
    this.#all.add(connection);
    return connection;
  }

  /** Closes connections to peers that an upstream has no more: idle ones now, others after their request. */
  retire(upstream: object, isGone: (peer: Peer) => boolean): void {
    for (const connection of this.#all) {
      if (connection.upstream === upstream && isGone(connection.peer)) connection.retire();
    }
  }

  /** Closes what is idle; what is used is closed when its user gives it back. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#all) connection.retire();
    if (this.#all.size === 0) this.#clock.remove(this);
  }

  keep(connection: UpstreamConnection, countMax: number): boolean {
    if (countMax === 0 || this.#closing) return false;
    let idle = this.#idle.get(connection.upstream);
    if (idle === undefined) this.#idle.set(connection.upstream, (idle = { stacks: new Map(), count: 0 }));
    while (idle.count >= countMax) oldest(idle).close();
    const { name } = connection.peer;
    const stack = idle.stacks.get(name);
    if (stack === undefined) idle.stacks.set(name, [connection]);
    else stack.push(connection);
    idle.count++;
    connection.keptOrder = this.#order++;
    return true;
  }

  forget(connection: UpstreamConnection, wasIdle: boolean): void {
    this.#all.delete(connection);
    if (wasIdle) this.#forgetIdle(connection);
    if (this.#closing && this.#all.size === 0) this.#clock.remove(this);
  }

  tick(nowMs: number): void {
    for (const connection of this.#all) connection.tick(nowMs);
    for (const [upstream, idle] of this.#idle) {
      for (const [name, stack] of idle.stacks) if (stack.length === 0) idle.stacks.delete(name);
      if (idle.count === 0) this.#idle.delete(upstream);
    }
  }

  #forgetIdle(connection: UpstreamConnection): void {
    const idle = this.#idle.get(connection.upstream);
    const stack = idle?.stacks.get(connection.peer.name);
    const index = stack?.indexOf(connection) ?? -1;
    if (idle === undefined || index < 0) return;
    stack?.splice(index, 1);
    idle.count--;
  }
}

/** The last one that came of those that the settings allow. */
function takeLast(idle: IdleConnections, name: string, dial: DialSettings): UpstreamConnection | undefined {
  const stack = idle.stacks.get(name);
  if (stack === undefined) return undefined;
  for (let index = stack.length - 1; index >= 0; index--) {
    const connection = stack[index];
    if (connection === undefined || !isAlike(connection.dial, dial)) continue;
    if (index === stack.length - 1) stack.pop();
    else stack.splice(index, 1);
    idle.count--;
    return connection;
  }
  return undefined;
}

/** Do connections that were made so look the same to the peer? */
export function isAlike(one: DialSettings, other: DialSettings): boolean {
  if (one === other) return true;
  const isNear = one.localAddress === other.localAddress && one.protocol === other.protocol;
  return isNear && one.tls?.digest === other.tls?.digest;
}

function oldest(idle: IdleConnections): UpstreamConnection {
  let found: UpstreamConnection | undefined;
  for (const [first] of idle.stacks.values()) {
    if (first !== undefined && (found === undefined || first.keptOrder < found.keptOrder)) found = first;
  }
  assert(found !== undefined, "what is counted as idle lies in a stack");
  return found;
}
