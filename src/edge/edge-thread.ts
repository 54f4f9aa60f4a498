/**
 * One edge thread: listens on its sockets, holds its connections, gives requests to its pools.
 * The first thread is the edge process's own; further ones are worker threads (`thread-entry.ts`).
 */
import { join } from "node:path";
import { plainAddress } from "../access/index.ts";
import { LoadZone, Pool } from "../app/index.ts";
import type { LinkedWorker, Peer } from "../app/index.ts";
import type { AppSettings, ErrorLogSettings } from "../config/model.ts";
import {
  ByteStream, Clock, CopySlab, Listener, ReadBuffers, loadSendfile, makeReadBuffer,
} from "../net/index.ts";
import type { SocketHandle } from "../net/index.ts";
import { AccessLogs } from "../observe/index.ts";
import { ResponseMemory, SectionMemory } from "../protocol/h1/index.ts";
import type { Bytes } from "../std/bytes.ts";
import { ConnectionPool, H2Sessions, UpstreamZone, Upstreams } from "../upstream/index.ts";
import type { FoundName, HealthChecks, UpstreamServerSettings } from "../upstream/index.ts";
import type { Challenge } from "../acme/index.ts";
import { assert } from "../std/assert.ts";
import { Challenges } from "./challenges.ts";
import { type SessionZones, Staples, type StapleUpdate, TlsContexts, type TlsSecrets } from "../tls/index.ts";
import { WantedNames } from "./wanted-names.ts";
import { CompiledSite } from "./compiled-site.ts";
import type { Successor } from "./connection-owner.ts";
import { ConnectionCounts } from "./connection-counts.ts";
import type { Accepted, ConnectionFacts } from "./current-request.ts";
import type { EdgeContext, NoticeLevel } from "./edge-context.ts";
import { startHealthChecks } from "./health.ts";
import { H2Connection } from "./h2-connection.ts";
import { H2Shared } from "./h2-shared.ts";
import { PrefaceConnection } from "./h2-preface.ts";
import type { PrefaceOwner } from "./h2-preface.ts";
import { H1Connection } from "./h1-connection.ts";
import type { ConnectionOwner } from "./h1-connection.ts";
import type { EdgeNews, EdgeReport, InheritedListener } from "./messages.ts";
import type { Configuration } from "./model.ts";
import { ProxiedConnection } from "./proxied-connection.ts";
import type { ProxiedOwner } from "./proxied-connection.ts";
import { TlsHandshake } from "./tls-handshake.ts";
import type { HandshakeOwner } from "./tls-handshake.ts";

/** What the thread does with a connection, whatever it speaks. */
interface EdgeConnection {
  /** The server ends: so does the connection, as soon as it may. */
  drain(idleMs: number): void;
}

/** What a thread is started with. */
export interface ThreadSettings {
  /** 0 for the first. */
  readonly edge: number;
  readonly configuration: Configuration;
  readonly listeners: readonly InheritedListener[];
  readonly runDirectory: string;
  /** By application: where the bodies are spooled that its workers read. */
  readonly bodyDirectories: Readonly<Record<string, string>>;
  readonly software: string;
  readonly healthyBefore: readonly string[];
  readonly foundBefore: readonly FoundName[];
  readonly challenges: readonly Challenge[];
  readonly zone: SharedArrayBuffer;
  readonly upstreamZone: SharedArrayBuffer;
  readonly tls: TlsSecrets;
  readonly sessionZones: SessionZones;
  readonly counts: SharedArrayBuffer;
}

export type ThreadCommand =
  | EdgeNews
  | { readonly kind: "worker-ready"; readonly worker: LinkedWorker }
  /** What handshakes carry along, from the thread that asks for it. */
  | { readonly kind: "staple"; readonly update: StapleUpdate };

export type ThreadReport =
  | { readonly kind: "listening" }
  | { readonly kind: "worker-idle"; readonly name: string }
  | { readonly kind: "healthy"; readonly peers: readonly string[] }
  | { readonly kind: "found"; readonly names: readonly FoundName[] }
  | { readonly kind: "worker-lost"; readonly name: string }
  | Extract<EdgeReport, { readonly kind: "challenge-ready" | "answered" | "name-wanted" }>
  | { readonly kind: "drained" }
  | {
      readonly kind: "notice";
      readonly level: NoticeLevel;
      readonly text: string;
      /** Where to, instead of the program's own log. */
      readonly logs: readonly ErrorLogSettings[] | undefined;
    };

