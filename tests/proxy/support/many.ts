// Many clients and many upstreams, in any number: what the proxy holds and how quickly it answers, before, meanwhile
// and afterwards. The tests do it small, tests/prove/proxy.ts as large as it is meant.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NXDOMAIN, NameServer } from "../../support/name-server.ts";
import type { Program } from "../../support/program.ts";
import { best, eventually } from "../../support/wait.ts";
import { Crowd } from "./crowd.ts";
import {
  type Figures, type Held, type Say, fewDescriptors, heldAtRest, heldSize, keptBytes, looseDescriptors, mega, megabytes,
  sentence, settleMs, watched,
} from "./figures.ts";
import { startProxy } from "./proxies.ts";
import { UpstreamProcess } from "./upstream-process.ts";

/** What garbage there may be meanwhile. */
const garbageBytes = 120 * mega;
/** What a client and its request cost. */
const bytesPerClient = 24_000;
/** Half of all requests that cost nothing are answered within this, on a machine that does other things, too. */
const lagMaxMs = 150, calmLagMaxMs = 40;

/** It holds what it held before, and answers as quickly. @param kept connections to upstreams that may be kept */
async function assertCalm(program: Program, before: Held, kept: number, say: Say): Promise<void> {
  await fewDescriptors(program, before.descriptors + kept);
  const most = before.resident + keptBytes;
  const resident = await best(10, most, () => heldSize(program));
  let figures: Figures | undefined;
  const lag = await best(5, calmLagMaxMs, async () => {
    ({ figures } = await watched(program, () => sleep(500)));
    return figures.lagMedianMs;
  });
  say(`afterwards: ${megabytes(resident)} held, ${figures === undefined ? "" : sentence(figures)} ` +
    `(before: ${before.descriptors} descriptors, ${megabytes(before.resident)})`);
  assert.ok(resident <= most, `${megabytes(resident)}, and not ${megabytes(most)}`);
  assert.ok(lag <= calmLagMaxMs, `/health takes ${lag} ms`);
}

function assertBusy(figures: Figures, before: Held, descriptors: number, bytes: number): void {
  const most = before.descriptors + descriptors + looseDescriptors;
  assert.ok(figures.descriptors <= most, `${figures.descriptors} descriptors, and not ${most}`);
  assert.ok(figures.resident <= before.resident + bytes, megabytes(figures.resident));
  assert.ok(figures.lagMedianMs <= lagMaxMs, `/health takes ${figures.lagMedianMs} ms`);
}

export interface CrowdSize {
  readonly clients: number;
  readonly requests: number;
}

/** Clients that keep their connections share `max_conns` connections to the upstream: no request is refused for it. */
export async function keptClients({ clients, requests }: CrowdSize, say: Say): Promise<void> {
  const connections = 64;
  await using upstream = await UpstreamProcess.start({ delayMs: 2 });
  await using proxy = await startProxy({
    http: `upstream backend { server ${upstream.name} max_conns=${connections}; keepalive ${connections};
      keepalive_requests 1000000; }`,
    server: "location / { proxy_pass http://backend; }",
  });
  await using crowd = new Crowd(proxy.port);
  await crowd.open(connections);
  await crowd.ask("/warm", 2000, connections);
  const before = await heldAtRest(proxy);
  const { result, figures } = await watched(proxy, async () => {
    await crowd.open(clients - connections);
    return crowd.ask("/", requests, connections);
  });
  const { accepted, openMax } = await upstream.total();
  say(`${clients} clients, ${requests} requests in ${(result.elapsedMs / 1000).toFixed(1)} s over ${openMax} ` +
    `connections (${accepted} ever): ${sentence(figures)}`);
  assert.deepEqual([result.statuses, result.broken], [{ 200: requests }, 0]);
  assert.deepEqual([accepted, openMax], [connections, connections]);
  assertBusy(figures, before, clients, clients * bytesPerClient + garbageBytes);
  // All at once: as many as may are passed on, the others hear at once that nobody has time.
  const { result: burst, figures: burstFigures } = await watched(proxy, () => crowd.ask("/", clients, clients));
  const { openMax: burstMax } = await upstream.total();
  say(`all at once: ${JSON.stringify(burst.statuses)} in ${burst.elapsedMs.toFixed(0)} ms; ${sentence(burstFigures)}`);
  assert.equal((burst.statuses[200] ?? 0) + (burst.statuses[502] ?? 0), clients);
  assert.ok((burst.statuses[200] ?? 0) >= connections);
  assert.ok(burstMax <= connections, `${burstMax} connections`);
  await crowd.close();
  await assertCalm(proxy, before, 0, say);
  assert.equal((await upstream.total()).open, connections);
}

