/**
 * One connection to a peer, as whoever speaks over it sees it: bytes both ways, and what goes wrong by name.
 *
 * It lives in three states. Connecting and used, it has a user, who hears everything; idle, it belongs to the pool, and
 * any byte or end closes it. The object stays the same through all requests that it carries, so a user who has called
 * `keep`, `close`, `reset` or `detach`, or has heard `onClose`, must forget it: it may be somebody else's by then.
 * Nothing more is told to such a user.
 *
 * Deadlines are looked at when the pool's clock ticks: they are noticed late by a tick at most, and never early.
 */
import { ByteStream, SendStall } from "../net/index.ts";
import type { StreamReceiver } from "../net/index.ts";
import type { UpstreamReader } from "../protocol/h1/index.ts";
import { assert } from "../std/assert.ts";
import type { Bytes } from "../std/bytes.ts";
import { systemReason } from "../std/system-reason.ts";
import type { NetworkPeer } from "./balancer.ts";
import { CertificateProblem } from "./connection-tls.ts";
import type { TlsClientSettings, TlsClients } from "./connection-tls.ts";
import type { KeepaliveSettings } from "./settings.ts";

/** How connections are made and waited for; plain data, best the same object for all requests of a location. */
export interface DialSettings {
  readonly connectTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly socketKeepalive: boolean;
  /** "192.0.2.1", "192.0.2.1:1024", "[2001:db8::1]:1024"; undefined: the system's choice. */
  readonly localAddress: string | undefined;
  readonly tls: TlsClientSettings | undefined;
  /** What is spoken, where locations speak differently to the same upstream: their connections are kept apart. */
  readonly protocol?: string;
}

export type CloseReason =
  /** The peer has closed it in order. */
  | { readonly kind: "closed" }
  /**
   * `call` as nginx names what failed: "connect()", "recv()", "SSL_do_handshake()", but "verify" for the certificate of
   * the peer; `text`: "111: Connection refused".
   */
  | { readonly kind: "error"; readonly call: string; readonly text: string }
  | { readonly kind: "connect-timeout" | "send-timeout" | "read-timeout" };

/** Who is told what happens on a connection. */
export interface ConnectionUser {
  /** A new connection is made, with TLS after the handshake; not called for one that was kept. */
  onConnected(): void;
  /** A view that is valid during the call. */
  onBytes(bytes: Bytes): void;
  /** What was written beyond the socket's buffer has left. */
  onDrain(): void;
  /** The peer will send nothing more; it may still read. */
  onEnd(): void;
  /** It is gone, and not by the user's wish. */
  onClose(why: CloseReason): void;
  /** For users who have deadlines of their own. */
  onTick?(nowMs: number): void;
}

/** Whom connections belong to: the pool. */
export interface ConnectionHome {
  /** At most a tick old. */
  readonly nowMs: number;
  /** Takes it in as one of so many idle ones at most. @returns false when there is no room */
  keep(connection: UpstreamConnection, countMax: number): boolean;
  /** It is no connection of the pool any more. @param wasIdle it must leave the idle ones */
  forget(connection: UpstreamConnection, wasIdle: boolean): void;
}

export interface NewConnection {
  readonly peer: NetworkPeer;
  /** Whose idle connections it may join. */
  readonly upstream: object;
  readonly keepalive: KeepaliveSettings;
  readonly dial: DialSettings;
  readonly user: ConnectionUser;
  readonly home: ConnectionHome;
  readonly readBuffer: Bytes;
  readonly tlsClients: TlsClients;
}

/** No connection can be made with such settings. */
class DialProblem extends Error {}

const JUST_NOW = -1;
const CLOSED: CloseReason = { kind: "closed" };
const NO_CLOSE_NOTIFY: CloseReason = { kind: "error", call: "SSL_read()", text: "unexpected eof while reading" };
const CLOSED_IN_HANDSHAKE: CloseReason = {
  kind: "error", call: "SSL_do_handshake()", text: "peer closed connection in SSL handshake",
};

/** nginx's names of what libuv calls so. */
const CALLS: Readonly<Record<string, string>> = {
  connect: "connect()", bind: "bind()", read: "recv()", write: "send()", shutdown: "shutdown()",
};

export class UpstreamConnection {
  readonly upstream: object;
  #peer: NetworkPeer;
  #dial: DialSettings;
  #keepalive: KeepaliveSettings;
  #user: ConnectionUser | undefined;
  readonly #home: ConnectionHome;
  readonly #stream: ByteStream;
  readonly #stall = new SendStall();
  readonly #openedMs: number;
  #state: "connecting" | "used" | "idle" | "gone" = "connecting";
  #connectMs = 0;
  #requests = 1;
  /** The peer has sent its end. */
  #ended = false;
  #paused = false;
  /** Nobody will ask for it again. */
  #retired = false;
  /** Does the read timeout run? */
  #awaiting = false;
  /**
   * When the wait began that now lasts: for the connection, for bytes, for a request; JUST_NOW until the next tick, so
   * that no read asks what time it is.
   */
  #sinceMs: number;
  /** What its user reads it with, and the next one after them: it stays with the connection. */
  reader: UpstreamReader | undefined = undefined;
  /** Whoever stays with the connection, speaks for all of its users, and hears it while it is idle. */
  resident: ConnectionUser | undefined = undefined;
  /** For the pool: the larger, the later it became idle. */
  keptOrder = 0;

