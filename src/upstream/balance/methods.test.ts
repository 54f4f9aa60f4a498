import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BalanceSettings, UpstreamServerSettings } from "../settings.ts";
import type { Member, Peer } from "./peer.ts";
import { seededRandom, serverOf, serversOf, Simulation } from "../../../tests/support/balance-simulation.ts";

const A = "10.0.0.1:80", B = "10.0.0.2:80";
const LEAST_CONN: BalanceSettings = { kind: "least_conn" };
const consistent: BalanceSettings = { kind: "hash", key: [], consistent: true };

/** Requests that last: each is released when its time is over. @returns how many each peer got */
function load(
  simulation: Simulation,
  { count, everyMs, timeMs }: { count: number; everyMs: number; timeMs: (peer: Peer) => number },
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const ends: { peer: Peer; atMs: number; totalMs: number }[] = [];
  for (let index = 0; index < count; index++) {
    simulation.nowMs += everyMs;
    for (let at = ends.length - 1; at >= 0; at--) {
      const end = ends[at];
      if (end === undefined || end.atMs > simulation.nowMs) continue;
      simulation.balancer.release(end.peer, { outcome: "ok", totalMs: end.totalMs });
      ends.splice(at, 1);
    }
    const peer = simulation.choose();
    assert.ok(peer !== undefined);
    counts.set(peer.name, (counts.get(peer.name) ?? 0) + 1);
    const totalMs = timeMs(peer);
    ends.push({ peer, atMs: simulation.nowMs + totalMs, totalMs });
  }
  return counts;
}

describe("least_conn", () => {
  test("keeps active requests in proportion to weights", () => {
    const servers = serversOf({ weight: 3 }, { weight: 2 }, {});
    const simulation = new Simulation({ servers, balance: LEAST_CONN });
    for (let count = 1; count <= 6_000; count++) {
      assert.ok(simulation.choose() !== undefined);
      if (count % 6 !== 0) continue;
      assert.deepEqual(simulation.balancer.snapshot().map(({ active }) => active), [count / 2, count / 3, count / 6]);
    }
  });

  test("gives a server that is ten times slower a tenth, over 100,000 requests", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), balance: LEAST_CONN });
    const counts = load(simulation, { count: 100_000, everyMs: 1, timeMs: ({ name }) => (name === A ? 500 : 50) });
    const share = (counts.get(A) ?? 0) / 100_000;
    assert.ok(Math.abs(share - 1 / 11) < 0.01, `${share}`);
  });

  test("takes turns by weight while nothing is active", () => {
    const simulation = new Simulation({ servers: serversOf({ weight: 3 }, {}), balance: LEAST_CONN });
    assert.deepEqual(simulation.counts(400), [300, 100]);
  });
});

