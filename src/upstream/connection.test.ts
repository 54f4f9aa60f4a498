import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { Clock } from "../net/index.ts";
import {
  DIAL, KEEPALIVE, Listening, Peerside, descriptorCount, tcpPeer, unixPeer,
} from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { DialSettings, UpstreamConnection } from "./connection.ts";
import type { NetworkPeer } from "./balancer.ts";

const HERE = { host: "127.0.0.1", port: 0 };
const MANY = Buffer.alloc(8 * 1024 * 1024, "x");

describe("a connection to a peer", () => {
  let clock: Clock;
  let pool: ConnectionPool;
  let directory = "";

  before(() => {
    clock = new Clock();
    pool = new ConnectionPool(clock);
    directory = mkdtempSync(join(tmpdir(), "connection-"));
  });

  after(() => {
    pool.close();
    clock.close();
    rmSync(directory, { recursive: true });
    equal(pool.size, 0, "every connection of every test has left the pool");
  });

  function dial(peer: NetworkPeer, user: Listening, other: Partial<DialSettings> = {}): UpstreamConnection {
    return pool.connect({}, peer, KEEPALIVE, { ...DIAL, ...other }, user);
  }

  /** A connection that is made, and the socket at its other end. */
  async function talk(side: Peerside, user: Listening, other: Partial<DialSettings> = {}):
    Promise<{ connection: UpstreamConnection; socket: Socket }> {
    const connection = dial(tcpPeer(side.port), user, other);
    await user.heard("connected");
    return { connection, socket: await side.socket(0) };
  }

  test("carries bytes both ways, and tells how long connecting took", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const connection = dial(tcpPeer(side.port), user);
    equal(connection.isConnected, false);
    connection.writeLatin1("early ");
    await user.heard("connected");
    equal(connection.isConnected, true);
    equal(connection.isKept, false);
    ok(connection.connectMs > 0);
    connection.cork();
    connection.writeLatin1("caf\xe9 ");
    connection.writeBytes(Buffer.from("bytes"));
    connection.uncork();
    const socket = await side.socket(0);
    let came = "";
    socket.on("data", (bytes) => (came += bytes.toString("latin1")));
    await eventually("what was written", 5000, () => came === "early caf\xe9 bytes");
    socket.write("answer");
    await user.read("answer");
    ok(connection.idleDescriptor > 0);
    connection.close();
    deepEqual(user.events, ["connected", "bytes"], "who closes is not told");
    equal(connection.idleDescriptor, -1);
  });

  test("goes to Unix sockets and to IPv6", async () => {
    const path = join(directory, "peer.sock");
    await using unix = await Peerside.listen(path);
    await using six = await Peerside.listen({ host: "::1", port: 0 });
    for (const [side, peer] of [[unix, unixPeer(path)], [six, tcpPeer(six.port, "::1")]] as const) {
      const user = new Listening();
      const connection = dial(peer, user);
      await user.heard("connected");
      (await side.socket(0)).write("hello");
      await user.read("hello");
      connection.close();
    }
  });

  test("comes from the address that it was told to", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user, { localAddress: "127.0.0.2" });
    equal(socket.remoteAddress, "127.0.0.2");
    connection.close();
    const strange = new Listening();
    dial(tcpPeer(side.port), strange, { localAddress: "192.0.2.77:0" });
    match(await strange.reason(), /^bind\(\) 99: Cannot assign requested address$/);
  });

  test("that is refused says so in the system's words", async () => {
    const side = await Peerside.listen(HERE);
    const { port } = side;
    await side[Symbol.asyncDispose]();
    const refused = new Listening(), away = new Listening();
    dial(tcpPeer(port), refused);
    dial(unixPeer(join(directory, "nobody.sock")), away);
    equal(await refused.reason(), "connect() 111: Connection refused");
    equal(await away.reason(), "connect() 2: No such file or directory");
    deepEqual(refused.events, ["close"]);
  });

  test("that cannot even be tried fails like one that was", async () => {
    const port = new Listening(), local = new Listening(), path = new Listening();
    dial(tcpPeer(99_999), port);
    dial(tcpPeer(80), local, { localAddress: "nonsense" });
    dial(unixPeer(`/${"x".repeat(200)}`), path);
    deepEqual(port.events, [], "the caller has its connection first");
    match(await port.reason(), /^connect\(\) /);
    match(await local.reason(), /^connect\(\) /);
    match(await path.reason(), /^connect\(\) /);
  });

  test("that is dropped while it connects is gone at once", async () => {
    await using full = await FullBacklog.make();
    const before = descriptorCount();
    for (const drop of ["close", "reset"] as const) {
      const user = new Listening();
      dial(tcpPeer(full.port), user)[drop]();
      await eventually("the descriptor", 5000, () => descriptorCount() <= before);
      deepEqual(user.events, []);
    }
  });

  test("that nobody accepts ends with the connect timeout", async () => {
    await using full = await FullBacklog.make();
    const user = new Listening();
    const startMs = performance.now();
    const connection = dial(tcpPeer(full.port), user, { connectTimeoutMs: 300 });
    equal(await user.reason(), "connect-timeout");
    ok(performance.now() - startMs >= 300, "not early");
    equal(connection.isConnected, false);
  });

  test("on which nothing comes ends with the read timeout, but only while bytes are due", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user, { readTimeoutMs: 300 });
    connection.awaitBytes();
    connection.idle();
    await ticks(clock, 3);
    deepEqual(user.events, ["connected"], "nothing is due");
    const startMs = performance.now();
    connection.awaitBytes();
    connection.pause();
    await ticks(clock, 3);
    deepEqual(user.events, ["connected"], "nobody reads");
    connection.resume();
    await ticks(clock, 1);
    socket.write("a");
    await user.read("a");
    const readMs = performance.now();
    equal(await user.reason(), "read-timeout");
    ok(readMs > startMs && performance.now() - readMs >= 290, "each read begins the wait anew");
  });

  test("to a peer that does not read ends with the send timeout", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user, { sendTimeoutMs: 500 });
    socket.pause();
    let taken = false;
    equal(connection.writeBytes(MANY, () => (taken = true)), false);
    ok(connection.queuedSize > 0);
    equal(await user.reason(), "send-timeout");
    await eventually("the bytes are given back", 5000, () => taken);
  });

  test("tells when what was queued has left", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user);
    equal(connection.writeBytes(MANY), false);
    socket.resume();
    await eventually("a drain", 5000, () => user.drains > 0);
    equal(connection.queuedSize, 0);
    connection.close();
  });

  test("whose peer has ended can still be written to", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user);
    socket.end("last");
    await user.heard("end");
    equal(user.text, "last");
    let came = "";
    socket.on("data", (bytes) => (came += bytes.toString()));
    connection.writeLatin1("still here");
    connection.end();
    await eventually("the rest", 5000, () => came === "still here");
    equal(await user.reason(), "closed");
    deepEqual(user.events, ["connected", "bytes", "end", "close"]);
  });

  test("of which we have ended our half still reads", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { connection, socket } = await talk(side, user);
    socket.on("end", () => socket.end("answer"));
    socket.resume();
    connection.end();
    equal(await user.reason(), "closed");
    equal(user.text, "answer");
  });

  test("that is reset says so", async () => {
    await using side = await Peerside.listen(HERE);
    const user = new Listening();
    const { socket } = await talk(side, user);
    socket.resetAndDestroy();
    equal(await user.reason(), "recv() 104: Connection reset by peer");
  });

  test("can be cut so that the peer sees it, and given away whole", async () => {
    await using side = await Peerside.listen(HERE);
    const cut = await talk(side, new Listening());
    const errors: unknown[] = [];
    cut.socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code));
    cut.socket.resume();
    cut.connection.reset();
    await eventually("RST", 5000, () => errors.length > 0);
    deepEqual(errors, ["ECONNRESET"]);

    const user = new Listening();
    const connection = dial(tcpPeer(side.port), user);
    await user.heard("connected");
    const socket = await side.socket(1);
    const tunnelled: string[] = [];
    const stream = connection.detach({
      onBytes: (bytes) => void tunnelled.push(bytes.toString()),
      onEnd: () => void tunnelled.push("end"),
      onDrain: () => undefined,
      onClose: () => void tunnelled.push("close"),
    });
    equal(pool.size, 0);
    socket.end("through");
    await eventually("the end", 5000, () => tunnelled.includes("end"));
    stream.destroy();
    await eventually("the close", 5000, () => tunnelled.includes("close"));
    equal(tunnelled.join(), "through,end,close");
    deepEqual(user.events, ["connected"]);
  });
});

