import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Peer } from "./peer.ts";
import { serversOf, Simulation } from "./simulation.ts";

const A = "10.0.0.1:80", B = "10.0.0.2:80", C = "10.0.0.3:80";
const FAILED = { outcome: "failed" } as const;
const OK = { outcome: "ok" } as const;

/** The next request that goes to this peer fails; those before it do not. @returns what `release` said */
function failAt(simulation: Simulation, name: string): boolean {
  for (let left = 100; left > 0; left--) {
    const peer = simulation.choose();
    assert.ok(peer !== undefined);
    const isIt = peer.name === name;
    const isAside = simulation.balancer.release(peer, isIt ? FAILED : OK);
    if (isIt) return isAside;
  }
  throw new Error(`${name} is not asked`);
}

describe("A server that fails", () => {
  test("is left alone for its fail_timeout, then tried by one request", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    assert.equal(failAt(simulation, A), true);
    assert.deepEqual(simulation.requests(4), [B, B, B, B]);
    simulation.nowMs += 10_000;
    assert.deepEqual(simulation.requests(2), [B, B]);
    simulation.nowMs += 1;
    const chosen = Array.from({ length: 6 }, () => simulation.choose()?.name);
    assert.equal(chosen.filter((name) => name === A).length, 1);
  });

  test("is one of the others again when its trial comes back well", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    failAt(simulation, A);
    simulation.nowMs += 10_001;
    failAt(simulation, A);
    assert.deepEqual(simulation.requests(4), [B, B, B, B]);
    simulation.nowMs += 10_001;
    // Its failures took of its weight for one choice.
    assert.deepEqual(simulation.counts(1_000), [499, 501]);
    assert.deepEqual(simulation.counts(1_000), [500, 500]);
  });

  test("is tried again after another fail_timeout when its trial does not come back", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    failAt(simulation, A);
    for (let round = 0; round < 3; round++) {
      simulation.nowMs += 10_001;
      const chosen = Array.from({ length: 6 }, () => simulation.choose()?.name);
      assert.equal(chosen.filter((name) => name === A).length, 1);
    }
  });

  test("may fail max_fails times less one, and any number of times with max_fails=0", () => {
    const simulation = new Simulation({ servers: serversOf({ maxFails: 3 }, { maxFails: 0 }) });
    assert.deepEqual([failAt(simulation, A), failAt(simulation, A)], [false, false]);
    for (let count = 0; count < 20; count++) assert.equal(failAt(simulation, B), false);
    assert.equal(simulation.balancer.isUp(simulation.peer(A)), true);
    assert.equal(failAt(simulation, A), true);
    assert.equal(simulation.balancer.isUp(simulation.peer(A)), false);
    assert.deepEqual(simulation.requests(3), [B, B, B]);
  });

  test("is asked by the next request with fail_timeout=0", () => {
    const simulation = new Simulation({ servers: serversOf({ failTimeoutMs: 0 }, { failTimeoutMs: 0 }) });
    for (let count = 0; count < 20; count++) failAt(simulation, A);
  });

  test("is asked on if it is the only one", () => {
    const simulation = new Simulation({ servers: serversOf({}) });
    for (let count = 0; count < 10; count++) assert.equal(failAt(simulation, A), false);
    assert.equal(simulation.request(), A);
  });

  test("gets its weight back little by little", () => {
    const simulation = new Simulation({ servers: serversOf({ weight: 10, maxFails: 2 }, { weight: 10 }) });
    failAt(simulation, A);
    const [few = 0] = simulation.counts(10);
    assert.ok(few < 5, `${few} of 10`);
    assert.deepEqual(simulation.counts(1_000).map((count) => Math.abs(count - 500) <= 5), [true, true]);
  });

  test("is found by no request when all have failed, until their time is over", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    failAt(simulation, A);
    failAt(simulation, B);
    assert.equal(simulation.request(), "");
    simulation.nowMs += 10_001;
    assert.deepEqual([...new Set(simulation.requests(4))].sort(), [A, B]);
  });

  test("is put aside and tried for months, as the zone's clock of 32 bits goes round", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    for (const days of [7, 7, 7, 7, 7, 7, 7, 20, 24, 25, 26, 30, 40, 49]) {
      failAt(simulation, A);
      assert.deepEqual(simulation.requests(2), [B, B]);
      simulation.nowMs += days * 86_400_000;
      assert.deepEqual(simulation.counts(100), [49, 51]);
    }
  });

  test("is ejected and comes back within bounds, over 100,000 requests with one of three away for a while", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}, {}) });
    const { balancer } = simulation;
    let failures = 0;
    const [before, away, after] = [1, 2, 3].map(() => new Map<string, number>());
    assert.ok(before !== undefined && away !== undefined && after !== undefined);
    // A request each 2 ms: 200 s, of which B is away from 60 s to 120 s.
    for (let index = 0; index < 100_000; index++) {
      simulation.nowMs += 2;
      const isAway = index >= 30_000 && index < 60_000;
      const times = index < 30_000 ? before : index < 66_000 ? away : after;
      const tried: Peer[] = [];
      for (;;) {
        const peer = simulation.choose({}, tried);
        assert.ok(peer !== undefined, "no request is lost");
        const isFailed = isAway && peer.name === B;
        balancer.release(peer, isFailed ? FAILED : OK);
        if (!isFailed) {
          times.set(peer.name, (times.get(peer.name) ?? 0) + 1);
          break;
        }
        failures++;
        tried.push(peer);
      }
    }
    // The first failure and one trial each 10 s.
    assert.ok(failures >= 5 && failures <= 7, `${failures} failures`);
    assert.deepEqual([...before.values()], [10_000, 10_000, 10_000]);
    for (const name of [A, B, C]) assert.ok(Math.abs((after.get(name) ?? 0) - 34_000 / 3) <= 2);
    assert.ok((away.get(B) ?? 0) <= 6_000 / 3);
  });
});

