import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Member } from "./balance/peer.ts";
import { serverOf, serversOf, Simulation } from "../../tests/support/balance-simulation.ts";
import { UpstreamZone } from "./zone.ts";
import { elapsedMs, lock, SLOT, unlock } from "./zone-slot.ts";

const A = "10.0.0.1:80", B = "10.0.0.2:80";

describe("The zone", () => {
  test("gives one key one slot, whoever asks", () => {
    const memory = UpstreamZone.allocate([]);
    const [one, other] = [new UpstreamZone(memory), new UpstreamZone(memory)];
    const first = one.take("a");
    assert.deepEqual([first.isNew, one.take("b").slot !== first.slot], [true, true]);
    const again = other.take("a");
    assert.deepEqual([again.slot, again.isNew], [first.slot, false]);
  });

  test("gives a slot to another when nobody has it and nothing is active, and private ones when it is full", () => {
    const zone = new UpstreamZone(UpstreamZone.allocate([]));
    const places = Array.from({ length: 1_024 }, (_, index) => zone.take(`peer ${index}`));
    assert.ok(places.every(({ slot }) => slot !== -1));
    assert.equal(zone.take("one too many").slot, -1);
    const [first, second] = places;
    assert.ok(first !== undefined && second !== undefined);
    Atomics.store(first.fields, first.base + SLOT.active, 1);
    zone.drop(first);
    assert.equal(zone.take("still too many").slot, -1);
    zone.drop(second);
    const place = zone.take("just enough");
    assert.deepEqual([place.slot, place.isNew], [second.slot, true]);
  });

  test("says that it is full, and balances on", () => {
    const simulation = new Simulation({ servers: serversOf({ resolve: true }) });
    const [server] = simulation.settings.servers;
    assert.ok(server !== undefined);
    const members = Array.from({ length: 1_200 }, (_, index): Member => {
      const host = `10.1.${index >> 8}.${index & 255}`;
      return { server, address: { kind: "tcp", host, port: 80 }, name: `${host}:80` };
    });
    simulation.balancer.setMembers(members);
    assert.equal(simulation.balancer.peers.length, 1_200);
    assert.match(simulation.notices[0] ?? "", /^no room in the zone for peer "10\.1\.4\.\d+:80" of upstream "backend"/);
    assert.deepEqual(simulation.counts(1_200), new Array(1_200).fill(1));
  });

  test("does not let a thread that died with its lock stop the others", () => {
    const fields = new Int32Array(new SharedArrayBuffer(4));
    lock(fields, 0);
    lock(fields, 0);
    unlock(fields, 0);
    assert.equal(fields[0], 0);
    lock(fields, 0);
    unlock(fields, 0);
    assert.equal(fields[0], 0);
  });

  test("waits for a thread that is put to sleep while it holds the lock", async () => {
    const fields = new Int32Array(new SharedArrayBuffer(8));
    lock(fields, 0);
    // It has the lock, and is away for longer than anybody spins; what it writes last is seen by who waits.
    const sleeper = new Worker(
      `const { workerData: fields, parentPort } = require("node:worker_threads");
      parentPort.postMessage("up");
      Atomics.wait(fields, 1, 0, 30);
      fields[1] = 7;
      if (Atomics.exchange(fields, 0, 0) === 2) Atomics.notify(fields, 0, 1);`,
      { eval: true, workerData: fields },
    );
    await once(sleeper, "message");
    lock(fields, 0);
    assert.equal(fields[1], 7);
    unlock(fields, 0);
    await once(sleeper, "exit");
  });

  test("knows how long ago a time of 32 bits was, and that clocks of threads differ a little", () => {
    const nowMs = 1_790_000_123_456.789;
    for (const ms of [0, 1, 10_000, 24 * 86_400_000]) assert.equal(elapsedMs(nowMs, (nowMs - ms) | 0), ms);
    assert.equal(elapsedMs(nowMs, (nowMs + 5) | 0), 0);
    assert.ok(elapsedMs(nowMs, (nowMs - 30 * 86_400_000) | 0) >= 24 * 86_400_000);
  });
});

