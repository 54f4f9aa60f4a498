import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { Clock } from "../net/index.ts";
import {
  DIAL, KEEPALIVE, Listening, Peerside, descriptorCount, tcpPeer,
} from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { UpstreamConnection } from "./connection.ts";
import type { KeepaliveSettings } from "./settings.ts";

const HERE = { host: "127.0.0.1", port: 0 };

describe("the pool of connections", () => {
  let clock: Clock;
  let pool: ConnectionPool;

  before(() => {
    clock = new Clock();
    pool = new ConnectionPool(clock);
  });

  after(() => {
    pool.close();
    clock.close();
    equal(pool.size, 0);
  });

  /** One request's worth of a connection. */
  async function use(
    upstream: object, side: Peerside, keepalive: KeepaliveSettings = KEEPALIVE, dial = DIAL,
  ): Promise<UpstreamConnection> {
    const user = new Listening();
    const connection = pool.connect(upstream, tcpPeer(side.port), keepalive, dial, user);
    if (!connection.isConnected) await user.heard("connected");
    return connection;
  }

  test("gives a connection that was kept to the next request of the same upstream, and only to it", async () => {
    await using side = await Peerside.listen(HERE);
    const upstream = {};
    const first = await use(upstream, side);
    first.keep();
    equal(pool.idleCount, 1);
    const user = new Listening();
    const second = pool.connect(upstream, tcpPeer(side.port), KEEPALIVE, DIAL, user);
    equal(second, first);
    deepEqual([second.isConnected, second.isKept, second.connectMs], [true, true, 0]);
    deepEqual(user.events, [], "nobody is told of what is there already");
    (await side.socket(0)).write("for the second");
    await user.read("for the second");
    second.keep();
    const stranger = await use({}, side);
    notEqual(stranger, first);
    stranger.close();
    const other = await use(upstream, side, KEEPALIVE, { ...DIAL, localAddress: "127.0.0.2" });
    notEqual(other, first, "it comes from another address");
    other.close();
    const spoken = await use(upstream, side, KEEPALIVE, { ...DIAL, protocol: "uwsgi" });
    notEqual(spoken, first, "it speaks something else");
    spoken.close();
    const same = await use(upstream, side, KEEPALIVE, { ...DIAL, readTimeoutMs: 1 });
    equal(same, first, "only what the peer sees tells connections apart");
    same.close();
  });

  test("takes the last one that came, and closes the oldest where there are too many over all peers", async () => {
    await using one = await Peerside.listen(HERE);
    await using two = await Peerside.listen(HERE);
    const upstream = {};
    const keepalive = { ...KEEPALIVE, connections: 2 };
    const a = await use(upstream, one, keepalive), b = await use(upstream, two, keepalive);
    const c = await use(upstream, two, keepalive);
    for (const connection of [a, b, c]) connection.keep();
    equal(pool.idleCount, 2);
    await closed(await one.socket(0));
    equal(await use(upstream, two, keepalive), c);
    equal(await use(upstream, two, keepalive), b);
    b.close();
    c.close();
    const none = await use(upstream, one, { ...KEEPALIVE, connections: 0 });
    none.keep();
    equal(pool.idleCount, 0);
    await closed(await one.socket(1));
  });

  test("keeps a connection for so many requests and for so long", async () => {
    await using side = await Peerside.listen(HERE);
    const worn = {}, old = {}, lonely = {};
    const twice = { ...KEEPALIVE, requests: 2 };
    const first = await use(worn, side, twice);
    first.keep();
    equal(await use(worn, side, twice), first);
    first.keep();
    equal(pool.idleCount, 0, "two requests were all");

    const aged = await use(old, side, { ...KEEPALIVE, timeMs: 0 });
    await eventually("a tick", 5000, () => clock.coarseMs > performance.now() - 100);
    const { coarseMs } = clock;
    await eventually("a tick", 5000, () => clock.coarseMs > coarseMs);
    aged.keep();
    equal(pool.idleCount, 0, "its time is over");

    (await use(lonely, side, { ...KEEPALIVE, timeoutMs: 300 })).keep();
    equal(pool.idleCount, 1);
    await eventually("the idle timeout", 5000, () => pool.idleCount === 0);
    await closed(await side.socket(2));
  });

  test("drops an idle connection that ends, is reset, or says something", async () => {
    await using side = await Peerside.listen(HERE);
    const upstream = {};
    const leaves: readonly ((socket: Socket) => void)[] = [
      (socket) => socket.end(), (socket) => socket.resetAndDestroy(), (socket) => socket.write("HTTP/1.1 200 OK\r\n"),
    ];
    for (const [index, leave] of leaves.entries()) {
      const connection = await use(upstream, side);
      const socket = await side.socket(index);
      connection.keep();
      equal(pool.idleCount, 1);
      leave(socket);
      await eventually("it leaves the pool", 5000, () => pool.idleCount === 0);
    }
  });

  test("does not keep what cannot carry another request", async () => {
    await using side = await Peerside.listen(HERE);
    const upstream = {};
    const ending = new Listening();
    const ended = pool.connect(upstream, tcpPeer(side.port), KEEPALIVE, DIAL, ending);
    await ending.heard("connected");
    (await side.socket(0)).end();
    await ending.heard("end");
    ended.keep();
    const half = await use(upstream, side);
    half.end();
    half.keep();
    const busy = await use(upstream, side);
    (await side.socket(2)).pause();
    busy.writeBytes(Buffer.alloc(8 * 1024 * 1024));
    busy.keep();
    const early = pool.connect(upstream, tcpPeer(side.port), KEEPALIVE, DIAL, new Listening());
    early.keep();
    equal(pool.idleCount, 0);
    equal(pool.size, 0);
  });

  test("hears of an end while it is idle even if its user had stopped reading", async () => {
    await using side = await Peerside.listen(HERE);
    const connection = await use({}, side);
    connection.pause();
    connection.keep();
    equal(pool.idleCount, 1);
    (await side.socket(0)).end();
    await eventually("it leaves the pool", 5000, () => pool.idleCount === 0);
  });

  test("closes connections to peers that are no members any more", async () => {
    await using one = await Peerside.listen(HERE);
    await using two = await Peerside.listen(HERE);
    const upstream = {};
    const busy = await use(upstream, one);
    (await use(upstream, one)).keep();
    const staying = await use(upstream, two);
    staying.keep();
    pool.retire(upstream, ({ name }) => name.endsWith(`:${one.port}`));
    equal(pool.idleCount, 1);
    ok(busy.isConnected, "what is under way is finished");
    busy.keep();
    equal(pool.idleCount, 1);
    equal(busy.isConnected, false);
    equal(await use(upstream, two), staying);
    staying.close();
  });

  test("leaves no descriptor behind after 500 connections of every fate", async () => {
    await using side = await Peerside.listen(HERE);
    const warm = await use({}, side);
    warm.close();
    await eventually("the first is gone", 5000, () => side.sockets.every(({ destroyed }) => destroyed || end(side)));
    const before = descriptorCount();
    const dead = await Peerside.listen(HERE);
    const deadPort = dead.port;
    await dead[Symbol.asyncDispose]();
    for (let round = 0; round < 10; round++) {
      const from = side.sockets.length;
      const users = Array.from({ length: 50 }, () => new Listening());
      const upstream = {};
      const connections = users.map((user, index) =>
        pool.connect(upstream, tcpPeer(index % 5 === 4 ? deadPort : side.port), KEEPALIVE, DIAL, user));
      for (const [index, user] of users.entries()) await user.heard(index % 5 === 4 ? "close" : "connected");
      await eventually("all of them", 5000, () => side.sockets.length === from + 40);
      for (const [index, connection] of connections.entries()) {
        if (index % 5 === 0) connection.close();
        else if (index % 5 === 1) connection.reset();
        else if (index % 5 === 2) connection.keep();
        else if (index % 5 === 3) connection.end();
      }
      for (const socket of side.sockets) socket.destroy();
      await eventually("an empty pool", 5000, () => pool.size === 0);
    }
    equal(pool.idleCount, 0);
    await eventually(`no more than ${before} descriptors`, 10_000, () => descriptorCount() <= before);
  });

  test("that is closed lets requests end and keeps nothing", async () => {
    await using side = await Peerside.listen(HERE);
    const ownClock = new Clock();
    const closing = new ConnectionPool(ownClock);
    const users = [new Listening(), new Listening()];
    const upstream = {};
    const [idle, busy] = users.map((user) => closing.connect(upstream, tcpPeer(side.port), KEEPALIVE, DIAL, user));
    for (const user of users) await user.heard("connected");
    idle?.keep();
    closing.close();
    equal(closing.size, 1);
    (await side.socket(1)).write("whole");
    (await side.socket(0)).write("whole");
    await users[1]?.read("whole");
    busy?.keep();
    equal(closing.size, 0);
    ownClock.close();
    ok(idle?.isConnected === false);
  });
});

/** Closes the server's half of what the other side has closed. */
function end(side: Peerside): boolean {
  for (const socket of side.sockets) socket.destroy();
  return false;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  await eventually("the other side closes", 5000, () => socket.readableEnded || socket.destroyed);
}