describe("Backup servers", () => {
  test("are asked only while no primary one can be", () => {
    const simulation = new Simulation({ servers: serversOf({}, { backup: true }, { backup: true }, { down: true }) });
    assert.deepEqual(simulation.requests(3), [A, A, A]);
    const first = simulation.choose();
    assert.ok(first !== undefined);
    const second = simulation.choose({}, [first]);
    assert.equal(second?.name, B);
    simulation.balancer.release(first, FAILED);
    assert.deepEqual(simulation.requests(2), [C, B]);
    simulation.nowMs += 10_001;
    assert.deepEqual(simulation.requests(2), [A, A]);
  });

  test("are balanced by the same method", () => {
    const servers = serversOf({ down: true }, { backup: true }, { backup: true });
    const simulation = new Simulation({ servers, balance: { kind: "least_conn" } });
    for (let count = 1; count <= 3; count++) {
      assert.deepEqual([simulation.choose()?.name ?? "", simulation.choose()?.name ?? ""].sort(), [B, C]);
    }
  });
});

describe("Health checks", () => {
  test("take a server out and bring it back, in all threads", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    const other = simulation.view();
    const [first] = other.peers;
    assert.ok(first !== undefined);
    other.setHealth(first, false);
    assert.deepEqual(simulation.requests(3), [B, B, B]);
    assert.equal(simulation.balancer.isUp(simulation.peer(A)), false);
    assert.deepEqual(simulation.balancer.snapshot().map(({ state }) => state), ["unhealthy", "up"]);
    other.setHealth(first, true);
    assert.deepEqual(simulation.counts(1_000), [500, 500]);
  });

  test("take out even the only server", () => {
    const simulation = new Simulation({ servers: serversOf({}) });
    simulation.balancer.setHealth(simulation.peer(A), false);
    assert.equal(simulation.request(), "");
  });

  test("make failures forgotten when they pass", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    failAt(simulation, A);
    simulation.balancer.setHealth(simulation.peer(A), false);
    simulation.balancer.setHealth(simulation.peer(A), true);
    assert.deepEqual([...simulation.requests(2)].sort(), [A, B]);
  });
});

