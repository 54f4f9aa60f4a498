// A client of HTTP/2 over TLS, which says in its handshake exactly what it is told to.
import { once } from "node:events";
import * as http2 from "node:http2";
import * as tls from "node:tls";
import { Client } from "./client.ts";

export interface Handshake extends tls.ConnectionOptions {
  readonly port: number;
  /** Keep the connection's session for another one. */
  readonly onSession?: (session: Buffer) => void;
}

/** Opens TLS, with ALPN as the options have it. @throws Error with node's code when the handshake fails */
export async function openTls({ onSession, ...options }: Handshake): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: "127.0.0.1", rejectUnauthorized: false, ...options });
  if (onSession !== undefined) socket.on("session", onSession);
  try {
    await once(socket, "secureConnect");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket.on("error", () => undefined);
}

/** What ALPN came to, false where it came to nothing, or node's code of the failure. */
export async function chosenProtocol(options: Handshake): Promise<string | false | null | undefined> {
  try {
    const socket = await openTls(options);
    socket.destroy();
    return socket.alpnProtocol;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** A client whose handshake has chosen HTTP/2, and its connection. */
export class SecureClient implements Disposable {
  readonly client: Client;
  readonly socket: tls.TLSSocket;

  private constructor(client: Client, socket: tls.TLSSocket) {
    this.client = client;
    this.socket = socket;
  }

  static async connect(options: Handshake): Promise<SecureClient> {
    const socket = await openTls({ ALPNProtocols: ["h2"], ...options });
    const authority = `https://${options.servername ?? "127.0.0.1"}:${options.port}`;
    return new SecureClient(await Client.over(http2.connect(authority, { createConnection: () => socket })), socket);
  }

  /** Status and text of an answer. @param authority whom it is for; whom the handshake has named, if left out */
  async get(path: string, authority?: string): Promise<readonly [status: number, text: string]> {
    const { status, text } = await this.client.ask(path, {
      headers: authority === undefined ? {} : { ":authority": authority },
    });
    return [status, text];
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}