/** The share of the graceful timeout within which the WebSockets of a worker that is replaced are closed. */
const RETIRE_SHARE = 0.5;
/** Handshakes under way in a thread: beyond it the oldest is dropped, which an honest client's is not. */
const HANDSHAKE_COUNT_MAX = 1024;
/** nginx: client_header_timeout, 60 s; whoever is honest needs a few round trips. */
const HANDSHAKE_MS_MAX = 10_000;
/** An attack must not fill the log. */
const NOTICE_PAUSE_MS = 1000;

export class EdgeThread implements ConnectionOwner {
  readonly #settings: ThreadSettings;
  readonly #report: (report: ThreadReport) => void;
  readonly #context: EdgeContext;
  readonly #pools = new Map<string, Pool>();
  readonly #upstreams: Upstreams;
  readonly #connections = new Set<EdgeConnection>();
  /** Those of them that have become something else than HTTP. */
  readonly #successors = new Set<EdgeConnection>();
  /** Those that are not TLS yet, in their order. */
  readonly #handshakes = new Set<TlsHandshake>();
  readonly #listeners: Listener[] = [];
  readonly #readBuffer = makeReadBuffer();
  readonly #staples = new Staples();
  readonly #tls: TlsContexts;
  readonly #health: HealthChecks | undefined;
  #listening = false;
  /** Connections are accepted. */
  #isOpen = false;
  #spools = 0;
  #noticedMs = Number.NEGATIVE_INFINITY;
  draining = false;
  /** Once it is draining: how long connections without a request are kept. */
  #idleMs = 0;