/** As many connections as there are requests, where nothing bounds them: as many as may be are kept. */
export async function burst({ clients }: Pick<CrowdSize, "clients">, say: Say): Promise<void> {
  const kept = 64;
  await using upstream = await UpstreamProcess.start({ delayMs: 50 });
  await using proxy = await startProxy({
    http: `upstream backend { server ${upstream.name}; keepalive ${kept}; }`,
    server: "location / { proxy_pass http://backend; }",
  });
  await using crowd = new Crowd(proxy.port);
  await crowd.open(clients);
  await crowd.ask("/warm", 200, 20);
  const before = await heldAtRest(proxy);
  const { result, figures } = await watched(proxy, () => crowd.ask("/", clients * 2, clients));
  const answers = JSON.stringify(result.statuses);
  say(`${clients} at once: ${answers} in ${result.elapsedMs.toFixed(0)} ms; ${sentence(figures)}`);
  assert.deepEqual([result.statuses, result.broken], [{ 200: clients * 2 }, 0]);
  await eventually(`${kept} are kept`, settleMs, async () => (await upstream.total()).open <= kept);
  await crowd.close();
  await assertCalm(proxy, { ...before, descriptors: before.descriptors - clients }, kept, say);
}

/** Clients that do nothing, behind whom others work. */
export async function idleClients({ clients, requests }: CrowdSize, say: Say): Promise<void> {
  await using upstream = await UpstreamProcess.start();
  await using proxy = await startProxy({
    http: `upstream backend { server ${upstream.name}; }`,
    server: "location / { proxy_pass http://backend; }",
  });
  await using busy = new Crowd(proxy.port);
  await using idle = new Crowd(proxy.port);
  await busy.open(16);
  await busy.ask("/warm", 2000, 16);
  const before = await heldAtRest(proxy);
  const { result, figures } = await watched(proxy, async () => {
    await idle.open(clients);
    await idle.ask("/once", clients, 16);
    return busy.ask("/", requests, 16);
  });
  say(`${clients} idle, ${requests} requests of 16 others in ${(result.elapsedMs / 1000).toFixed(1)} s: ` +
    sentence(figures));
  assert.deepEqual([result.statuses, result.broken], [{ 200: requests }, 0]);
  // Beside the clients' there are the kept connections of the upstream.
  assertBusy(figures, before, clients + 32, clients * bytesPerClient + garbageBytes);
  await idle.close();
  await busy.close();
  await assertCalm(proxy, before, 0, say);
}

export interface GroupSize {
  readonly servers: number;
  readonly leaving: number;
  readonly requests: number;
  /** How often they leave and come back. */
  readonly rounds: number;
}

/** Most servers of a group go and come back, more than once, while it is asked: nobody notices. */
export async function leavingServers({ servers, leaving, requests, rounds }: GroupSize, say: Say): Promise<void> {
  await using upstream = await UpstreamProcess.start({ count: servers });
  await using proxy = await startProxy({
    http: `upstream backend { ${upstream.names.map((name) => `server ${name} fail_timeout=1s;`).join(" ")}
      keepalive 64; }`,
    server: "access_log off; location / { proxy_pass http://backend; }",
  });
  await using crowd = new Crowd(proxy.port);
  await crowd.open(32);
  await crowd.ask("/warm", 2000, 32);
  const before = await heldAtRest(proxy);
  const gone = upstream.places.slice(0, leaving);
  const { result: asked, figures } = await watched(proxy, async () => {
    const reports = [];
    for (let round = 0; round < rounds; round++) {
      const asking = crowd.ask("/", requests, 32);
      await upstream.leave(gone);
      reports.push(await asking, await crowd.ask("/", requests, 32));
      await upstream.listen(gone);
    }
    return reports;
  });
  const all = asked.length * requests;
  say(`${leaving} of ${servers} servers gone ${rounds} times, ${all} requests: ${sentence(figures)}`);
  for (const { statuses, broken } of asked) assert.deepEqual([statuses, broken], [{ 200: requests }, 0]);
  assertBusy(figures, before, 64 + 32, garbageBytes);
  // Those that are back are asked again once their time is over.
  const name = upstream.names[0] ?? "";
  const before0 = (await upstream.counts())[name]?.whole ?? 0;
  await eventually("who is back is asked", settleMs, async () => {
    await crowd.ask("/", servers * 2, 4);
    return ((await upstream.counts())[name]?.whole ?? 0) > before0;
  });
  await crowd.close();
  await assertCalm(proxy, before, 0, say);
}

