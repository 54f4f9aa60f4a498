import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Clock } from "../net/index.ts";
import { NXDOMAIN, NameServer, SERVFAIL } from "../../tests/support/name-server.ts";
import { DIAL, KEEPALIVE, Listening, Peerside, serverLine } from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { type Choice, type Peer, isNetworkPeer } from "./balancer.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { ResolverSettings, UpstreamServerSettings, UpstreamSettings } from "./settings.ts";
import { Upstream, Upstreams } from "./upstreams.ts";
import type { FoundName } from "./upstreams-membership.ts";
import { UpstreamZone } from "./zone.ts";

/** Nobody can be asked for it: it is no name. */
const NO_NAME = "no such name";
const WAIT_MS = 10_000;
const ANYBODY: Choice = { clientAddress: "", hashKey: () => "", sticky: undefined };

describe("upstreams", () => {
  let dns: NameServer;
  let resolver: ResolverSettings;
  let clock: Clock;
  let pool: ConnectionPool;
  const made: Upstreams[] = [];
  const notices: string[] = [];

  before(async () => {
    dns = await NameServer.listen();
    resolver = { servers: [dns.address], validMs: undefined, ipv4: true, ipv6: false, timeoutMs: 500 };
    clock = new Clock();
    pool = new ConnectionPool(clock);
  });

  after(async () => {
    for (const upstreams of made) upstreams.close();
    pool.close();
    clock.close();
    await dns[Symbol.asyncDispose]();
  });

  function upstreamsOf(...settings: readonly UpstreamSettings[]): Upstreams {
    return upstreamsAfter([], settings);
  }

  function upstreamsAfter(
    foundBefore: readonly FoundName[], settings: readonly UpstreamSettings[],
    onFound: (names: readonly FoundName[]) => void = () => undefined,
  ): Upstreams {
    const zone = new UpstreamZone(UpstreamZone.allocate(settings));
    const onNotice = (level: string, text: string): void => void notices.push(`${level} ${text}`);
    const upstreams = new Upstreams({ settings, zone, clock, pool, onNotice, foundBefore, onFound });
    made.push(upstreams);
    return upstreams;
  }

  function group(name: string, servers: readonly UpstreamServerSettings[]): UpstreamSettings {
    return { name, servers, balance: { kind: "round_robin" }, sticky: undefined, keepalive: KEEPALIVE, resolver };
  }

  function line(host: string, port: number, more: Partial<UpstreamServerSettings> = {}): UpstreamServerSettings {
    return { ...serverLine(`${host}:${port}`, { kind: "tcp", host, port }), ...more };
  }

  function members(upstream: Upstream | undefined): readonly string[] {
    return upstream?.balancer.peers.map(({ name }) => name) ?? [];
  }

  test("have the members that are addresses at once", () => {
    const servers = [line("192.0.2.1", 80), line("::1", 81), serverLine("unix:/x", { kind: "unix", path: "/x" })];
    const upstreams = upstreamsOf(group("backend", servers));
    const upstream = upstreams.named("backend");
    deepEqual(members(upstream), ["192.0.2.1:80", "[::1]:81", "unix:/x"]);
    equal(upstream?.ready(), upstream);
    equal(upstreams.named("other"), undefined);
  });

  test("look names up at the start, which waits for nobody for long", async () => {
    const upstreams = upstreamsOf(
      group("local", [line("192.0.2.1", 80), line("localhost", 8000)]), group("away", [line(NO_NAME, 80)]),
    );
    const started = upstreams.start();
    const local = upstreams.named("local");
    ok(local !== undefined);
    ok(local.ready() instanceof Promise, "who comes now can wait");
    equal(await local.ready(), local);
    equal(local.ready(), local);
    await started;
    deepEqual(members(local).slice(0, 2), ["192.0.2.1:80", "127.0.0.1:8000"]);
    deepEqual(members(upstreams.named("away")), []);
    ok(notices.includes(`error host not found in upstream "away": ${NO_NAME} could not be resolved (1: Format error)`));
  });

  test("follow the names of servers that say resolve, and look for those that are lost", async () => {
    dns.say("moving.test", [{ type: "A", address: "127.0.0.1", ttl: 1 }, { type: "A", address: "127.0.0.2", ttl: 1 }]);
    await using side = await Peerside.listen({ host: "127.0.0.1", port: 0 });
    const { port } = side;
    const quick = { ...resolver, validMs: 100 };
    const servers = [line("moving.test", port, { resolve: true })];
    const upstreams = upstreamsOf({ ...group("moving", servers), resolver: quick });
    await upstreams.start();
    const upstream = upstreams.named("moving");
    ok(upstream !== undefined);
    deepEqual(members(upstream), [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
    const [peer, other] = upstream.balancer.peers;
    ok(peer !== undefined && other !== undefined && isNetworkPeer(peer));
    const user = new Listening();
    const connection = pool.connect(upstream, peer, KEEPALIVE, DIAL, user);
    await user.heard("connected");
    connection.keep();
    equal(pool.idleCount, 1);
    dns.say("moving.test", [{ type: "A", address: "127.0.0.2", ttl: 1 }]);
    await eventually("one member less", WAIT_MS, () => members(upstream).length === 1);
    equal(pool.idleCount, 0, "the idle connection to who is gone is closed");
    equal(upstream.balancer.peers[0], other, "who stays is the same");
    const noticed = notices.length;
    dns.say("moving.test", { code: SERVFAIL });
    await eventually("a notice", WAIT_MS, () => notices.length > noticed);
    deepEqual(members(upstream), [`127.0.0.2:${port}`], "nobody knows better");
    dns.say("moving.test", { code: NXDOMAIN });
    await eventually("no member", WAIT_MS, () => members(upstream).length === 0);
    equal(notices.length, noticed + 1, "it is said once");
    dns.say("moving.test", [{ type: "A", address: "127.0.0.3", ttl: 60 }]);
    await eventually("it is back", WAIT_MS, () => members(upstream)[0] === `127.0.0.3:${port}`);
  });

  test("begin with what was found before them, so that name servers may be away meanwhile", async () => {
    dns.say("before.test", [{ type: "A", address: "192.0.2.1", ttl: 1 }]);
    dns.say("_http._tcp.before.test", [{ type: "SRV", target: "before.test", port: 8001, weight: 3, ttl: 1 }]);
    const groups = (port: number): readonly UpstreamSettings[] => [
      group("a", [line("before.test", port, { resolve: true })]),
      group("b", [line("before.test", 80, { resolve: true, service: "http" })]),
      group("c", [line("localhost", port)]),
    ];
    let found: readonly FoundName[] = [];
    const first = upstreamsAfter([], groups(81), (names) => (found = names));
    await first.start();
    await eventually("all to be told", WAIT_MS, () => found.length === 3);
    first.close();
    for (const name of ["before.test", "_http._tcp.before.test"]) dns.say(name, { silent: true });
    const second = upstreamsAfter(structuredClone(found), groups(82), (names) => (found = names));
    const told = found;
    const started = second.start();
    const [a, b, c] = ["a", "b", "c"].map((name) => second.named(name));
    for (const upstream of [a, b, c]) equal(upstream?.ready(), upstream, "nobody waits");
    await started;
    deepEqual([members(a), members(b)], [["192.0.2.1:82"], ["192.0.2.1:8001"]]);
    equal(members(c)[0], "127.0.0.1:82");
    equal(b?.balancer.peers[0]?.server.weight, 3);
    await eventually("the next one may know it, too", WAIT_MS, () => found !== told);
    deepEqual(found, told);
    dns.say("before.test", [{ type: "A", address: "192.0.2.2", ttl: 1 }]);
    await eventually("what is found now", WAIT_MS, () => members(a)[0] === "192.0.2.2:82");
    dns.say("before.test", { code: NXDOMAIN });
    await eventually("what is no more to be forgotten", WAIT_MS, () => !found.some(({ key }) => key.startsWith("a ")));
    equal(found.some(({ key }) => key.startsWith("b ")), true);
  });

  test("take servers, weights and backups from SRV records", async () => {
    dns.say("_http._tcp.srv.test", [
      { type: "SRV", target: "a.srv.test", port: 8001, priority: 1, weight: 5, ttl: 1 },
      { type: "SRV", target: "b.srv.test", port: 8002, priority: 1, weight: 0, ttl: 1 },
      { type: "SRV", target: "c.srv.test", port: 8003, priority: 2, weight: 7, ttl: 1 },
    ]);
    for (const [name, address] of [["a", "192.0.2.1"], ["b", "192.0.2.2"], ["c", "192.0.2.3"]]) {
      dns.say(`${name}.srv.test`, [{ type: "A", address: address ?? "", ttl: 1 }]);
    }
    const srv = { resolve: true, service: "http" };
    const upstreams = upstreamsOf(
      group("srv", [line("srv.test", 80, srv)]), group("late", [line("srv.test", 80, { ...srv, backup: true })]),
    );
    await upstreams.start();
    const said = (name: string): readonly unknown[] => upstreams.named(name)?.balancer.peers
      .map((peer) => [peer.name, peer.server.weight, peer.server.backup]).sort() ?? [];
    deepEqual(said("srv"), [["192.0.2.1:8001", 5, false], ["192.0.2.2:8002", 1, false], ["192.0.2.3:8003", 7, true]]);
    deepEqual(said("late"), [["192.0.2.1:8001", 5, true], ["192.0.2.2:8002", 1, true]]);
    const first = upstreams.named("srv")?.balancer.peers.find(({ name }) => name === "192.0.2.1:8001");
    dns.say("c.srv.test", [{ type: "A", address: "192.0.2.4", ttl: 1 }]);
    await eventually("the new one", WAIT_MS, () => members(upstreams.named("srv")).includes("192.0.2.4:8003"));
    ok(upstreams.named("srv")?.balancer.peers.includes(first as never), "who stays is the same");
  });

  test("that only a request names are there at once if they are addresses", () => {
    const upstreams = upstreamsOf();
    for (const [address, name] of [
      [{ kind: "tcp", host: "192.0.2.1", port: 80 }, "192.0.2.1:80"],
      [{ kind: "tcp", host: "[::1]", port: 81 }, "[::1]:81"],
      [{ kind: "unix", path: "/run/x" }, "unix:/run/x"],
    ] as const) {
      const upstream = upstreams.at(address, undefined);
      ok(upstream instanceof Upstream);
      deepEqual(members(upstream), [name]);
      equal(upstreams.at(address, resolver), upstream);
    }
  });

  test("that only a request names by a name are looked up for everybody at once, by their TTL", async () => {
    dns.say("asked.test", [{ type: "A", address: "192.0.2.1", ttl: 1 }]);
    const upstreams = upstreamsOf();
    const place = { kind: "tcp", host: "Asked.test", port: 8000 } as const;
    const [first, second] = [upstreams.at(place, resolver), upstreams.at(place, resolver)];
    equal(first, second);
    const upstream = await first;
    equal(upstreams.at(place, resolver), upstream);
    deepEqual(members(upstream), ["192.0.2.1:8000"]);
    const other = await upstreams.at(place, { ...resolver });
    notEqual(other, upstream, "another resolver may know another address");
    dns.say("asked.test", [{ type: "A", address: "192.0.2.2", ttl: 1 }]);
    await eventually("the new address", WAIT_MS, async () => {
      await upstreams.at(place, resolver);
      return members(upstream)[0] === "192.0.2.2:8000";
    });
    dns.say("asked.test", { code: NXDOMAIN });
    const failure = await eventually("the failure", WAIT_MS, async () => {
      try {
        await upstreams.at(place, resolver);
        return undefined;
      } catch (problem) {
        return problem;
      }
    });
    equal(String(failure), "Error: Asked.test could not be resolved (3: Host not found)");
    await rejects(
      Promise.resolve(upstreams.at({ ...place, host: "unasked.test" }, undefined)),
      /^Error: no resolver defined to resolve unasked\.test$/,
    );
  });

  test("that only a request names ask all addresses again with each request, whoever has failed", async () => {
    dns.say("failing.test", [{ type: "A", address: "192.0.2.1" }, { type: "A", address: "192.0.2.2" }]);
    const { balancer } = await upstreamsOf().at({ kind: "tcp", host: "failing.test", port: 80 }, resolver);
    for (let request = 0; request < 3; request++) {
      const tried: Peer[] = [];
      for (let peer = balancer.choose(ANYBODY, tried); peer !== undefined; peer = balancer.choose(ANYBODY, tried)) {
        tried.push(peer);
        balancer.release(peer, { outcome: "failed" });
      }
      equal(tried.length, 2);
    }
  });

  test("that only requests name are bounded", () => {
    const upstreams = upstreamsOf();
    const at = (port: number): Upstream => {
      const upstream = upstreams.at({ kind: "tcp", host: "192.0.2.1", port }, undefined);
      ok(upstream instanceof Upstream);
      return upstream;
    };
    const first = at(1), second = at(2);
    for (let port = 3; port <= 256; port++) at(port);
    equal(at(1), first);
    at(257);
    equal(at(1), first, "it was asked for later");
    deepEqual(members(second), [], "the one that was asked for longest ago is closed");
    notEqual(at(2), second);
  });

  test("that only requests name leave nothing in the zone, whenever they are forgotten", async () => {
    const upstreams = upstreamsOf();
    for (let round = 0; round < 8; round++) {
      const names = Array.from({ length: 150 }, (_, index) => `n${round}-${index}.test`);
      for (const name of names) dns.say(name, [{ type: "A", address: "192.0.2.1" }]);
      const found = names.map((host) => upstreams.at({ kind: "tcp", host, port: 80 }, resolver));
      // So many that all which are being looked up were to be forgotten.
      for (let port = 1; port <= 256; port++) void upstreams.at({ kind: "tcp", host: "192.0.2.1", port }, undefined);
      for (const upstream of found) deepEqual(members(await upstream), ["192.0.2.1:80"]);
    }
    deepEqual(notices.filter((notice) => notice.includes("no room in the zone")), []);
  });

  test("that the configuration mentions are looked up once, and found by requests too", async () => {
    const upstreams = upstreamsOf();
    const place = { kind: "tcp", host: "localhost", port: 8000 } as const;
    const upstream = upstreams.fixed(place);
    equal(upstreams.fixed(place), upstream);
    deepEqual(members(upstream), []);
    await upstreams.start();
    equal(members(upstream)[0], "127.0.0.1:8000");
    equal(upstreams.at(place, undefined), upstream);
    const late = upstreams.fixed({ ...place, port: 8001 });
    const found = upstreams.at({ ...place, port: 8001 }, undefined);
    ok(found instanceof Promise);
    equal(await found, late);
    equal(members(late)[0], "127.0.0.1:8001");
  });

  test("take other servers at runtime, and keep what is known of those that stay", async () => {
    const stays = line("192.0.2.1", 80);
    const upstreams = upstreamsOf(group("changing", [stays, line("192.0.2.2", 80)]));
    await upstreams.start();
    const upstream = upstreams.named("changing");
    const [peer] = upstream?.balancer.peers ?? [];
    deepEqual(upstreams.setMembers("changing", [stays, line("localhost", 81)]), { ok: true, value: upstream });
    equal(upstream?.balancer.peers[0], peer);
    await eventually("the name", WAIT_MS, () => members(upstream)[1] === "127.0.0.1:81");
    upstreams.setMembers("changing", []);
    deepEqual(members(upstream), []);
    deepEqual(upstreams.setMembers("other", []), { ok: false, error: 'there is no upstream "other"' });
    const many = Array.from({ length: 1001 }, (_none, port) => line("192.0.2.1", port + 1));
    deepEqual(upstreams.setMembers("changing", many), { ok: false, error: "an upstream has at most 1000 servers" });
    equal(upstreams.setMembers("changing", many.slice(1)).ok, true);
  });
});