  /** Begins to connect; what comes of it is told later. */
  constructor(made: NewConnection) {
    this.upstream = made.upstream;
    this.#peer = made.peer;
    this.#dial = made.dial;
    this.#keepalive = made.keepalive;
    this.#user = made.user;
    this.#home = made.home;
    this.#openedMs = this.#sinceMs = performance.now();
    this.#stream = openStream(made, () => this.#onConnected());
    this.#stream.start(this.#receiver());
  }

  /** nginx's $upstream_addr is its name. */
  get peer(): NetworkPeer {
    return this.#peer;
  }

  get dial(): DialSettings {
    return this.#dial;
  }

  /** Has it carried a request before this one? Then its peer may have closed it meanwhile. */
  get isKept(): boolean {
    return this.#requests > 1;
  }

  get isConnected(): boolean {
    return this.#state === "used";
  }

  /** Will its peer be asked no more? */
  get isRetired(): boolean {
    return this.#retired;
  }

  /** The protocol that ALPN has chosen (RFC 7301); undefined without TLS, or where none was. */
  get alpn(): string | undefined {
    return this.#stream.alpn;
  }

  /** How long it took to connect; 0 for one that was kept, and until it is connected. */
  get connectMs(): number {
    return this.#connectMs;
  }

  /** Bytes written that the kernel has not taken yet. */
  get queuedSize(): number {
    return this.#stream.queuedSize;
  }

  /** Descriptor of a socket that takes bytes now, for sendfile; −1: bytes have to be written. */
  get idleDescriptor(): number {
    return this.#state === "used" ? this.#stream.idleDescriptor : -1;
  }

  /** Writes text, one character a byte; before it is connected, this waits. @returns false: wait for `onDrain` */
  writeLatin1(text: string): boolean {
    return this.#stream.writeLatin1(text);
  }

  /**
   * Writes bytes, which must not change afterwards; not before `taken` is called, if it is given.
   * @param taken called when nobody needs them any more, also when the connection is gone
   * @returns false when they had to be queued: wait for `onDrain`
   */
  writeBytes(bytes: Uint8Array, taken?: () => void): boolean {
    return this.#stream.writeBytes(bytes, taken);
  }

