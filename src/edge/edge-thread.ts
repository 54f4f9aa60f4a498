/**
 * One edge thread: listens on its sockets, holds its connections, gives requests to its pool.
 * The first thread is the edge process's own; further ones are worker threads (`thread-entry.ts`).
 */
import { join } from "node:path";
import { TrustedProxies, plainAddress } from "../access/index.ts";
import { LoadZone, Pool } from "../app/index.ts";
import type { LinkedWorker, Peer } from "../app/index.ts";
import type { Config } from "../config/model.ts";
import { ByteStream, Clock, CopySlab, Listener, makeReadBuffer } from "../net/index.ts";
import type { SocketHandle } from "../net/index.ts";
import { AccessLog } from "../observe/index.ts";
import { SectionMemory } from "../protocol/h1/index.ts";
import type { EdgeContext } from "./edge-context.ts";
import { H1Connection } from "./h1-connection.ts";
import type { ConnectionOwner } from "./h1-connection.ts";
import type { InheritedListener } from "./messages.ts";
import type { WebSocketConnection } from "./websocket-connection.ts";

/** What the thread does with a connection, whatever it speaks. */
interface EdgeConnection {
  /** The server ends: so does the connection, as soon as it may. */
  drain(): void;
}

/** What a thread is started with. */
export interface ThreadSettings {
  /** 0 for the first. */
  readonly edge: number;
  readonly config: Config;
  readonly listeners: readonly InheritedListener[];
  readonly runDirectory: string;
  readonly software: string;
  readonly zone: SharedArrayBuffer;
}

export type ThreadCommand =
  | { readonly kind: "worker-ready"; readonly worker: LinkedWorker }
  | { readonly kind: "worker-retire"; readonly name: string }
  | { readonly kind: "worker-gone"; readonly name: string; readonly reason: "crash" | "timeout" | "stopped" }
  | { readonly kind: "drain" }
  | { readonly kind: "reopen-logs" };

export type ThreadReport =
  | { readonly kind: "listening" }
  | { readonly kind: "worker-idle"; readonly name: string }
  | { readonly kind: "worker-lost"; readonly name: string }
  | { readonly kind: "drained" }
  | { readonly kind: "notice"; readonly level: "error" | "warning" | "info" | "debug"; readonly text: string };

/** The share of the graceful timeout within which the WebSockets of a worker that is replaced are closed. */
const RETIRE_SHARE = 0.5;
/** An attack must not fill the log. */
const NOTICE_PAUSE_MS = 1000;

export class EdgeThread implements ConnectionOwner {
  readonly #settings: ThreadSettings;
  readonly #report: (report: ThreadReport) => void;
  readonly #context: EdgeContext;
  readonly #connections = new Set<EdgeConnection>();
  readonly #listeners: Listener[] = [];
  readonly #readBuffer = makeReadBuffer();
  #listening = false;
  #spools = 0;
  #noticedMs = Number.NEGATIVE_INFINITY;
  draining = false;

