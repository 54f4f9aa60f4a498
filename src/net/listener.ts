/**
 * A listening socket of one edge thread. The descriptor was bound by the master and is inherited; here it
 * begins to listen.
 *
 * Connections are taken as handles rather than as sockets, because node:net offers the shared read buffer
 * only to the one who makes the socket (docs/adr/0003-read-buffer.md has the measurement).
 */
import * as net from "node:net";
import type { SocketHandle } from "./byte-stream.ts";

interface ListeningHandle {
  onconnection: (error: number, handle: SocketHandle | undefined) => void;
}


export interface ListenOptions {
  readonly fd: number;
  /** Connections that the kernel may hold for us. */
  readonly backlog: number;
  /** Takes each connection. */
  readonly accept: (handle: SocketHandle) => void;
  /** A connection could not be accepted; the system's error number. */
  readonly failed: (code: number) => void;
}

export class Listener {
  readonly #server: net.Server;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /** Listens on an inherited descriptor. Errors: the system's. */
  static listen({ fd, backlog, accept, failed }: ListenOptions): Promise<Listener> {
    const server = net.createServer({ allowHalfOpen: true });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      // As an argument of its own: as an option beside `fd`, node:net does not look at it.
      server.listen({ fd }, backlog, () => {
        server.off("error", reject);
        // Later errors of the listening socket are those of accept, which `failed` hears.
        server.on("error", () => undefined);
        const handle: unknown = Reflect.get(server, "_handle");
        (handle as ListeningHandle).onconnection = (error, connection) => {
          if (connection !== undefined && error === 0) accept(connection);
          else failed(error);
        };
        resolve(new Listener(server));
      });
    });
  }

  /** Accepts nothing more; the descriptor of the master stays open, so nobody is refused. */
  close(): void {
    this.#server.close();
  }
}

