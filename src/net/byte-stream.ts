/**
 * A connection as bytes with back-pressure: what TCP, Unix sockets and TLS look like to the drivers.
 *
 * All streams of a thread read into one buffer (`onread` of node:net), so a read costs no allocation; what
 * is given to `onBytes` is therefore only valid during the call. Short text is written as latin-1, which
 * the socket copies to the kernel without making a buffer of it.
 */
import * as net from "node:net";
import { constants } from "node:os";
import type * as tls from "node:tls";
import { allocate, asBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { type SecureSocket, type TlsAcceptOptions, acceptTls, tlsModule } from "./tls-socket.ts";

/** One read takes at most so much; nginx reads 8–32 KiB, a large read means fewer calls for uploads. */
const READ_SIZE = 65_536;

/** Most heads and small bodies are no longer: the view of such a read is made once for all of that length. */
const VIEW_SIZE_MAX = 2048;
/** By the buffer, then by the size. */
const allViews = new WeakMap<Bytes, (Bytes | undefined)[]>();

/** Who is told what happens on a stream. */
export interface StreamReceiver {
  /** Bytes have come; a view that is valid during the call. */
  onBytes(bytes: Bytes): void;
  /** The peer will send nothing more; it may still read. */
  onEnd(): void;
  /** What was written beyond the socket's buffer has left. */
  onDrain(): void;
  /** The stream is gone, by whoever's wish; nothing follows. */
  onClose(): void;
}

/** The type behind `socket._handle`; node does not publish it. */
export type SocketHandle = object;

/** Where a connection goes, and how. */
export interface ConnectOptions {
  /** A host is an IP address: nothing is looked up. */
  readonly target:
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /** The address that it comes from. */
  readonly local: { readonly host: string; readonly port: number } | undefined;
  readonly keepAlive: boolean;
  readonly tls: TlsConnectOptions | undefined;
}

/** What of a TCP handle of node is used. */
interface ReadingHandle {
  /** @returns 0, or a negative error number */
  readStart(): number;
}

/** EALREADY of Linux, negative. */
const ALREADY_READING = -constants.errno.EALREADY;

export interface TlsConnectOptions {
  readonly options: tls.ConnectionOptions;
  /** A session that the next connection to this peer can resume. */
  readonly onSession: (session: Bytes) => void;
}

/** Memory that all streams of one kind in a thread read into. @param size bytes that one read takes at most */
export function makeReadBuffer(size: number = READ_SIZE): Bytes {
  return allocate(size);
}

export class ByteStream {
  #socket: net.Socket;
  /** The same, when it is TLS. */
  #secure: tls.TLSSocket | undefined;
  #receiver: StreamReceiver | undefined = undefined;
  #reading = true;
  #failure: Error | undefined = undefined;

  private constructor(socket: net.Socket, secure?: tls.TLSSocket) {
    this.#socket = socket;
    this.#secure = secure;
    this.#listen(socket);
  }

  #listen(socket: net.Socket): void {
    // Any failure of a socket is followed by "close", which is what the receiver hears.
    socket.on("error", (error) => (this.#failure = error));
    socket.on("end", () => this.#receiver?.onEnd());
    socket.on("drain", () => this.#receiver?.onDrain());
    socket.on("close", () => {
      const receiver = this.#receiver;
      this.#receiver = undefined;
      receiver?.onClose();
    });
  }

  /** Takes over an accepted connection. */
  static accept(handle: SocketHandle, buffer: Bytes, noDelay: boolean): ByteStream {
    const options = { handle, allowHalfOpen: true, onread: onread(buffer, (bytes) => stream.#deliver(bytes)) };
    const socket = new net.Socket(options as net.SocketConstructorOpts);
    const stream = new ByteStream(socket);
    if (noDelay) socket.setNoDelay(true);
    return stream;
  }

  /** Connects to a Unix socket; a failure is an `onClose`. */
  static connectUnix(path: string, buffer: Bytes): ByteStream {
    const socket = net.connect({ path, onread: onread(buffer, (bytes) => stream.#deliver(bytes)) });
    const stream = new ByteStream(socket);
    return stream;
  }

  /**
   * Connects; a failure is an `onClose`, and `failure` says why. The peer's end leaves our half open.
   * @param connected called once it can be used, with TLS after the handshake; what is written before waits for that
   */
  static connect(options: ConnectOptions, buffer: Bytes, connected: () => void): ByteStream {
    const { target, local, keepAlive, tls: secure } = options;
    const common = { allowHalfOpen: true, onread: onread(buffer, (bytes) => stream.#deliver(bytes)) };
    const from = local === undefined ? {} : { localAddress: local.host, localPort: local.port };
    const where = target.kind === "unix"
      ? { path: target.path }
      : { host: target.host, port: target.port, noDelay: true, keepAlive, ...from };
    const secured = secure && tlsModule().connect(
      { ...secure.options, ...where, ...common } as tls.ConnectionOptions, connected,
    ).on("session", secure.onSession);
    const socket = secured ?? net.connect({ ...where, ...common } as net.NetConnectOpts, connected);
    const stream = new ByteStream(socket, secured);
    return stream;
  }

  /**
   * Begins TLS, as the server, on a connection that was accepted and is read from; a failure is an `onClose`. What was
   * written before has left, or is lost.
   * @param first what has come of the handshake, valid during the call
   * @param buffer as for `accept`
   * @param secured called once the handshake is done, before any bytes of the client
   */
  secure(
    options: TlsAcceptOptions, first: Uint8Array, buffer: Bytes, secured: (socket: SecureSocket) => void,
  ): void {
    const handle = this.#handle();
    if (handle === undefined) return;
    // The socket of before forgets the connection, which goes on without it.
    Reflect.set(this.#socket, "_handle", null);
    this.#socket.removeAllListeners();
    const socket: SecureSocket = acceptTls(handle, {
      isServer: true,
      secureContext: options.secureContext,
      ALPNProtocols: options.protocols,
      requestCert: options.asksCertificate,
      rejectUnauthorized: false,
      server: options.server?.(() => socket),
      allowHalfOpen: true,
      onread: onread(buffer, (bytes) => this.#deliver(bytes)),
    } as tls.TLSSocketOptions);
    this.#socket = this.#secure = socket;
    this.#listen(socket);
    // After the handshake node tells of a broken record, and leaves the rest to us.
    socket.on("error", () => socket.destroy());
    socket.on("secure", () => {
      socket.release();
      secured(socket);
    });
    socket.receive(first);
  }

  /** A stream that could not be made: its `onClose` comes, as if it had been tried. */
  static failed(problem: Error): ByteStream {
    const socket = new net.Socket();
    const stream = new ByteStream(socket);
    socket.destroy(problem);
    return stream;
  }

  /** Starts reading, or goes on with another receiver. */
  start(receiver: StreamReceiver): void {
    this.#receiver = receiver;
    this.#socket.read(0);
  }

  /** Why the stream is gone; undefined when it was closed in order. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * To be asked in `onEnd`: did the peer say that it ends? Without TLS, FIN says so; with TLS its close_notify does,
   * and FIN alone may be anybody's (RFC 8446 §6.1). Node tells of both in the same way, but only FIN stops its reading.
   */
  get isEndAuthentic(): boolean {
    if (this.#secure === undefined) return true;
    const tcp = this.#handle() as ReadingHandle | undefined;
    return tcp?.readStart() === ALREADY_READING;
  }

  /** The protocol that ALPN has chosen (RFC 7301); undefined without TLS, or where none was. */
  get alpn(): string | undefined {
    const chosen = this.#secure?.alpnProtocol;
    return typeof chosen === "string" ? chosen : undefined;
  }

  /** The peer's address, "" for Unix sockets; asks the kernel once. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  /** The address that the peer connected to, "" for Unix sockets; asks the kernel once. */
  get localAddress(): string {
    return this.#socket.localAddress ?? "";
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Bytes written that the kernel has not taken yet. */
  get queuedSize(): number {
    return this.#socket.writableLength;
  }

  /** Bytes of finished writes: together with `unfinishedSize` it tells whether the peer takes anything. */
  get finishedSize(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Bytes that the kernel has not taken of the write that is under way. */
  get unfinishedSize(): number {
    const handle = this.#handle();
    return handle === undefined ? 0 : Number(Reflect.get(handle, "writeQueueSize"));
  }

  /** Writes text, one character a byte. @returns false when it had to be queued: wait for `onDrain` */
  writeLatin1(text: string): boolean {
    return this.#socket.write(text, "latin1");
  }

  /**
   * Writes bytes, which must not change afterwards; not before `taken` is called, if it is given.
   * @param taken called when nobody needs them any more, also when the stream is gone
   * @returns false when they had to be queued
   */
  writeBytes(bytes: Uint8Array, taken?: () => void): boolean {
    return this.#socket.write(bytes, taken);
  }

  /** Descriptor of a socket that takes bytes now: nothing that was written is still here. Else, and with TLS, −1. */
  get idleDescriptor(): number {
    if (this.#socket.writableLength > 0 || this.#secure !== undefined) return -1;
    const handle = this.#handle();
    return handle === undefined ? -1 : Number(Reflect.get(handle, "fd"));
  }

  /** What is written until `uncork` leaves in one call. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Stops reading: the peer is slowed down by its window. */
  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#socket.resume();
  }

  /** Sends what is queued, then tells the peer that nothing follows. */
  end(): void {
    this.#socket.end();
  }

  /** Sends what is queued, then drops the connection; `onClose` follows. */
  close(): void {
    this.#socket.destroySoon();
  }

  /** Drops the connection at once; `onClose` follows. */
  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Drops the connection with RST, so that what was cut cannot pass for whole. Unix sockets have no RST, TLS needs
   * none: without close_notify it is cut.
   */
  reset(): void {
    const { connecting, writableEnded, writableFinished, writableLength } = this.#socket;
    // While a shutdown is under way node cannot reset, and would keep the descriptor for ever; while it connects, node
    // would wait for that.
    const isBusy = connecting || (writableEnded && !writableFinished && writableLength === 0);
    const hasNoReset = this.#secure !== undefined || this.remoteAddress === "";
    if (isBusy || hasNoReset) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** Node's own object behind the socket, of TLS the one beneath it; undefined once that is gone. */
  #handle(): object | undefined {
    const handle: unknown = Reflect.get(this.#socket, "_handle");
    if (typeof handle !== "object" || handle === null) return undefined;
    if (this.#secure === undefined) return handle;
    const parent: unknown = Reflect.get(handle, "_parent");
    return typeof parent === "object" && parent !== null ? parent : undefined;
  }

  #deliver(bytes: Bytes): boolean {
    this.#receiver?.onBytes(bytes);
    return this.#reading;
  }
}

function onread(buffer: Bytes, deliver: (bytes: Bytes) => boolean): net.OnReadOpts {
  const views = viewsOf(buffer);
  const callback: net.OnReadOpts["callback"] = (size, view) =>
    deliver(size > VIEW_SIZE_MAX ? asBytes(view.subarray(0, size)) : (views[size] ??= buffer.subarray(0, size)));
  return { buffer, callback };
}

function viewsOf(buffer: Bytes): (Bytes | undefined)[] {
  let views = allViews.get(buffer);
  if (views === undefined) allViews.set(buffer, (views = new Array<Bytes | undefined>(VIEW_SIZE_MAX + 1)));
  return views;
}
