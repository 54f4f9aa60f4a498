import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serversOf, Simulation } from "../../../tests/support/balance-simulation.ts";

const A = "10.0.0.1:80", B = "10.0.0.2:80", C = "10.0.0.3:80";

describe("The weighted rotation", () => {
  test("spreads a heavy server over the round, as nginx does", () => {
    const simulation = new Simulation({ servers: serversOf({ weight: 5 }, {}, {}) });
    assert.deepEqual(simulation.requests(7), [A, A, B, A, C, A, A]);
  });

  test("gives each server its weight in each round, over 100,000 requests", () => {
    const weights = [7, 3, 1, 1, 13];
    const simulation = new Simulation({ servers: serversOf(...weights.map((weight) => ({ weight }))) });
    for (let round = 0; round < 4_000; round++) assert.deepEqual(simulation.counts(25), weights);
  });

  test("is one rotation for all threads", () => {
    const simulation = new Simulation({ servers: serversOf({ weight: 2 }, {}) });
    const other = simulation.view();
    const names = [0, 1, 2, 3, 4, 5].map((index) => {
      return simulation.choose({}, [], index % 2 === 0 ? simulation.balancer : other)?.name;
    });
    assert.deepEqual(names, [A, B, A, A, B, A]);
  });

  test("takes nobody twice for one request", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}) });
    const first = simulation.choose();
    assert.ok(first !== undefined);
    const second = simulation.choose({}, [first]);
    assert.ok(second !== undefined && second !== first);
    assert.equal(simulation.choose({}, [first, second]), undefined);
  });
});
