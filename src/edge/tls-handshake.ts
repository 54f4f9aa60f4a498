/**
 * A connection on a port for TLS before its first request: its first bytes say whether the client speaks TLS at all,
 * and whom it wants to reach; then the handshake. Whoever is not done in time is closed without an answer.
 */
import type { ByteStream, SecureSocket } from "../net/index.ts";
import { type AlertName, type ClientHello, alertRecord, readClientHello } from "../protocol/tls/index.ts";
import { type Bytes, NO_BYTES, concatBytes, copyBytes } from "../std/bytes.ts";
import { ACME_PROTOCOL, type ConnectionTls, PLAIN_ON_TLS, TlsSession } from "../tls/index.ts";
import type { CompiledListener } from "./compiled-site.ts";
import { EarlyConnection } from "./early-connection.ts";
import type { EdgeContext } from "./edge-context.ts";
import type { WaitingHandshake } from "./wanted-names.ts";

export interface HandshakeOwner {
  onConnectionClosed(connection: TlsHandshake): void;
  /**
   * The stream has another receiver from now on.
   * @param first bytes that have come already, valid during the call
   */
  onReady(connection: TlsHandshake, tls: ConnectionTls, first: Bytes): void;
}

export interface HandshakeOptions {
  readonly listener: CompiledListener;
  /** All streams of the thread read into it. */
  readonly buffer: Bytes;
  /** The client's address, for the log. */
  readonly peer: string;
  readonly untilMs: number;
}

export class TlsHandshake extends EarlyConnection implements WaitingHandshake {
  readonly #owner: HandshakeOwner;
  readonly #options: HandshakeOptions;
  /** What has come of the ClientHello. */
  #first: Bytes = NO_BYTES;
  #neededSize = 1;
  /** Whole, while it waits for a certificate. */
  #waiting: ClientHello | undefined = undefined;
  #phase: "hello" | "waiting" | "handshake" = "hello";

  constructor(context: EdgeContext, stream: ByteStream, owner: HandshakeOwner, options: HandshakeOptions) {
    super(context, stream, options.untilMs);
    this.#owner = owner;
    this.#options = options;
  }

  onBytes(bytes: Bytes): void {
    if (this.isOver || this.#phase === "handshake") return;
    // Nobody speaks before it was answered.
    if (this.#phase === "waiting") return this.end();
    const all = this.#first.length === 0 ? bytes : concatBytes([this.#first, bytes]);
    if (all.length < this.#neededSize) return this.#keep(all, bytes);
    const found = readClientHello(all);
    switch (found.kind) {
      case "need-data":
        this.#neededSize = found.size;
        return this.#keep(all, bytes);
      case "hello": return this.#begin(found.hello, all);
      case "plain":
        this.#note("client sent plain HTTP request to HTTPS port");
        return this.#ready(PLAIN_ON_TLS, all);
      case "violation":
        this.#note(`SSL_do_handshake() failed: ${found.reason}`);
        return this.#refuse(found.alert);
    }
  }

  protected onClosed(): void {
    const { failure } = this.stream;
    if (!this.isOver && this.#phase === "handshake" && failure !== undefined) {
      this.#note(`SSL_do_handshake() failed (SSL: ${failure.message})`);
    }
    this.isOver = true;
    this.context.wantedNames.leave(this);
    this.#owner.onConnectionClosed(this);
  }

  #keep(all: Bytes, bytes: Bytes): void {
    // The read buffer is everybody's.
    this.#first = all === bytes ? copyBytes(bytes) : all;
  }

  #begin(hello: ClientHello, first: Bytes): void {
    const chosen = this.#options.listener.tlsFor(hello);
    if (!chosen.ok) {
      const { wanted } = chosen.error;
      const { wantedNames, clock } = this.context;
      if (wanted !== undefined && wantedNames.wait(wanted, this, clock.coarseMs)) {
        this.#phase = "waiting";
        this.#waiting = hello;
        this.#first = first === this.#first ? first : copyBytes(first);
        return;
      }
      this.#note(chosen.error.reason);
      return this.#refuse(chosen.error.alert);
    }
    this.#phase = "handshake";
    this.#first = NO_BYTES;
    const { secure, protocols, asksCertificate, handshakeServer: server } = chosen.value;
    const secured = (socket: SecureSocket): void => {
      if (this.isOver) return;
      if (socket.alpnProtocol === ACME_PROTOCOL) this.#answered(hello.serverName ?? "");
      else this.#ready(new TlsSession(socket, hello, chosen.value), NO_BYTES);
    };
    const options = { secureContext: secure, protocols, asksCertificate, server };
    this.stream.secure(options, first, this.#options.buffer, secured);
  }

  /** There may be a certificate now. */
  again(): void {
    const hello = this.#waiting;
    if (this.isOver || hello === undefined) return;
    this.#phase = "hello";
    this.#waiting = undefined;
    this.#begin(hello, this.#first);
  }

  /** RFC 8737 §3: the handshake is all that an issuer wants. */
  #answered(name: string): void {
    const { challenges, onChallengeAnswered } = this.context;
    const id = challenges.idFor(name);
    if (id !== undefined) onChallengeAnswered(id, this.#options.peer);
    this.isOver = true;
    this.stream.close();
  }

  #ready(tls: ConnectionTls, first: Bytes): void {
    this.leave();
    this.#owner.onReady(this, tls, first);
  }

  #refuse(alert: AlertName | undefined): void {
    this.isOver = true;
    if (alert !== undefined) this.stream.writeBytes(alertRecord(alert));
    this.stream.close();
  }

  #note(text: string): void {
    this.context.onNotice("info", `${text} while SSL handshaking, client: ${this.#options.peer || "unix:"}`);
  }
}
