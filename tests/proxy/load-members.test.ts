// Who is a member of an upstream, in two threads under load: how often each is asked, and what becomes of those that
// leave, by a reload or without one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EdgeCommand } from "../../src/edge/messages.ts";
import type { UpstreamServerSettings } from "../../src/upstream/index.ts";
import { Load, noFailures } from "../integration/load.ts";
import { isAlive } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import { serverLine } from "../support/upstream-connections.ts";
import { eventually } from "../support/wait.ts";
import { Crowd } from "./support/crowd.ts";
import { type ProxyText, fileOf, startProxy, tellEdge } from "./support/proxies.ts";
import type { Place } from "./support/upstream-main.ts";
import { UpstreamProcess } from "./support/upstream-process.ts";

const waitMs = 10_000;
const threads = 2;

/** How often each has been asked, in their order. */
async function asked(upstream: UpstreamProcess): Promise<readonly number[]> {
  const counts = await upstream.counts();
  return upstream.names.map((name) => counts[name]?.whole ?? 0);
}

/** Connections to each, in their order. */
async function open(upstream: UpstreamProcess): Promise<readonly number[]> {
  const counts = await upstream.counts();
  return upstream.names.map((name) => counts[name]?.open ?? 0);
}

describe("two threads", () => {
  for (const method of ["", "least_conn;"]) {
    const how = method === "" ? "exactly so often" : "about so often by least_conn";
    test(`ask servers of weights 5, 3 and 2 ${how}`, async () => {
      const kept = 8, requests = 10_000;
      await using upstream = await UpstreamProcess.start({ count: 3 });
      const lines = upstream.names.map((name, index) => `server ${name} weight=${[5, 3, 2][index]};`);
      await using proxy = await startProxy({
        threads, http: `upstream backend { zone backend 64k; ${method} ${lines.join(" ")} keepalive ${kept}; }`,
        server: "location / { proxy_pass http://backend; }",
      });
      await using crowd = new Crowd(proxy.port);
      await crowd.open(48);
      const { statuses, broken } = await crowd.ask("/", requests, 48);
      assert.deepEqual([statuses, broken], [{ 200: requests }, 0]);
      const counts = await asked(upstream);
      assert.equal(counts.reduce((sum, count) => sum + count, 0), requests);
      const shares = [5000, 3000, 2000];
      if (method === "") assert.deepEqual(counts, shares);
      // Who is quick gets more by least_conn: all are alike here.
      const nearness = shares.map((share, index) => Math.abs((counts[index] ?? 0) - share));
      assert.ok(nearness.every((difference) => difference < 1000), counts.join());
      // Each thread keeps so many: both have had work.
      const most = kept * threads;
      await eventually("both threads keep connections", waitMs, async () => (await upstream.total()).open === most);
    });
  }
});

describe("a reload with other servers under load", () => {
  test("loses no request, and closes the connections to those that are gone", async () => {
    await using upstream = await UpstreamProcess.start({ count: 4, delayMs: 3 });
    const text = (...members: readonly number[]): ProxyText => ({
      threads,
      http: `upstream backend { ${members.map((index) => `server ${upstream.names[index]};`).join(" ")} }`,
      server: "location / { proxy_pass http://backend; }",
    });
    await using proxy = await startProxy(text(0, 1));
    const loads = [new Load(proxy, { clients: 6 }), new Load(proxy, { clients: 2, reconnect: true })];
    try {
      for (const members of [[1, 2], [2, 3], [0], [0, 1, 2, 3]]) {
        const { edgePid } = proxy;
        await proxy.configure(fileOf(text(...members)));
        proxy.signal("SIGHUP");
        await eventually("the old edge is gone", waitMs, () => !isAlive(edgePid) && proxy.edgePid !== 0);
        const before = await asked(upstream);
        await eventually("all members are asked", waitMs, async () => {
          const now = await asked(upstream);
          return members.every((index) => (now[index] ?? 0) > (before[index] ?? 0) + 10);
        });
        const [now, connections] = [await asked(upstream), await open(upstream)];
        for (const index of upstream.names.keys()) {
          if (members.includes(index)) continue;
          assert.deepEqual([connections[index], now[index]], [0, before[index]], `${index} is no member`);
        }
      }
    } finally {
      await Promise.all(loads.map((load) => load.stop()));
    }
    for (const load of loads) assert.equal(load.failures, noFailures);
  });
});

describe("members that change at runtime", () => {
  const line = ({ host, port }: Place, weight: number = 1): UpstreamServerSettings => ({
    ...serverLine(`${host}:${port}`, { kind: "tcp", host, port }), weight,
  });

  function setMembers(proxy: Program, servers: readonly UpstreamServerSettings[]): Promise<void> {
    const order: EdgeCommand = { kind: "upstream-servers", upstream: "backend", servers };
    return tellEdge(proxy, order);
  }

  test("lose no request, and leave no connection to those that are gone", async () => {
    await using upstream = await UpstreamProcess.start({ count: 5, delayMs: 2 });
    const { places } = upstream;
    await using proxy = await startProxy({
      threads, http: `upstream backend { server ${upstream.name}; keepalive 16; }`,
      server: "location / { proxy_pass http://backend; }",
    });
    const load = new Load(proxy, { clients: 12 });
    try {
      await eventually("the first is asked", waitMs, async () => ((await asked(upstream))[0] ?? 0) > 20);
      for (const members of [[1, 2], [2, 3, 4], [4], [0, 1], [3], [0, 1, 2, 3, 4], [2]]) {
        const before = await asked(upstream);
        await setMembers(proxy, members.flatMap((index) => places[index] ?? []).map((place) => line(place)));
        await eventually(`${members.join()} are asked, and nobody else is connected`, waitMs, async () => {
          const [now, connections] = [await asked(upstream), await open(upstream)];
          return upstream.names.every((_, index) => members.includes(index)
            ? (now[index] ?? 0) > (before[index] ?? 0) + 10 : connections[index] === 0);
        });
        const settled = await asked(upstream);
        await eventually("it goes on", waitMs, async () => {
          const now = await asked(upstream);
          return members.every((index) => (now[index] ?? 0) > (settled[index] ?? 0) + 10);
        });
        const now = await asked(upstream);
        const strangers = [...upstream.names.keys()].filter((index) => !members.includes(index));
        assert.deepEqual(strangers.map((index) => now[index]), strangers.map((index) => settled[index]));
      }
    } finally {
      await load.stop();
    }
    assert.equal(load.failures, noFailures);
    // Other weights of the same servers, and none at all.
    await using crowd = new Crowd(proxy.port);
    await crowd.open(16);
    const statusOf = async (): Promise<string> => Object.keys((await crowd.ask("/", 16, 16)).statuses).join();
    await setMembers(proxy, []);
    await eventually("nobody is there", waitMs, async () => (await statusOf()) === "502");
    await setMembers(proxy, places.slice(0, 2).map((place, index) => line(place, 3 - 2 * index)));
    await eventually("two are there", waitMs, async () => (await statusOf()) === "200");
    const before = await asked(upstream);
    await crowd.ask("/", 400, 16);
    const after = await asked(upstream);
    assert.deepEqual(after.map((count, index) => count - (before[index] ?? 0)), [300, 100, 0, 0, 0]);
  });
});
