// What tests of connections to upstreams need: peers, settings, and a user who writes down what happened.
import { readdirSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { KEEPALIVE_DEFAULTS, SERVER_DEFAULTS } from "../../src/upstream/index.ts";
import type {
  CloseReason, ConnectionUser, DialSettings, KeepaliveSettings, NetworkPeer, UpstreamAddress, UpstreamServerSettings,
} from "../../src/upstream/index.ts";
import { eventually } from "./wait.ts";

const WAIT_MS = 10_000;

export const KEEPALIVE: KeepaliveSettings = KEEPALIVE_DEFAULTS;

export const DIAL: DialSettings = {
  connectTimeoutMs: 5000, sendTimeoutMs: 5000, readTimeoutMs: 5000, socketKeepalive: false, localAddress: undefined,
  tls: undefined,
};

/** A `server` line with everything else left out. */
export function serverLine(name: string, address: UpstreamAddress): UpstreamServerSettings {
  return { name, address, ...SERVER_DEFAULTS };
}

export function tcpPeer(port: number, host: string = "127.0.0.1"): NetworkPeer {
  const address = { kind: "tcp", host, port } as const;
  const name = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return { name, address, server: serverLine(name, address), slot: 0, id: name };
}

export function unixPeer(path: string): NetworkPeer {
  const address = { kind: "unix", path } as const;
  return { name: `unix:${path}`, address, server: serverLine(`unix:${path}`, address), slot: 0, id: path };
}

/** Hears everything and keeps it. */
export class Listening implements ConnectionUser {
  readonly events: string[] = [];
  text = "";
  drains = 0;
  why: CloseReason | undefined = undefined;

  onConnected(): void {
    this.events.push("connected");
  }

  onBytes(bytes: Buffer): void {
    if (this.events.at(-1) !== "bytes") this.events.push("bytes");
    this.text += bytes.toString("latin1");
  }

  onDrain(): void {
    this.drains++;
  }

  onEnd(): void {
    this.events.push("end");
  }

  onClose(why: CloseReason): void {
    this.events.push("close");
    this.why = why;
  }

  /** Waits until this has happened. */
  async heard(event: "connected" | "end" | "close"): Promise<void> {
    await eventually(`${event}, after ${this.events.join()}`, WAIT_MS, () => this.events.includes(event));
  }

  /** Waits for text to come. */
  async read(text: string): Promise<void> {
    await eventually(`${text}, after ${this.text}`, WAIT_MS, () => this.text.includes(text));
  }

  /** Why it was closed, in one line. */
  async reason(): Promise<string> {
    await this.heard("close");
    const { why } = this;
    return why?.kind === "error" ? `${why.call} ${why.text}` : (why?.kind ?? "");
  }
}

/** A server whose sockets a test plays with. */
export class Peerside implements AsyncDisposable {
  readonly server: Server;
  readonly sockets: Socket[] = [];

  constructor(server: Server = createServer({ allowHalfOpen: true })) {
    this.server = server;
    server.on("connection", (socket: Socket) => {
      socket.on("error", () => undefined);
      this.sockets.push(socket);
    });
  }

  static async listen(where: { host: string; port: number } | string, server?: Server): Promise<Peerside> {
    const side = new Peerside(server);
    if (typeof where === "string") side.server.listen(where);
    else side.server.listen(where.port, where.host);
    await once(side.server, "listening");
    return side;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The socket of so many connections. */
  async socket(index: number): Promise<Socket> {
    return eventually(`connection ${index}`, WAIT_MS, () => this.sockets[index]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, "close");
  }
}

/** Descriptors of this process. */
export function descriptorCount(): number {
  return readdirSync("/proc/self/fd").length;
}