describe("The members of an upstream", () => {
  const named = (server: Member["server"], host: string): Member => {
    return { server, address: { kind: "tcp", host, port: 80 }, name: `${host}:80` };
  };

  test("are at first those that need no resolver", () => {
    const servers = [serverOf("backend.example"), serverOf("192.0.2.1:8080"), serverOf("unix:/run/a")];
    const simulation = new Simulation({ servers });
    assert.deepEqual(simulation.balancer.peers.map(({ name }) => name), ["192.0.2.1:8080", "unix:/run/a"]);
  });

  test("that stay are the same, and what is known of them stays", () => {
    const server = serverOf("backend.example", { resolve: true });
    const simulation = new Simulation({ servers: [server] });
    simulation.balancer.setMembers([named(server, "10.0.0.1"), named(server, "10.0.0.2")]);
    const peer = simulation.peer(A);
    simulation.balancer.setHealth(peer, false);
    const active = simulation.choose();
    assert.ok(active !== undefined);
    simulation.balancer.setMembers([named(server, "10.0.0.3"), named(server, "10.0.0.1")]);
    assert.equal(simulation.peer(A), peer);
    assert.deepEqual(simulation.requests(2), ["10.0.0.3:80", "10.0.0.3:80"]);
    // It is gone, and its request ends nevertheless.
    simulation.balancer.release(active, { outcome: "ok" });
    simulation.balancer.setMembers([named(server, "10.0.0.2"), named(server, "10.0.0.1")]);
    assert.deepEqual(simulation.balancer.snapshot().map(({ active: count }) => count), [0, 0]);
  });

  test("that come later start slowly, those of the start do not", () => {
    const server = serverOf("backend.example", { resolve: true, slowStartMs: 60_000 });
    const simulation = new Simulation({ servers: [server] });
    const first = [named(server, "10.0.0.1"), named(server, "10.0.0.2")];
    simulation.balancer.setMembers(first);
    assert.deepEqual(simulation.counts(100), [50, 50]);
    simulation.balancer.setMembers([...first, named(server, "10.0.0.3")]);
    assert.ok((simulation.counts(100)[2] ?? 100) <= 1);
    simulation.nowMs += 60_000;
    assert.deepEqual(simulation.counts(99), [33, 33, 33]);
  });

  test("of one address on two lines are two", () => {
    const simulation = new Simulation({ servers: [serverOf(A), serverOf(A, { weight: 2 }), serverOf(A)] });
    assert.equal(new Set(simulation.balancer.peers.map(({ slot }) => slot)).size, 3);
  });

  test("that change their weight keep what is known of them", () => {
    const server = serverOf("192.0.2.1");
    const simulation = new Simulation({ servers: [server, serverOf("192.0.2.2")] });
    const peer = simulation.choose();
    assert.ok(peer !== undefined);
    const [, other] = simulation.balancer.peers;
    assert.ok(other !== undefined);
    const heavier = { ...server, weight: 3 };
    simulation.balancer.setMembers([{ server: heavier, address: peer.address, name: peer.name }, other]);
    assert.deepEqual(simulation.balancer.snapshot().map(({ active }) => active), [1, 0]);
    simulation.balancer.release(peer, { outcome: "ok" });
    assert.deepEqual(simulation.balancer.snapshot().map(({ active }) => active), [0, 0]);
    simulation.counts(4);
    assert.deepEqual(simulation.counts(400), [300, 100]);
  });

  test("may all be gone, and an upstream may end", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    const peer = simulation.choose();
    assert.ok(peer !== undefined);
    simulation.balancer.setMembers([]);
    assert.equal(simulation.request(), "");
    simulation.balancer.close();
    simulation.balancer.release(peer, { outcome: "failed" });
    assert.equal(simulation.request(), "");
    assert.deepEqual(simulation.view().snapshot().map(({ active }) => active), [0, 0]);
  });
});

describe("Two threads", () => {
  test("share one rotation, one count and one bound", { timeout: 30_000 }, async () => {
    const simulation = new Simulation({ servers: serversOf({ weight: 3 }, { maxConns: 3 }, { maxConns: 1 }) });
    const requests = 20_000;
    const workers = [0, 1].map(() => new Worker(new URL("../../tests/support/balance-thread.ts", import.meta.url), {
      workerData: { memory: simulation.memory, servers: simulation.settings.servers, requests },
    }));
    const counts = await Promise.all(workers.map(async (worker) => {
      const [message] = await once(worker, "message") as [{ readonly chosen: number; readonly overMax: number }];
      await once(worker, "exit");
      return message;
    }));
    assert.deepEqual(counts.map(({ chosen, overMax }) => [chosen, overMax]), [[requests, 0], [requests, 0]]);
    const states = simulation.balancer.snapshot();
    assert.deepEqual(states.map(({ active }) => active), [0, 0, 0]);
    assert.equal(states.reduce((sum, state) => sum + state.requests, 0), 2 * requests);
    const [first = 0, second = 0] = states.map((state) => state.requests);
    assert.ok(first >= requests && second <= requests, `${first} and ${second} of ${2 * requests}`);
    assert.deepEqual(simulation.balancer.peers.map(({ name }) => name).slice(0, 2), [A, B]);
  });
});
