/**
 * TLS on the server's side of a connection that was accepted, and whose first bytes were read.
 *
 * node:tls offers the shared read buffer (`onread`) only to sockets that it connects itself, so this one is made as if
 * it were to be connected, and given the connection's handle where node would make one (docs/adr/0018-tls.md).
 */
import type { EventEmitter } from "node:events";
import type * as tls from "node:tls";

/** node:tls costs each thread some megabytes, so it is loaded by whoever meets TLS first. */
export function tlsModule(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

/** What a handshake is begun with. */
export interface TlsAcceptOptions {
  readonly secureContext: tls.SecureContext;
  /** What we speak, as ALPN writes it; a client that speaks none of it is refused. */
  readonly protocols: Uint8Array;
  /** Ask for a certificate; whatever is wrong with it, the handshake goes on. */
  readonly asksCertificate: boolean;
  /**
   * Makes whom node asks by events of a tls.Server: for sessions with an id, and for staples. Nobody costs nothing.
   * @param socket not to be called before the first event
   */
  readonly server: ((socket: () => tls.TLSSocket) => EventEmitter | undefined) | undefined;
}

/** A TLSSocket, and what of it node does not publish. */
export interface SecureSocket extends tls.TLSSocket {
  /** What is wrong with the peer's certificate: OpenSSL's name for it, and its words. */
  verifyProblem(): { readonly code: string; readonly message: string } | undefined;
  /** Errors that come from now on are told. To be called once, after the handshake. */
  release(): void;
  /** Bytes that were read before. */
  receive(bytes: Uint8Array): void;
}

interface TlsHandle {
  receive(bytes: Uint8Array): void;
  verifyError(): (Error & { readonly code?: string }) | null | undefined;
}

type AcceptedClass = new (options: tls.TLSSocketOptions & { readonly handle: object }) => SecureSocket;

let acceptedClass: AcceptedClass | undefined;

/** @param handle of the accepted connection, which nobody else uses any more */
export function acceptTls(handle: object, options: tls.TLSSocketOptions): SecureSocket {
  acceptedClass ??= makeClass();
  const socket = new acceptedClass({ ...options, handle });
  // It believes that it has to connect.
  Reflect.set(socket, "connecting", false);
  return socket;
}

function makeClass(): AcceptedClass {
  const { TLSSocket } = tlsModule();
  type WrapHandle = (wrap: undefined, handle: object, hasActiveWrite: boolean) => object;
  const wrapHandle = Reflect.get(TLSSocket.prototype, "_wrapHandle") as WrapHandle;
  class AcceptedSocket extends TLSSocket {
    constructor(options: tls.TLSSocketOptions) {
      // Without a socket to wrap: the type does not know that it may be left out.
      super(undefined as never, options);
    }

    /** Called by node's constructor, for the handle of a connection that is still to be made. */
    _wrapHandle(): object {
      const { handle } = Reflect.get(this, "_tlsOptions") as { readonly handle: object };
      return wrapHandle.call(this, undefined, handle, false);
    }

    get #native(): TlsHandle | undefined {
      return Reflect.get(this, "_handle") as TlsHandle | undefined;
    }

    verifyProblem(): { readonly code: string; readonly message: string } | undefined {
      const problem = this.#native?.verifyError();
      // Behind a semicolon node has advice for its own users.
      return problem ? { code: problem.code ?? "", message: problem.message.replace(/;.*/s, "") } : undefined;
    }

    release(): void {
      const release = Reflect.get(this, "_releaseControl") as () => boolean;
      release.call(this);
    }

    receive(bytes: Uint8Array): void {
      this.#native?.receive(bytes);
    }
  }
  return AcceptedSocket;
}