  constructor(settings: ThreadSettings, report: (report: ThreadReport) => void) {
    this.#settings = settings;
    this.#report = report;
    const { config, listeners, software } = settings;
    const { accessLog, accessLogFormat } = config.log;
    const zone = new LoadZone(settings.zone);
    const onNotice: EdgeContext["onNotice"] = (level, text) => report({ kind: "notice", level, text });
    const pool = new Pool(
      {
        edge: settings.edge,
        backlog: config.app.backlog,
        queueTimeoutMs: config.app.timeoutMs,
        workerConnections: config.app.workerConnections,
        encoder: {
          listeners: listeners.map((listener) => listener.address),
          rootPath: config.app.rootPath,
          underscoresInHeaders: config.http.underscoresInHeaders,
          software,
        },
      },
      zone,
      {
        onWorkerReady: () => void this.#listen(),
        onWorkerIdle: (name) => report({ kind: "worker-idle", name }),
        onWorkerLost: (name) => report({ kind: "worker-lost", name }),
        onNotice,
      },
    );
    const spoolPath: EdgeContext["spoolPath"] = (prefix) =>
      join(settings.runDirectory, `${prefix}-${settings.edge}-${++this.#spools}`);
    this.#context = {
      http: config.http,
      webSocket: config.webSocket,
      limits: config.http,
      sections: new SectionMemory(),
      clock: new Clock(),
      copies: new CopySlab(),
      pool,
      zone,
      headers: { ...config.http, software: "tricorn" },
      appHandler: {
        clientBodyBufferSize: config.http.clientBodyBufferSize,
        spoolPath: () => spoolPath("body"),
        onNotice: (text) => onNotice("error", text),
      },
      trusted: config.forwarded.proxyHeaders ? new TrustedProxies(config.forwarded.forwardedAllowIps) : undefined,
      accessLog: accessLog === undefined ? undefined : new AccessLog(accessLog, accessLogFormat),
      retireSpreadMs: config.app.gracefulTimeoutMs * RETIRE_SHARE,
      limitConcurrency: config.app.limitConcurrency,
      spoolPath,
      onNotice,
    };
  }

  command(command: ThreadCommand): void {
    const { pool } = this.#context;
    switch (command.kind) {
      case "worker-ready": return pool.addWorker(command.worker);
      case "worker-retire": return pool.retireWorker(command.name);
      case "worker-gone": return pool.dropWorker(command.name, command.reason);
      case "reopen-logs": return this.#context.accessLog?.reopen();
      case "drain": return this.#drain();
    }
  }

  onConnectionUpgraded(connection: H1Connection, successor: WebSocketConnection): void {
    this.#connections.delete(connection);
    this.#connections.add(successor);
  }

  onConnectionClosed(connection: EdgeConnection): void {
    this.#connections.delete(connection);
    if (this.draining && this.#connections.size === 0) void this.#drained();
  }

  /** The first ready worker opens the doors. */
  async #listen(): Promise<void> {
    if (this.#listening || this.draining) return;
    this.#listening = true;
    const { config, edge, listeners } = this.#settings;
    for (const [index, listener] of listeners.entries()) {
      const fd = listener.fds[edge];
      if (fd === undefined) continue;
      const isTcp = listener.address.kind === "tcp";
      const options = {
        fd,
        backlog: config.app.backlog,
        accept: (handle: SocketHandle): void => this.#accept(handle, index, isTcp),
        failed: (code: number): void =>
          this.#notice("error", `connections cannot be accepted (error ${code}): raise the limit of files, ulimit -n`),
      };
      this.#listeners.push(await Listener.listen(options));
    }
    this.#report({ kind: "listening" });
  }

  #accept(handle: SocketHandle, listener: number, isTcp: boolean): void {
    const stream = ByteStream.accept(handle, this.#readBuffer, isTcp);
    // nginx: worker_connections are not enough: the newcomer is dropped, nobody who was here suffers.
    if (this.#connections.size >= this.#settings.config.app.workerConnections) {
      this.#notice("warning", "worker-connections are used up: connections are dropped");
      stream.destroy();
      return;
    }
    const peer = this.#peer(stream);
    // A client that has reset has no address any more, but its bytes are there. Without one it would pass for a Unix
    // socket's, which is trusted to forward: it could name any address as its own.
    if (isTcp && peer.address === "") return stream.destroy();
    const connection = new H1Connection(this.#context, stream, peer, listener, this);
    this.#connections.add(connection);
    connection.start();
  }

  /** A notice that would come with every connection, at most once in a while. */
  #notice(level: "error" | "warning", text: string): void {
    const now = this.#context.clock.coarseMs;
    if (now - this.#noticedMs < NOTICE_PAUSE_MS) return;
    this.#noticedMs = now;
    this.#context.onNotice(level, text);
  }

  #peer(stream: ByteStream): Peer {
    const address = plainAddress(stream.remoteAddress);
    const { trusted } = this.#context;
    return { address, port: stream.remotePort, scheme: "http", trusted: trusted?.trusts(address) ?? false };
  }

  #drain(): void {
    if (this.draining) return;
    this.draining = true;
    for (const listener of this.#listeners) listener.close();
    if (this.#connections.size === 0) return void this.#drained();
    for (const connection of this.#connections) connection.drain();
  }

  async #drained(): Promise<void> {
    await this.#context.accessLog?.close();
    this.#report({ kind: "drained" });
  }
}