/** Names that are followed vanish and come back: who is no member any more has no connection, either. */
export async function vanishingNames({ servers, leaving, requests, rounds }: GroupSize, say: Say): Promise<void> {
  await using dns = await NameServer.listen();
  await using upstream = await UpstreamProcess.start({ count: servers });
  const nameAt = (index: number): string => `n${index}.test`;
  const port = upstream.places[0]?.port ?? 0;
  const appear = (): void => {
    for (const [index, { host }] of upstream.places.entries()) dns.say(nameAt(index), [{ type: "A", address: host }]);
  };
  appear();
  await using proxy = await startProxy({
    http: `resolver ${dns.address} valid=1s ipv6=off;
      upstream backend { zone backend 1m;
        ${upstream.places.map((_, index) => `server ${nameAt(index)}:${port} resolve;`).join(" ")} keepalive 64; }`,
    server: "location / { proxy_pass http://backend; }",
  });
  await using crowd = new Crowd(proxy.port);
  await crowd.open(16);
  await crowd.ask("/warm", 2000, 16);
  const before = await heldAtRest(proxy);
  const openAt = async (from: number, to: number): Promise<number> => {
    const counts = await upstream.counts();
    return upstream.names.slice(from, to).reduce((sum, name) => sum + (counts[name]?.open ?? 0), 0);
  };
  const { figures } = await watched(proxy, async () => {
    for (let round = 0; round < rounds; round++) {
      for (let index = 0; index < leaving; index++) dns.say(nameAt(index), { code: NXDOMAIN });
      await eventually("no connection is left to who is no member", settleMs, async () => {
        const { statuses, broken } = await crowd.ask("/", requests, 16);
        assert.deepEqual([statuses, broken], [{ 200: requests }, 0]);
        return (await openAt(0, leaving)) === 0;
      });
      appear();
      await eventually("they are asked again", settleMs, async () => {
        const { statuses, broken } = await crowd.ask("/", requests, 16);
        assert.deepEqual([statuses, broken], [{ 200: requests }, 0]);
        return (await openAt(0, leaving)) > 0;
      });
    }
  });
  say(`${leaving} of ${servers} names vanish ${rounds} times: ${sentence(figures)}`);
  // Beside connections there are the questions about all names.
  assertBusy(figures, before, 64 + 16 + servers, garbageBytes);
  await crowd.close();
  await assertCalm(proxy, before, 0, say);
}

/** Upstreams that only requests know, more of them than are remembered. */
export async function passingUpstreams({ servers }: Pick<GroupSize, "servers">, say: Say): Promise<void> {
  await using upstream = await UpstreamProcess.start({ count: servers });
  await using proxy = await startProxy({ server: "location / { proxy_pass http://$arg_to; }" });
  await using crowd = new Crowd(proxy.port);
  await crowd.open(4);
  await crowd.ask(`/?to=${upstream.name}`, 2000, 4);
  const before = await heldAtRest(proxy);
  const { figures } = await watched(proxy, async () => {
    for (const name of upstream.names) {
      const { statuses, broken } = await crowd.ask(`/?to=${name}`, 4, 4);
      assert.deepEqual([statuses, broken], [{ 200: 4 }, 0]);
    }
  });
  const { open } = await upstream.total();
  say(`${servers} upstreams by variables, ${open} connections kept: ${sentence(figures)}`);
  // Those of the 256 that are remembered, up to four to each.
  assert.ok(open <= 256 * 4, `${open} connections are kept`);
  assertBusy(figures, before, 256 * 4, garbageBytes);
  assert.doesNotMatch(proxy.output, /no room in the zone/);
}