describe("least_time", () => {
  const lastByte: BalanceSettings = { kind: "least_time", until: "last_byte", inflight: false };

  test("prefers the quicker server, and asks the slower one when it was idle for long", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), balance: lastByte });
    const request = (): string => {
      const peer = simulation.choose();
      assert.ok(peer !== undefined);
      const totalMs = peer.name === A ? 400 : 20;
      simulation.nowMs += totalMs;
      simulation.balancer.release(peer, { outcome: "ok", totalMs });
      return peer.name;
    };
    const names = Array.from({ length: 10 }, request);
    assert.deepEqual([A, B].map((name) => names.filter((other) => other === name).length), [1, 9]);
    simulation.nowMs += 11_000;
    const later = Array.from({ length: 10 }, request);
    assert.equal(later.filter((name) => name === A).length, 1);
  });

  test("takes turns among equals", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), balance: lastByte });
    const counts = load(simulation, { count: 1_000, everyMs: 30, timeMs: () => 20 });
    assert.deepEqual([...counts.values()], [500, 500]);
  });

  test("shares 100,000 requests so that both are about as loaded", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), balance: lastByte });
    const counts = load(simulation, { count: 100_000, everyMs: 1, timeMs: ({ name }) => (name === A ? 80 : 20) });
    const share = (counts.get(A) ?? 0) / 100_000;
    // Time × (active + 1) is the same for both: active in proportion to 1/time, requests to 1/time².
    assert.ok(share > 0.02 && share < 0.1, `${share}`);
  });

  test("does not take a server that fails at once for a quick one", () => {
    const simulation = new Simulation({ servers: serversOf({ maxFails: 0 }, {}), balance: lastByte });
    const totals = new Map([[A, 1], [B, 20]]);
    for (let count = 0; count < 10; count++) {
      const peer = simulation.choose();
      assert.ok(peer !== undefined);
      const totalMs = totals.get(peer.name) ?? 0;
      simulation.balancer.release(peer, { outcome: peer.name === A ? "failed" : "ok", totalMs });
    }
    assert.deepEqual(simulation.balancer.snapshot().map(({ averageMs }) => averageMs), [0, 20]);
  });

  test("counts the time to the head only, if that is what is said", () => {
    const balance: BalanceSettings = { kind: "least_time", until: "header", inflight: false };
    const simulation = new Simulation({ servers: serversOf({}, {}), balance });
    const request = (): string => {
      const peer = simulation.choose();
      assert.ok(peer !== undefined);
      const headerMs = peer.name === A ? 50 : 90;
      simulation.balancer.headerCame(peer, headerMs);
      simulation.balancer.release(peer, { outcome: "ok", headerMs, totalMs: peer.name === A ? 5_000 : 100 });
      return peer.name;
    };
    const names = Array.from({ length: 10 }, request);
    assert.deepEqual([A, B].map((name) => names.filter((other) => other === name).length), [9, 1]);
    assert.deepEqual(simulation.balancer.snapshot().map(({ averageMs }) => averageMs), [50, 90]);
  });

  test("sees a server that hangs before anything of it has ended, if inflight counts", () => {
    const balance: BalanceSettings = { kind: "least_time", until: "last_byte", inflight: true };
    const simulation = new Simulation({ servers: serversOf({}, {}), balance });
    const hanging: Peer[] = [];
    for (let count = 0; count < 10; count++) {
      const peer = simulation.choose();
      assert.ok(peer !== undefined);
      if (peer.name === A) hanging.push(peer);
      else simulation.balancer.release(peer, { outcome: "ok", totalMs: 10 });
    }
    simulation.nowMs += 2_000;
    assert.deepEqual(Array.from({ length: 8 }, () => simulation.choose()?.name), new Array(8).fill(B));
    assert.ok((simulation.balancer.snapshot()[0]?.averageMs ?? 0) >= 2_000);
    for (const peer of hanging) simulation.balancer.release(peer, { outcome: "failed" });
    assert.equal(simulation.balancer.snapshot()[0]?.averageMs, 0);
  });
});

describe("ip_hash", () => {
  const balance: BalanceSettings = { kind: "ip_hash" };

  test("gives a network of class C to one server, and an IPv6 address too, whatever else happens", () => {
    const simulation = new Simulation({ servers: serversOf({}, { weight: 2 }, {}), balance });
    const random = seededRandom(7);
    const homes = new Map<string, string>();
    for (let count = 0; count < 100_000; count++) {
      const network = `10.${Math.floor(random() * 20)}.${Math.floor(random() * 20)}`;
      const isIpv4 = count % 2 === 0;
      const ipv6 = `2001:db8::${network.slice(3).replace(".", ":")}`;
      const clientAddress = isIpv4 ? `${network}.${Math.floor(random() * 256)}` : ipv6;
      const key = isIpv4 ? network : clientAddress;
      const name = simulation.request({ clientAddress });
      assert.equal(homes.get(key) ?? name, name);
      homes.set(key, name);
    }
  });

  test("brings clients of a server that failed back to it", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}, {}), balance });
    const clientAddress = "198.51.100.1";
    const home = simulation.request({ clientAddress }, { outcome: "failed" });
    const refuge = simulation.request({ clientAddress });
    assert.notEqual(refuge, home);
    simulation.nowMs += 10_001;
    assert.equal(simulation.request({ clientAddress }), home);
  });
});