describe("A slow start", () => {
  test("lets the share of a server grow from nothing to its weight", () => {
    const simulation = new Simulation({ servers: serversOf({ slowStartMs: 100_000 }, {}, {}) });
    assert.deepEqual(simulation.counts(999), [333, 333, 333]);
    const peer = simulation.peer(A);
    simulation.balancer.setHealth(peer, false);
    simulation.nowMs += 5_000;
    simulation.balancer.setHealth(peer, true);
    const shares: number[] = [];
    // 10,000 requests in each tenth of the time.
    for (let tenth = 0; tenth < 10; tenth++) {
      let count = 0;
      for (let index = 0; index < 10_000; index++) {
        simulation.nowMs += 1;
        if (simulation.request() === A) count++;
      }
      const weight = (tenth + 0.5) / 10;
      const expected = (10_000 * weight) / (2 + weight);
      assert.ok(Math.abs(count - expected) <= 40, `${count} in tenth ${tenth}, not ${Math.round(expected)}`);
      shares.push(count);
    }
    assert.deepEqual(shares, shares.toSorted((a, b) => a - b));
    assert.deepEqual(simulation.counts(999).map((count) => Math.abs(count - 333) <= 1), [true, true, true]);
  });

  test("begins when a server that had failed comes back", () => {
    const simulation = new Simulation({ servers: serversOf({ slowStartMs: 60_000 }, {}) });
    failAt(simulation, A);
    simulation.nowMs += 10_001;
    const [early = 0] = simulation.counts(100);
    assert.ok(early >= 1 && early <= 3, `${early} of 100`);
    simulation.nowMs += 30_000;
    const [half = 0] = simulation.counts(300);
    assert.ok(Math.abs(half - 100) <= 3, `${half} of 300`);
    simulation.nowMs += 30_000;
    assert.deepEqual(simulation.counts(100), [50, 50]);
  });

  test("holds for least_conn as well", () => {
    const servers = serversOf({ slowStartMs: 100_000 }, {});
    const simulation = new Simulation({ servers, balance: { kind: "least_conn" } });
    simulation.balancer.setHealth(simulation.peer(A), false);
    simulation.balancer.setHealth(simulation.peer(A), true);
    simulation.nowMs += 25_000;
    const names = Array.from({ length: 100 }, () => simulation.choose()?.name);
    assert.equal(names.filter((name) => name === A).length, 20);
  });
});

describe("max_conns", () => {
  test("bounds the active requests of all threads together", () => {
    const simulation = new Simulation({ servers: serversOf({ maxConns: 2 }, { maxConns: 3 }) });
    const views = [simulation.balancer, simulation.view(), simulation.view()];
    const chosen = Array.from({ length: 9 }, (_, index) => simulation.choose({}, [], views[index % 3]));
    assert.deepEqual([A, B].map((name) => chosen.filter((peer) => peer?.name === name).length), [2, 3]);
    const [first] = chosen;
    assert.ok(first !== undefined);
    views[2]?.release(first, OK);
    assert.equal(simulation.choose()?.name, first.name);
    assert.equal(simulation.choose(), undefined);
  });

  for (const kind of ["least_conn", "ip_hash"] as const) {
    test(`sends what is too much elsewhere with ${kind}`, () => {
      const servers = serversOf({ maxConns: 5 }, { maxConns: 4 }, {});
      const simulation = new Simulation({ servers, balance: { kind } });
      for (let count = 0; count < 40; count++) assert.ok(simulation.choose() !== undefined);
      const [a = 0, b = 0, c = 0] = simulation.balancer.snapshot().map(({ active }) => active);
      assert.ok(a <= 5 && b <= 4 && a + b + c === 40);
    });
  }
});
