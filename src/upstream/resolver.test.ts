import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { NXDOMAIN, NameServer, REFUSED, SERVFAIL } from "../../tests/support/name-server.ts";
import { descriptorCount } from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { ResolveProblem, Resolver } from "./resolver.ts";
import type { ResolverSettings } from "./settings.ts";

describe("the resolver", () => {
  let server: NameServer;
  const made: Resolver[] = [];

  before(async () => {
    server = await NameServer.listen();
  });

  after(async () => {
    for (const resolver of made) resolver.close();
    await server[Symbol.asyncDispose]();
  });

  function resolver(settings: Partial<ResolverSettings> = {}): Resolver {
    const usual = { servers: [server.address], validMs: undefined, ipv4: true, ipv6: true, timeoutMs: 5000 };
    const it = new Resolver({ ...usual, ...settings });
    made.push(it);
    return it;
  }

  /** How often a name was asked for. */
  function asked(name: string): number {
    return server.queries.filter((query) => query.startsWith(`${name} `)).length;
  }

  test("tells all addresses of a name, and how long they count", async () => {
    server.say("app.test", [
      { type: "A", address: "192.0.2.1", ttl: 60 }, { type: "A", address: "192.0.2.2", ttl: 60 },
      { type: "AAAA", address: "2001:db8::1", ttl: 30 }, { type: "A", address: "192.0.2.1", ttl: 60 },
    ]);
    deepEqual(await resolver().lookup("app.test"), {
      addresses: ["192.0.2.1", "192.0.2.2", "2001:db8::1"], ttlMs: 30_000,
    });
    deepEqual((await resolver({ ipv6: false }).lookup("app.test")).addresses, ["192.0.2.1", "192.0.2.2"]);
    deepEqual((await resolver({ ipv4: false }).lookup("APP.test")).addresses, ["2001:db8::1"]);
  });

  test("asks nobody for what is an address", async () => {
    const before = server.queries.length;
    for (const [text, address] of [["192.0.2.7", "192.0.2.7"], ["::1", "::1"], ["[2001:db8::1]", "2001:db8::1"]]) {
      deepEqual(await resolver().lookup(text ?? ""), { addresses: [address], ttlMs: Number.POSITIVE_INFINITY });
    }
    equal(server.queries.length, before);
  });

  test("asks once for everybody, and again when the TTL is over", async () => {
    server.say("ttl.test", [{ type: "A", address: "192.0.2.1", ttl: 1 }]);
    const it = resolver({ ipv6: false });
    const answers = await Promise.all(Array.from({ length: 50 }, () => it.lookup("ttl.test")));
    ok(answers.every((answer) => answer.addresses[0] === "192.0.2.1" && answer.ttlMs === 1000));
    equal(asked("ttl.test"), 1);
    server.say("ttl.test", [{ type: "A", address: "192.0.2.2", ttl: 1 }]);
    deepEqual((await it.lookup("ttl.test")).addresses, ["192.0.2.1"]);
    await eventually("the new address", 5000, async () => (await it.lookup("ttl.test")).addresses[0] === "192.0.2.2");
    equal(asked("ttl.test"), 2);
  });

  test("lets `valid` outweigh the TTL, and bounds TTLs that nobody can mean", async () => {
    server.say("valid.test", [{ type: "A", address: "192.0.2.1", ttl: 1 }]);
    server.say("zero.test", [{ type: "A", address: "192.0.2.1", ttl: 0 }]);
    server.say("year.test", [{ type: "A", address: "192.0.2.1", ttl: 31_536_000 }]);
    equal((await resolver({ validMs: 90_000 }).lookup("valid.test")).ttlMs, 90_000);
    const hasty = resolver({ validMs: 1, ipv6: false });
    const before = asked("year.test");
    await hasty.lookup("year.test");
    const twice = await eventually("a second query", 5000, async () => {
      await hasty.lookup("year.test");
      return asked("year.test") - before > 1;
    });
    equal(twice, true, "nobody beneath us remembers it for longer");
    equal((await resolver().lookup("zero.test")).ttlMs, 1000);
    equal((await resolver().lookup("year.test")).ttlMs, 3_600_000);
  });

  test("says in nginx's words why there is no address, and asks again soon", async () => {
    server.say("away.test", { code: NXDOMAIN });
    server.say("empty.test", []);
    server.say("broken.test", { code: SERVFAIL });
    server.say("closed.test", { code: REFUSED });
    server.say("silent.test", { silent: true });
    const it = resolver({ timeoutMs: 400 });
    for (const [name, reason] of [
      ["away.test", "3: Host not found"], ["empty.test", "3: Host not found"], ["broken.test", "2: Server failure"],
      ["closed.test", "5: Operation refused"], ["silent.test", "110: Operation timed out"],
    ] as const) {
      await rejects(it.lookup(name), (problem) => {
        ok(problem instanceof ResolveProblem);
        equal(problem.message, `${name} could not be resolved (${reason})`);
        equal(problem.isAbsent, reason.startsWith("3"));
        return true;
      });
    }
    const before = asked("away.test");
    await rejects(it.lookup("away.test"));
    equal(asked("away.test"), before, "the failure itself is remembered for a moment");
    server.say("away.test", [{ type: "A", address: "192.0.2.9" }]);
    const found = await eventually("it is asked again", 5000, () => it.lookup("away.test").catch(() => undefined));
    deepEqual(found.addresses, ["192.0.2.9"]);
  });

  test("needs an answer of both families, as nginx does, or an upstream would lose half of its servers", async () => {
    const records = [{ type: "A", address: "192.0.2.1" }] as const;
    server.say("silent6.test", { records, silent: ["AAAA"] });
    server.say("broken6.test", { records, codes: { AAAA: SERVFAIL } });
    server.say("away6.test", { records, codes: { AAAA: NXDOMAIN } });
    server.say("broken4.test", { records: [{ type: "AAAA", address: "2001:db8::1" }], codes: { A: SERVFAIL } });
    const it = resolver({ timeoutMs: 300 });
    await rejects(it.lookup("silent6.test"), /110: Operation timed out/);
    await rejects(it.lookup("broken6.test"), /2: Server failure/);
    await rejects(it.lookup("broken4.test"), /2: Server failure/);
    deepEqual((await it.lookup("away6.test")).addresses, ["192.0.2.1"]);
    deepEqual((await resolver({ ipv6: false }).lookup("silent6.test")).addresses, ["192.0.2.1"]);
  });

  test("follows aliases from answer to answer, for as long as all of it counts", async () => {
    server.say("alias.test", [{ type: "CNAME", target: "next.test", ttl: 60 }]);
    server.say("next.test", [{ type: "CNAME", target: "last.test", ttl: 20 }]);
    server.say("last.test", [{ type: "A", address: "192.0.2.1", ttl: 40 }]);
    deepEqual(await resolver().lookup("alias.test"), { addresses: ["192.0.2.1"], ttlMs: 20_000 });
    server.say("lost.test", [{ type: "CNAME", target: "nobody.test" }]);
    await rejects(resolver().lookup("lost.test"), /^Error: lost\.test could not be resolved \(3: Host not found\)$/);
    server.say("odd.test", [{ type: "CNAME", target: "no name.test" }]);
    await rejects(resolver().lookup("odd.test"), /1: Format error/);
  });

  test("follows sixteen aliases and no more, so that circles end", async () => {
    const chain = (length: number): string => {
      for (let index = 0; index < length; index++) {
        server.say(`${length}-${index}.test`, [{ type: "CNAME", target: `${length}-${index + 1}.test` }]);
      }
      server.say(`${length}-${length}.test`, [{ type: "A", address: "192.0.2.1" }]);
      return `${length}-0.test`;
    };
    deepEqual((await resolver().lookup(chain(16))).addresses, ["192.0.2.1"]);
    await rejects(resolver().lookup(chain(17)), /1: Format error/);
    server.say("circle.test", [{ type: "CNAME", target: "round.test" }]);
    server.say("round.test", [{ type: "CNAME", target: "circle.test" }]);
    await rejects(resolver({ ipv6: false }).lookup("circle.test"), /1: Format error/);
    equal(asked("circle.test") + asked("round.test"), 17);
  });

  test("asks its servers by turns, and the next one for what the first cannot say", async () => {
    await using other = await NameServer.listen();
    const servers = [server.address, other.address];
    for (const [index, name] of ["one.turn", "two.turn", "three.turn", "four.turn"].entries()) {
      for (const each of [server, other]) each.say(name, [{ type: "A", address: `192.0.2.${index}` }]);
    }
    const it = resolver({ servers, ipv6: false });
    for (const name of ["one.turn", "two.turn", "three.turn", "four.turn"]) await it.lookup(name);
    deepEqual(other.queries, ["two.turn A", "four.turn A"]);
    for (const [name, said] of [
      ["failing.turn", { code: SERVFAIL }], ["refusing.turn", { code: REFUSED }], ["silent.turn", { silent: true }],
      ["wrong.turn", { records: [{ type: "CNAME", target: "x".repeat(64) }] }],
    ] as const) {
      server.say(name, said);
      other.say(name, [{ type: "A", address: "192.0.2.9" }]);
      const fresh = resolver({ servers, ipv6: false, timeoutMs: 1000 });
      deepEqual((await fresh.lookup(name)).addresses, ["192.0.2.9"], name);
    }
    const gone = await NameServer.listen();
    await gone[Symbol.asyncDispose]();
    const fresh = resolver({ servers: [gone.address, other.address], ipv6: false });
    deepEqual((await fresh.lookup("failing.turn")).addresses, ["192.0.2.9"]);
    await rejects(resolver({ servers: [gone.address] }).lookup("any.turn"), /111: Connection refused/);
  });

  test("asks again when a question was lost", async () => {
    server.say("lost-once.test", { records: [{ type: "A", address: "192.0.2.1" }], lost: 1 });
    deepEqual((await resolver({ ipv6: false, timeoutMs: 2000 }).lookup("lost-once.test")).addresses, ["192.0.2.1"]);
    equal(asked("lost-once.test"), 2);
  });

  test("passes over answers that have another id, or come from elsewhere", async () => {
    for (const forged of ["id", "port"] as const) {
      server.say(`${forged}.test`, { records: [{ type: "A", address: "192.0.2.1" }], forged });
      deepEqual((await resolver({ ipv6: false }).lookup(`${forged}.test`)).addresses, ["192.0.2.1"], forged);
    }
  });

  test("keeps no socket when it has its answer, when there is none, or when it is closed", async () => {
    server.say("brief.test", [{ type: "A", address: "192.0.2.1" }]);
    server.say("never.test", { silent: true });
    const before = descriptorCount();
    await resolver().lookup("brief.test");
    equal(descriptorCount(), before);
    await rejects(resolver({ timeoutMs: 50 }).lookup("never.test"), /110: Operation timed out/);
    equal(descriptorCount(), before);
    const it = resolver({ timeoutMs: 60_000 });
    const asking = it.lookup("never.test");
    await eventually("sockets", 5000, () => descriptorCount() > before);
    it.close();
    await rejects(asking, /110: Operation timed out/);
    equal(descriptorCount(), before);
    await rejects(it.lookup("brief.test"), /110: Operation timed out/);
  });

  test("takes a truncated answer to TCP", async () => {
    const records = Array.from({ length: 100 }, (_none, index) =>
      ({ type: "A" as const, address: `192.0.2.${index}` }));
    server.say("large.test", { records, truncated: true });
    equal((await resolver({ ipv6: false }).lookup("large.test")).addresses.length, 100);
    ok(server.queries.includes("large.test A/tcp"));
  });

  test("keeps no more addresses of an answer than anybody can need", async () => {
    const records = Array.from({ length: 600 }, (_none, index) =>
      ({ type: "A" as const, address: `198.18.${index >> 8}.${index & 255}` }));
    server.say("huge.test", { records, truncated: true });
    equal((await resolver({ ipv6: false }).lookup("huge.test")).addresses.length, 256);
  });

  test("asks no server for what cannot be a name", async () => {
    const before = server.queries.length;
    for (const name of ["", "a b", "a..b", "name\r\nHost: x", "x".repeat(64), `${"a.".repeat(127)}a`, "café.test"]) {
      await rejects(resolver().lookup(name), /could not be resolved \(1: Format error\)/);
    }
    equal(server.queries.length, before);
  });

  test("asks name servers that are themselves named by names", async () => {
    server.say("named.test", [{ type: "A", address: "192.0.2.1" }]);
    const it = resolver({ servers: [`localhost:${server.port}`, "no such name"] });
    deepEqual((await it.lookup("named.test")).addresses, ["192.0.2.1"]);
    await rejects(
      resolver({ servers: ["no such name"] }).lookup("named.test"),
      /named\.test could not be resolved \(host not found in resolver "no such name"\)/,
    );
  });

  test("follows SRV records, with nginx's two ways to name a service", async () => {
    server.say("_http._tcp.app.srv", [
      { type: "SRV", target: "one.srv", port: 8001, priority: 1, weight: 3 },
      { type: "SRV", target: "two.srv", port: 8002, priority: 2 },
      { type: "SRV", target: "nobody.srv", port: 8003 },
    ]);
    server.say("deep.name.app.srv", [{ type: "SRV", target: "one.srv", port: 9000 }]);
    server.say("one.srv", [
      { type: "A", address: "192.0.2.1", ttl: 20 }, { type: "AAAA", address: "2001:db8::1", ttl: 9 },
    ]);
    server.say("two.srv", [{ type: "A", address: "192.0.2.2", ttl: 20 }]);
    const { targets, ttlMs } = await resolver().srv("http", "app.srv");
    equal(ttlMs, 9000);
    deepEqual([...targets].sort((one, other) => one.port - other.port), [
      { priority: 1, weight: 3, port: 8001, addresses: ["192.0.2.1", "2001:db8::1"] },
      { priority: 2, weight: 0, port: 8002, addresses: ["192.0.2.2"] },
    ]);
    equal((await resolver().srv("deep.name", "app.srv")).targets[0]?.port, 9000);
    await rejects(resolver().srv("http", "two.srv"), /_http\._tcp\.two\.srv could not .* \(3: Host/);
    server.say("_x._tcp.two.srv", [{ type: "SRV", target: "nobody.srv", port: 1 }]);
    await rejects(resolver().srv("x", "two.srv"), /could not be resolved \(3: Host not found\)/);
    server.say("_none._tcp.two.srv", [{ type: "SRV", target: "", port: 0 }]);
    await rejects(resolver().srv("none", "two.srv"), /could not be resolved \(3: Host not found\)/);
    server.say("_brief._tcp.two.srv", [{ type: "SRV", target: "two.srv", port: 1, ttl: 3 }]);
    equal((await resolver().srv("brief", "two.srv")).ttlMs, 3000);
  });

  test("without name servers asks the system, which knows localhost", async () => {
    const it = new Resolver(undefined);
    const { addresses } = await it.lookup("localhost");
    equal(addresses[0], "127.0.0.1");
    await rejects(it.srv("http", "app.srv"), /no resolver is defined/);
  });
});