describe("A consistent hash", () => {
  const homesOf = (servers: readonly UpstreamServerSettings[]): readonly string[] => {
    const simulation = new Simulation({ servers, balance: consistent });
    return Array.from({ length: 100_000 }, (_, index) => simulation.request({ hashKey: () => `/page/${index}` }));
  };
  const names = Array.from({ length: 10 }, (_, index) => `192.0.2.${index + 1}:8080`);

  test("moves the keys of a server that leaves, and no others", () => {
    const servers = names.map((name) => serverOf(name));
    const before = homesOf(servers);
    const after = homesOf(servers.slice(1));
    let moved = 0;
    for (const [index, home] of before.entries()) {
      if (home === names[0]) moved++;
      else assert.equal(after[index], home);
    }
    // 160 points for each server: its share is within a fifth of 1/n.
    assert.ok(moved <= (100_000 / 10) * 1.2, `${moved}`);
  });

  test("moves keys only to a server that comes, as many as are its part", () => {
    const servers = names.map((name) => serverOf(name));
    const before = homesOf(servers);
    const after = homesOf([...servers.slice(0, 5), serverOf("192.0.2.99:8080"), ...servers.slice(5)]);
    let moved = 0;
    for (const [index, home] of after.entries()) {
      if (home === before[index]) continue;
      assert.equal(home, "192.0.2.99:8080");
      moved++;
    }
    assert.ok(moved <= (100_000 / 11) * 1.2, `${moved}`);
  });

  test("gives servers keys by their weights", () => {
    const counts = Map.groupBy(homesOf([serverOf("192.0.2.1", { weight: 3 }), serverOf("192.0.2.2")]), (name) => name);
    const share = (counts.get("192.0.2.1:80")?.length ?? 0) / 100_000;
    assert.ok(Math.abs(share - 3 / 4) < 0.05, `${share}`);
  });

  test("makes weights smaller where they would make too many points", () => {
    const servers = [serverOf("192.0.2.1", { weight: 900_000 }), serverOf("192.0.2.2", { weight: 300_000 })];
    const simulation = new Simulation({ servers, balance: consistent });
    const [first = 0, second = 0] = simulation.counts(10_000, (index) => ({ hashKey: () => `${index}` }));
    assert.ok(Math.abs(first / (first + second) - 3 / 4) < 0.05);
  });

  test("lets the addresses of one name take turns for a key", () => {
    const server = serverOf("backend.example:80");
    const simulation = new Simulation({ servers: [server, serverOf("192.0.2.1")], balance: consistent });
    const member = (host: string): Member => {
      return { server, address: { kind: "tcp", host, port: 80 }, name: `${host}:80` };
    };
    const [other] = simulation.balancer.peers;
    assert.ok(other !== undefined);
    simulation.balancer.setMembers([member("10.0.0.1"), member("10.0.0.2"), other]);
    const homes = (key: string): ReadonlySet<string> => new Set(simulation.requests(4, { hashKey: () => key }));
    const sets = Array.from({ length: 50 }, (_, index) => [...homes(`k${index}`)].sort().join(" "));
    assert.deepEqual([...new Set(sets)].sort(), [`${A} ${B}`, "192.0.2.1:80"]);
  });
});

describe("random", () => {
  test("draws by weight, over 100,000 requests", () => {
    const simulation = new Simulation({
      servers: serversOf({ weight: 3 }, {}, { down: true }), balance: { kind: "random", two: undefined },
    });
    const [first = 0, second = 0, third = 0] = simulation.counts(100_000);
    assert.ok(Math.abs(first - 75_000) < 1_000, `${first}`);
    assert.deepEqual([first + second, third], [100_000, 0]);
  });

  test("two never draws the one that has most to do", () => {
    const simulation = new Simulation({
      servers: serversOf({}, {}, {}, {}), balance: { kind: "random", two: "least_conn" },
    });
    for (let count = 0; count < 100_000; count++) {
      const before = simulation.balancer.snapshot().map(({ active }) => active);
      const peer = simulation.choose();
      assert.ok(peer !== undefined);
      const active = before[simulation.balancer.peers.indexOf(peer)] ?? 0;
      assert.ok(before.filter((other) => other >= active).length >= 2);
    }
    const active = simulation.balancer.snapshot().map((state) => state.active);
    assert.ok(Math.max(...active) - Math.min(...active) <= 10, active.join(" "));
  });

  test("two prefers the quicker one by its time to the last byte", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), balance: { kind: "random", two: "last_byte" } });
    const counts = load(simulation, { count: 1_000, everyMs: 100, timeMs: ({ name }) => (name === A ? 90 : 10) });
    assert.ok((counts.get(B) ?? 0) > 950);
  });

  test("finds the only server that is left among many", () => {
    const servers = serversOf(...Array.from({ length: 50 }, () => ({ down: true })), {});
    const simulation = new Simulation({ servers, balance: { kind: "random", two: undefined } });
    for (let count = 0; count < 100; count++) assert.equal(simulation.request(), "10.0.0.51:80");
  });
});

describe("A hash", () => {
  test("takes turns for an empty key, whether or not it is consistent", () => {
    for (const isConsistent of [false, true]) {
      const balance: BalanceSettings = { kind: "hash", key: [], consistent: isConsistent };
      const simulation = new Simulation({ servers: serversOf({}, {}), balance });
      assert.deepEqual(simulation.requests(4), [A, B, A, B]);
    }
  });
});