/** Lets the clock tick so often. */
async function ticks(clock: Clock, count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    const { coarseMs } = clock;
    await eventually("a tick", 10_000, () => clock.coarseMs !== coarseMs);
  }
}

/** Listens, says where, and then stands still: what comes stays in the kernel. */
const STANDSTILL = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0));
  });
`;

/** A listener that accepts nothing and whose backlog is full: the kernel answers no SYN any more. */
class FullBacklog implements AsyncDisposable {
  readonly port: number;
  readonly #fillers: readonly Socket[];
  readonly #worker: Worker;
  readonly #gate: SharedArrayBuffer;

  private constructor(port: number, fillers: readonly Socket[], worker: Worker, gate: SharedArrayBuffer) {
    this.port = port;
    this.#fillers = fillers;
    this.#worker = worker;
    this.#gate = gate;
  }

  static async make(): Promise<FullBacklog> {
    const gate = new SharedArrayBuffer(4);
    const worker = new Worker(STANDSTILL, { eval: true, workerData: gate });
    const [port] = (await once(worker, "message")) as [number];
    const fillers: Socket[] = [];
    for (let index = 0; index < 8; index++) {
      fillers.push(connect({ host: "127.0.0.1", port }).on("error", () => undefined));
    }
    await eventually("a full backlog", 5000, () => fillers.filter(({ connecting }) => !connecting).length >= 2);
    return new FullBacklog(port, fillers, worker, gate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    Atomics.store(new Int32Array(this.#gate), 0, 1);
    Atomics.notify(new Int32Array(this.#gate), 0);
    await this.#worker.terminate();
  }
}