  /** What is written until `uncork` leaves in one call. */
  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
  }

  /** Stops reading, and the read timeout with it. */
  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#sinceMs = JUST_NOW;
    this.#stream.resume();
  }

  /** Sends what is queued, then tells the peer that nothing follows. Such a connection is never kept. */
  end(): void {
    this.#ended = true;
    this.#stream.end();
  }

  /** Bytes are due: the read timeout runs from now, and again after each read. */
  awaitBytes(): void {
    this.#awaiting = true;
    this.#sinceMs = JUST_NOW;
  }

  /** No bytes are due: no read timeout. */
  idle(): void {
    this.#awaiting = false;
  }

  /** The response is whole and `reusable`: back to the pool, which keeps it if its bounds allow that. */
  keep(): void {
    if (this.#state !== "used") return this.close();
    this.#user = this.resident;
    if (this.#paused) this.resume();
    const { connections, requests, timeMs } = this.#keepalive;
    const { nowMs } = this.#home;
    const isWorn = this.#requests >= requests || nowMs - this.#openedMs > timeMs;
    const isClean = !this.#ended && !isWorn && !this.#retired && this.#stream.queuedSize === 0;
    if (!isClean || !this.#home.keep(this, connections)) return this.close();
    this.#state = "idle";
    this.#sinceMs = JUST_NOW;
  }

  /** Drops it. */
  close(): void {
    if (this.#leave()) this.#stream.destroy();
  }

  /** Drops it with RST: the peer must not take a request that was cut for a whole one. */
  reset(): void {
    if (this.#leave()) this.#stream.reset();
  }

  /** Gives the bare stream away, for a tunnel: neither user nor pool has to do with it any more. */
  detach(receiver: StreamReceiver): ByteStream {
    assert(this.#state === "used", "only a connection that is used can become a tunnel");
    this.#leave();
    if (this.#paused) this.#stream.resume();
    this.#stream.start(receiver);
    return this.#stream;
  }

  /** For the pool: it is idle and carries the next request from here on. */
  take(peer: NetworkPeer, keepalive: KeepaliveSettings, dial: DialSettings, user: ConnectionUser): void {
    assert(this.#state === "idle", "only an idle connection can be taken");
    this.#state = "used";
    this.#peer = peer;
    this.#keepalive = keepalive;
    this.#dial = dial;
    this.#user = this.resident ?? user;
    this.#requests++;
    this.#connectMs = 0;
    this.#awaiting = false;
  }

  /** For the pool: its peer is asked no more. What is under way on it is finished. */
  retire(): void {
    this.#retired = true;
    if (this.#state === "idle") this.close();
  }

  /** For the pool: looks at its deadlines. */
  tick(nowMs: number): void {
    if (this.#sinceMs === JUST_NOW) this.#sinceMs = nowMs;
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#state === "idle") {
      if (waitedMs > this.#keepalive.timeoutMs) this.close();
    } else if (this.#state === "connecting") {
      if (waitedMs > this.#dial.connectTimeoutMs) this.#fail({ kind: "connect-timeout" });
    } else if (this.#stream.queuedSize > 0 && this.#stall.isStalled(this.#stream, nowMs, this.#dial.sendTimeoutMs)) {
      this.#fail({ kind: "send-timeout" });
    } else if (this.#awaiting && !this.#paused && waitedMs > this.#dial.readTimeoutMs) {
      this.#fail({ kind: "read-timeout" });
    } else {
      this.#user?.onTick?.(nowMs);
    }
  }

  #receiver(): StreamReceiver {
    return {
      onBytes: (bytes) => this.#onBytes(bytes),
      onEnd: () => this.#onEnd(),
      onDrain: () => this.#user?.onDrain(),
      onClose: () => this.#fail(closeReason(this.#stream.failure)),
    };
  }

  #onConnected(): void {
    if (this.#state !== "connecting") return;
    this.#state = "used";
    this.#sinceMs = JUST_NOW;
    this.#connectMs = performance.now() - this.#openedMs;
    this.#user?.onConnected();
  }

  #onBytes(bytes: Bytes): void {
    if (this.#user === undefined) return this.close();
    if (this.#state !== "idle") this.#sinceMs = JUST_NOW;
    this.#user.onBytes(bytes);
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.#user === undefined || this.#state === "idle") this.close();
    else if (this.#state === "connecting") this.#fail(CLOSED_IN_HANDSHAKE);
    else if (this.#stream.isEndAuthentic) this.#user.onEnd();
    else this.#fail(NO_CLOSE_NOTIFY);
  }

  #fail(why: CloseReason): void {
    const user = this.#user;
    if (!this.#leave()) return;
    this.#stream.destroy();
    user?.onClose(why);
  }

  /** @returns false when it had left already */
  #leave(): boolean {
    if (this.#state === "gone") return false;
    const wasIdle = this.#state === "idle";
    this.#state = "gone";
    this.#user = undefined;
    this.#home.forget(this, wasIdle);
    return true;
  }
}

function openStream({ peer, dial, readBuffer, tlsClients }: NewConnection, connected: () => void): ByteStream {
  const secure = dial.tls === undefined ? undefined : tlsClients.options(dial.tls, peer.name);
  if (secure instanceof CertificateProblem) return ByteStream.failed(secure);
  const local = dial.localAddress === undefined ? undefined : localEnd(dial.localAddress);
  const options = { target: peer.address, local, keepAlive: dial.socketKeepalive, tls: secure };
  try {
    return ByteStream.connect(options, readBuffer, connected);
  } catch (problem) {
    // What variables made of ports, names and local addresses need not be any.
    return ByteStream.failed(new DialProblem(problem instanceof Error ? problem.message : String(problem)));
  }
}

function closeReason(failure: Error | undefined): CloseReason {
  if (failure === undefined) return CLOSED;
  const code = "code" in failure ? String(failure.code) : "";
  const syscall = "syscall" in failure ? String(failure.syscall) : undefined;
  if (syscall !== undefined) return { kind: "error", call: CALLS[syscall] ?? syscall, text: systemReason(failure) };
  if (failure instanceof DialProblem) return { kind: "error", call: "connect()", text: failure.message };
  if (failure instanceof CertificateProblem) return { kind: "error", call: "SSL_CTX", text: failure.message };
  if (code === "ECONNRESET") return CLOSED_IN_HANDSHAKE;
  // OpenSSL's own errors have such codes; those of a certificate are named after X509_V_ERR_….
  const isProtocol = code.startsWith("ERR_SSL") || code === "EPROTO";
  return { kind: "error", call: isProtocol ? "SSL_do_handshake()" : "verify", text: failure.message.trimEnd() };
}

/** Address and port of "192.0.2.1:1024"; port 0 where none is said. */
function localEnd(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = "0"] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: Number(port) };
}
