/**
 * The connections of a thread to servers that speak HTTP/2. A request takes one that has room, else an idle one of the
 * pool, else a new one: so there are no more connections than there must be, and the bounds of keepalive hold for them.
 */
import type { ConnectionPool } from "./connection-pool.ts";
import { isAlike } from "./connection-pool.ts";
import { type Destination, H2Session, type LentMemory, type SessionOwner } from "./h2-session.ts";
import { type StreamUser, UpstreamStream } from "./h2-stream.ts";

export class H2Sessions implements SessionOwner {
  readonly #pool: ConnectionPool;
  readonly #memory: LentMemory;
  /** Those that have requests, by upstream. */
  readonly #busy = new Map<object, Set<H2Session>>();
  /** Where the requests go that have not left. */
  readonly #destinations = new WeakMap<UpstreamStream, Destination>();

  /** @param memory for frames */
  constructor(pool: ConnectionPool, memory: LentMemory) {
    this.#pool = pool;
    this.#memory = memory;
  }

  get nowMs(): number {
    return this.#pool.nowMs;
  }

  /** Connections with requests. */
  get busyCount(): number {
    let count = 0;
    for (const sessions of this.#busy.values()) count += sessions.size;
    return count;
  }

  /** @returns a stream, which `isConnected`, or of which the user hears later */
  connect(destination: Destination, user: StreamUser): UpstreamStream {
    const stream = new UpstreamStream(destination.dial, user);
    this.#destinations.set(stream, destination);
    this.#sessionFor(destination).add(stream);
    return stream;
  }

  placeAgain(stream: UpstreamStream): void {
    const destination = this.#destinations.get(stream);
    if (destination === undefined) return;
    this.#sessionFor(destination).add(stream);
    if (stream.isConnected) stream.connect();
  }

  forget(session: H2Session): void {
    const { upstream } = session.destination;
    const sessions = this.#busy.get(upstream);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#busy.delete(upstream);
  }

  #sessionFor(destination: Destination): H2Session {
    const { upstream, peer, keepalive, dial } = destination;
    let sessions = this.#busy.get(upstream);
    for (const session of sessions ?? []) {
      const { peer: other, dial: otherDial } = session.destination;
      if (session.hasRoom && other.name === peer.name && isAlike(otherDial, dial)) return session;
    }
    if (sessions === undefined) this.#busy.set(upstream, (sessions = new Set()));
    const made = new H2Session(destination, this, this.#memory);
    const connection = this.#pool.connect(upstream, peer, keepalive, dial, made);
    const { resident } = connection;
    const session = resident instanceof H2Session ? resident : made;
    if (session === made) made.attach(connection);
    sessions.add(session);
    return session;
  }
}
