import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom, serversOf, Simulation } from "../../tests/support/balance-simulation.ts";
import type { Peer } from "./balancer.ts";
import type { BalanceSettings } from "./settings.ts";

const METHODS: readonly (readonly [title: string, balance: BalanceSettings])[] = [
  ["the rotation", { kind: "round_robin" }],
  ["least_conn", { kind: "least_conn" }],
  ["ip_hash", { kind: "ip_hash" }],
  ["hash", { kind: "hash", key: [], consistent: false }],
  ["consistent hash", { kind: "hash", key: [], consistent: true }],
  ["random", { kind: "random", two: undefined }],
  ["random two", { kind: "random", two: "least_conn" }],
  ["random two by time", { kind: "random", two: "header" }],
  ["least_time", { kind: "least_time", until: "last_byte", inflight: true }],
  ["least_time header", { kind: "least_time", until: "header", inflight: true }],
];
const STEPS = 20_000;

/** One of a list, drawn. */
function oneOf<T>(values: readonly T[], random: () => number): T | undefined {
  return values[Math.floor(random() * values.length)];
}

describe("Whatever happens to its servers, an upstream", () => {
  for (const [title, balance] of METHODS) {
    test(`asks those that can be asked and no others, with ${title}`, () => {
      const servers = serversOf(
        { weight: 4 }, { maxConns: 2 }, { maxFails: 3, failTimeoutMs: 500 }, { down: true },
        { drain: true, route: "d" },
        { slowStartMs: 2_000, weight: 2 }, { maxFails: 0, maxConns: 3 }, { backup: true, maxConns: 5 },
        { backup: true, maxFails: 2 },
      );
      const simulation = new Simulation({ servers, balance, sticky: { kind: "route", variables: [] } });
      const { balancer } = simulation;
      const random = seededRandom(20_261_121);
      const active: { readonly peer: Peer; readonly sinceMs: number }[] = [];
      for (let step = 0; step < STEPS; step++) {
        simulation.nowMs += Math.floor(random() * 40);
        const other = oneOf(balancer.peers, random);
        if (other !== undefined && random() < 0.02) balancer.setHealth(other, random() < 0.7);
        if (random() < 0.5 || active.length > 30) {
          const [ended] = active.splice(Math.floor(random() * active.length), 1);
          if (ended === undefined) continue;
          const totalMs = simulation.nowMs - ended.sinceMs;
          const outcome = random() < 0.3 ? "failed" : random() < 0.2 ? "untold" : "ok";
          if (random() < 0.5) {
            balancer.headerCame(ended.peer, totalMs / 2);
            balancer.release(ended.peer, { outcome, headerMs: totalMs / 2, totalMs });
          } else {
            balancer.release(ended.peer, { outcome });
          }
          continue;
        }
        const tried = balancer.peers.filter(() => random() < 0.2);
        const before = balancer.snapshot();
        const able = balancer.peers.filter((peer, index) => {
          const { maxConns, drain } = peer.server;
          const count = before[index]?.active ?? 0;
          return balancer.isUp(peer) && !drain && !tried.includes(peer) && (maxConns === 0 || count < maxConns);
        });
        const sticky = random() < 0.2 ? "d" : undefined;
        const choice = { clientAddress: `192.0.${Math.floor(random() * 256)}.1`, hashKey: () => `${step}`, sticky };
        const peer = simulation.choose(choice, tried);
        if (peer === undefined) {
          assert.deepEqual(able, []);
          continue;
        }
        if (!(sticky === "d" && peer.server.drain)) assert.ok(able.includes(peer), `${peer.name} in step ${step}`);
        if (peer.server.backup) assert.ok(able.every(({ server }) => server.backup));
        assert.ok(!peer.server.down && !tried.includes(peer));
        active.push({ peer, sinceMs: simulation.nowMs });
      }
      for (const { peer } of active) balancer.release(peer, { outcome: "untold" });
      assert.deepEqual(balancer.snapshot().map((state) => state.active), servers.map(() => 0));
      assert.ok(balancer.snapshot().every(({ averageMs }) => averageMs >= 0 && averageMs < 100_000));
    });
  }
});

describe("A snapshot", () => {
  test("says what nginx's API says of a server", () => {
    const servers = serversOf({}, { down: true }, { drain: true }, { maxFails: 2 }, {});
    const simulation = new Simulation({ servers });
    const [first, , , fourth, fifth] = simulation.balancer.peers;
    assert.ok(first !== undefined && fourth !== undefined && fifth !== undefined);
    for (let count = 0; count < 6; count++) {
      const peer = simulation.choose({}, [first]);
      assert.ok(peer !== undefined);
      simulation.balancer.release(peer, { outcome: peer === fourth ? "failed" : "ok" });
    }
    simulation.balancer.setHealth(fifth, false);
    assert.equal(simulation.choose(), first);
    const states = simulation.balancer.snapshot();
    assert.deepEqual(states.map(({ state }) => state), ["up", "down", "draining", "unavail", "unhealthy"]);
    assert.deepEqual(states.map(({ active, fails }) => [active, fails]), [[1, 0], [0, 0], [0, 0], [0, 2], [0, 0]]);
    assert.equal(states.reduce((sum, { requests }) => sum + requests, 0), 7);
  });
});