  constructor(settings: ThreadSettings, report: (report: ThreadReport) => void) {
    this.#settings = settings;
    this.#report = report;
    const { configuration, runDirectory, bodyDirectories } = settings;
    const zone = new LoadZone(settings.zone);
    const clock = new Clock();
    const onNotice: EdgeContext["onNotice"] = (level, text, logs) => report({ kind: "notice", level, text, logs });
    const directories = new Map<Pool, string | undefined>();
    for (const app of configuration.apps) {
      const pool = this.#makePool(app, zone, onNotice);
      this.#pools.set(app.name, pool);
      directories.set(pool, bodyDirectories[app.name]);
    }
    this.#tls = new TlsContexts(settings.tls, settings.sessionZones, this.#staples);
    const connections = new ConnectionPool(clock, this.#readBuffer);
    const h2 = new H2Shared();
    this.#upstreams = new Upstreams({
      settings: configuration.site.upstreams,
      zone: new UpstreamZone(settings.upstreamZone),
      clock,
      pool: connections,
      onNotice,
      foundBefore: settings.foundBefore,
      // All threads find the same.
      ...(settings.edge === 0 && { onFound: (names) => report({ kind: "found", names }) }),
    });
    const site = new CompiledSite(configuration.site, {
      pools: this.#pools,
      upstreams: this.#upstreams,
      clock,
      tls: this.#tls,
      accessLogs: (variables) => new AccessLogs(configuration.site.logFormats, variables, onNotice),
    });
    const path = (prefix: string, directory: string = runDirectory): string =>
      join(directory, `${prefix}-${settings.edge}-${++this.#spools}`);
    this.#context = {
      site,
      clock,
      zone,
      sections: new SectionMemory(),
      responses: new ResponseMemory(),
      connections,
      sessions: new H2Sessions(connections, h2),
      copies: new CopySlab(),
      buffers: new ReadBuffers(),
      sendfile: loadSendfile(),
      h2,
      counts: new ConnectionCounts(settings.counts, settings.edge),
      challenges: new Challenges(),
      wantedNames: new WantedNames((wanted) => report({ kind: "name-wanted", ...wanted })),
      onChallengeAnswered: (id, client) => report({ kind: "answered", id, client }),
      limitConcurrency: configuration.process.limitConcurrency,
      retireSpreadMs: configuration.process.gracefulTimeoutMs * RETIRE_SHARE,
      needsTime: configuration.site.locations.some(({ accessLogs }) => accessLogs.logs.length > 0),
      bodyPath: (pool) => path("body", directories.get(pool)),
      requestPath: () => path("request"),
      responsePath: () => path("response"),
      onNotice,
      onError: (text) => onNotice("error", text),
    };
    for (const challenge of settings.challenges) this.#addChallenge(challenge);
    // One thread checks, and the zone tells the others; before the doors are open, for `mandatory`.
    this.#health = settings.edge > 0 ? undefined : startHealthChecks(this.#context, {
      site, upstreams: this.#upstreams, software: settings.software, healthyBefore: settings.healthyBefore,
      onHealth: (peers) => report({ kind: "healthy", peers }),
    });
  }

  #makePool(app: AppSettings, zone: LoadZone, onNotice: EdgeContext["onNotice"]): Pool {
    const { configuration, edge, listeners, software } = this.#settings;
    const { locations, upstreams } = configuration.site;
    const isMember = upstreams.some(({ servers }) =>
      servers.some(({ address }) => address.kind === "app" && address.name === app.name));
    const underscoresInHeaders = locations.some(({ handler, http }) =>
      (handler.kind === "app" ? handler.app === app.name : isMember) && http.underscoresInHeaders);
    const settings = {
      edge,
      backlog: app.backlog,
      queueTimeoutMs: app.timeoutMs,
      workerConnections: configuration.process.workerConnections,
      encoder: {
        listeners: listeners.map((listener) => listener.address),
        rootPath: app.rootPath,
        underscoresInHeaders,
        software,
      },
    };
    return new Pool(settings, zone, {
      onWorkerReady: () => undefined,
      onWorkerIdle: (name) => this.#report({ kind: "worker-idle", name }),
      onWorkerLost: (name) => this.#report({ kind: "worker-lost", name }),
      onNotice,
    });
  }

  command(command: ThreadCommand): void {
    switch (command.kind) {
      case "listen": return void this.#listen();
      case "worker-ready": return this.#pools.get(command.worker.app)?.addWorker(command.worker);
      case "app-failed": return this.#pools.get(command.app)?.fail();
      case "worker-retire": return this.#poolOf(command.name)?.retireWorker(command.name);
      case "worker-gone": return this.#poolOf(command.name)?.dropWorker(command.name, command.reason);
      case "reopen-logs": return this.#context.site.accessLogs.reopen();
      case "drain": return this.#drain(command.idleMs);
      case "challenge":
        this.#addChallenge(command.challenge);
        if (this.#isOpen) this.#report({ kind: "challenge-ready", id: command.challenge.id });
        return;
      case "challenge-removed": return this.#removeChallenge(command.id);
      case "name-refused":
        return this.#context.wantedNames.refuse(command.name, command.forMs, this.#context.clock.coarseMs);
      case "tls": return this.#renew(command.secrets);
      case "staple": return this.#staples.apply(command.update);
      case "upstream-servers": return this.#setServers(command.upstream, command.servers);
    }
  }

  #addChallenge(challenge: Challenge): void {
    this.#context.challenges.add(challenge);
    if (challenge.kind !== "tls-alpn-01") return;
    const { certificate, key, name } = challenge;
    const [like] = this.#settings.configuration.site.locations;
    const problem = like === undefined ? undefined : this.#tls.setChallenge(name, { certificate, key }, like.tls);
    if (problem !== undefined) this.#context.onNotice("error", `a challenge cannot be answered: ${problem.nginx}`);
  }

  #removeChallenge(id: string): void {
    const challenge = this.#context.challenges.remove(id);
    const [like] = this.#settings.configuration.site.locations;
    if (challenge?.kind !== "tls-alpn-01" || like === undefined) return;
    this.#tls.setChallenge(challenge.name, undefined, like.tls);
  }

  #renew(secrets: TlsSecrets): void {
    for (const { nginx } of this.#tls.renew(secrets)) this.#context.onNotice("error", `kept as it was: ${nginx}`);
    this.#context.wantedNames.again();
  }

  #setServers(upstream: string, servers: readonly UpstreamServerSettings[]): void {
    const changed = this.#upstreams.setMembers(upstream, servers);
    if (!changed.ok) this.#context.onNotice("error", `servers were not changed: ${changed.error}`);
  }

  /** The pool that has the worker; where none has it, any may say so. */
  #poolOf(worker: string): Pool | undefined {
    const pools = [...this.#pools.values()];
    return pools.find((pool) => pool.hasWorker(worker)) ?? pools[0];
  }

  onConnectionUpgraded(connection: H1Connection, successor: Successor): void {
    this.#connections.delete(connection);
    this.#connections.add(successor);
    this.#successors.add(successor);
  }

  onConnectionClosed(connection: EdgeConnection): void {
    const { counts } = this.#context;
    if (this.#connections.delete(connection)) {
      counts.add("active", -1);
      // An upgraded connection is writing until its end.
      if (this.#successors.delete(connection)) counts.add("writing", -1);
    }
    if (this.draining && this.#connections.size === 0) void this.#drained();
  }

  async #listen(): Promise<void> {
    if (this.#listening || this.draining) return;
    this.#listening = true;
    await this.#upstreams.start();
    const { configuration, edge, listeners } = this.#settings;
    for (const [index, listener] of listeners.entries()) {
      const isTcp = listener.address.kind === "tcp";
      const bound = configuration.site.listeners[listener.listener];
      assert(bound !== undefined, "sockets are inherited for listeners of the site");
      const { backlog } = bound;
      for (const fd of listener.fds[edge] ?? []) {
        const options = {
          fd,
          backlog,
          accept: (handle: SocketHandle): void => this.#accept(handle, index, isTcp),
          failed: (code: number): void =>
            this.#notice("error", `connections cannot be accepted (error ${code}): raise the limit of open files`),
        };
        this.#listeners.push(await Listener.listen(options));
      }
    }
    this.#isOpen = true;
    this.#report({ kind: "listening" });
    for (const id of this.#context.challenges.ids) this.#report({ kind: "challenge-ready", id });
  }

  #accept(handle: SocketHandle, listener: number, isTcp: boolean): void {
    const { counts } = this.#context;
    const stream = ByteStream.accept(handle, this.#readBuffer, isTcp);
    counts.add("accepted");
    // nginx: worker_connections are not enough: the newcomer is dropped, nobody who was here suffers.
    if (this.#connections.size >= this.#settings.configuration.process.workerConnections) {
      this.#notice("warning", "worker_connections are used up: connections are dropped");
      stream.destroy();
      return;
    }
    const address = plainAddress(stream.remoteAddress);
    const peer: Peer = { address, port: stream.remotePort, scheme: "http", trusted: false };
    // A client that has reset has no address any more, but its bytes are there. Without one it would pass for a Unix
    // socket's, which is trusted to forward: it could name any address as its own.
    if (isTcp && address === "") return stream.destroy();
    const number = counts.add("handled");
    counts.add("active");
    const site = this.#settings.listeners[listener]?.listener ?? 0;
    const accepted: Accepted = { listener, site, number, startMs: Date.now() };
    if (this.#settings.configuration.site.listeners[site]?.proxyProtocol === true) {
      return this.#readProxyHeader(stream, peer, accepted);
    }
    this.#begin(stream, peer, { ...accepted, proxied: undefined });
  }

  /** @param first what has come already @param before the deadline of the first request, where that was set before */
  #begin(
    stream: ByteStream, peer: Peer, accepted: Accepted & Pick<ConnectionFacts, "proxied">,
    { first, deadlineMs }: { readonly first?: Bytes; readonly deadlineMs?: number } = {},
  ): void {
    const { site, clock } = this.#context;
    const listener = site.listener(accepted.site);
    if (listener.isTls) return this.#handshake(stream, peer, accepted, { first, deadlineMs });
    const plain = { stream, peer, accepted: { ...accepted, tls: undefined } };
    if (!listener.speaksHttp2(listener.fallback)) {
      this.#converse(plain, { isHttp2: false, first, untilMs: deadlineMs });
      return;
    }
    // In cleartext a client that speaks HTTP/2 says so with its first bytes.
    const owner: PrefaceOwner = {
      onConnectionClosed: (connection) => this.onConnectionClosed(connection),
      onPreface: (before, isHttp2, bytes) => {
        this.#connections.delete(before);
        this.#converse(plain, { isHttp2, first: bytes, untilMs: before.deadlineMs });
      },
    };
    const untilMs = deadlineMs ?? clock.coarseMs + listener.http.clientHeaderTimeoutMs;
    const preface = new PrefaceConnection(this.#context, stream, owner, untilMs);
    this.#connections.add(preface);
    preface.start(first);
  }

  /** HTTP begins. @param how which, what has come already, and until when the first request must begin */
  #converse(
    { stream, peer, accepted }: {
      readonly stream: ByteStream; readonly peer: Peer;
      readonly accepted: Accepted & Pick<ConnectionFacts, "proxied" | "tls">;
    },
    { isHttp2, first, untilMs }: {
      readonly isHttp2: boolean; readonly first: Bytes | undefined; readonly untilMs: number | undefined;
    },
  ): EdgeConnection {
    const Connection = isHttp2 ? H2Connection : H1Connection;
    const connection = new Connection(this.#context, stream, peer, accepted, this);
    this.#connections.add(connection);
    connection.start(first, untilMs);
    return connection;
  }

  #readProxyHeader(stream: ByteStream, peer: Peer, accepted: Accepted): void {
    const { site, clock } = this.#context;
    const untilMs = clock.coarseMs + site.listener(accepted.site).http.clientHeaderTimeoutMs;
    const owner: ProxiedOwner = {
      onConnectionClosed: (connection) => this.onConnectionClosed(connection),
      onProxied: (before, proxied, rest) => {
        this.#connections.delete(before);
        this.#begin(stream, peer, { ...accepted, proxied }, { first: rest, deadlineMs: before.deadlineMs });
      },
    };
    const connection = new ProxiedConnection(this.#context, stream, owner, peer.address, untilMs);
    this.#connections.add(connection);
    connection.start();
  }

  #handshake(
    stream: ByteStream, peer: Peer, accepted: Accepted & Pick<ConnectionFacts, "proxied">,
    { first, deadlineMs }: { readonly first: Bytes | undefined; readonly deadlineMs: number | undefined },
  ): void {
    const { site, clock } = this.#context;
    const listener = site.listener(accepted.site);
    const latestMs = clock.coarseMs + Math.min(listener.http.clientHeaderTimeoutMs, HANDSHAKE_MS_MAX);
    const owner: HandshakeOwner = {
      onConnectionClosed: (connection) => {
        this.#handshakes.delete(connection);
        this.onConnectionClosed(connection);
      },
      onReady: (before, tls, rest) => {
        this.#connections.delete(before);
        this.#handshakes.delete(before);
        const secured = { stream, peer: { ...peer, scheme: tls.scheme }, accepted: { ...accepted, tls } };
        // nginx: the time for the first request begins behind the handshake.
        const connection = this.#converse(secured, { isHttp2: tls.isHttp2, first: rest, untilMs: undefined });
        if (this.draining) connection.drain(this.#idleMs);
      },
    };
    const connection = new TlsHandshake(this.#context, stream, owner, {
      listener, buffer: this.#readBuffer, peer: peer.address, untilMs: Math.min(deadlineMs ?? latestMs, latestMs),
    });
    this.#connections.add(connection);
    this.#handshakes.add(connection);
    connection.start(first);
    const [oldest] = this.#handshakes;
    if (this.#handshakes.size > HANDSHAKE_COUNT_MAX && oldest !== undefined) {
      const text = `more than ${HANDSHAKE_COUNT_MAX} handshakes of TLS are under way: the oldest are dropped`;
      this.#notice("warning", text);
      oldest.end();
    }
  }

  /** A notice that would come with every connection, at most once in a while. */
  #notice(level: "error" | "warning", text: string): void {
    const now = this.#context.clock.coarseMs;
    if (now - this.#noticedMs < NOTICE_PAUSE_MS) return;
    this.#noticedMs = now;
    this.#context.onNotice(level, text);
  }

  #drain(idleMs: number): void {
    if (this.draining) return;
    this.draining = true;
    this.#idleMs = idleMs;
    for (const listener of this.#listeners) listener.close();
    if (this.#connections.size === 0) return void this.#drained();
    for (const connection of this.#connections) connection.drain(idleMs);
  }

  async #drained(): Promise<void> {
    this.#health?.close();
    this.#upstreams.close();
    this.#context.connections.close();
    await this.#context.site.accessLogs.close();
    this.#report({ kind: "drained" });
  }
}
