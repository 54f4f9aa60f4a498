// Certificates for names that somebody asks for: only if a URL allows them, and within bounds.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { AcmeSettings, OnDemandSettings } from "../../src/acme/index.ts";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { eventually } from "../support/wait.ts";
import { Harness, SHORT, issuerSettings } from "./harness.ts";

const ORDER = "POST /order-plz";
const MINUTE_MS = 60_000, DAY_MS = 24 * 60 * MINUTE_MS;

describe("certificates on demand", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-demand-"));
  let pebble: Pebble;
  let server: Server;
  const asked: string[] = [];
  let answer = (_name: string): number => 200;
  before(async () => {
    pebble = await Pebble.start(directory);
    server = createServer((request, response) => {
      const name = new URL(request.url ?? "", "http://x").searchParams.get("domain") ?? "";
      asked.push(request.url ?? "");
      response.writeHead(answer(name), { Location: "/yes" }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => {
    asked.length = 0;
    answer = (): number => 200;
  });

  function demand(bounds: Partial<OnDemandSettings> = {}): OnDemandSettings {
    return {
      id: "default", ask: `http://127.0.0.1:${(server.address() as AddressInfo).port}/may?site=1`, asksPerMinute: 60,
      ordersPerMinute: 10, namesMax: 100, keyType: "ecdsa:256", issuers: ["pebble"], challenges: ["http-01"],
      profile: SHORT, ...bounds,
    };
  }

  function settings(onDemand: OnDemandSettings): Partial<AcmeSettings> {
    const statePath = mkdtempSync(join(directory, "state-"));
    return { issuers: [issuerSettings(pebble, { statePath })], onDemand: [onDemand], statePath };
  }

  function refusals(harness: Harness): readonly string[] {
    return harness.reports.flatMap((report) =>
      (report.kind === "name-refused" ? [`${report.name} ${report.forMs}`] : []));
  }

  async function refused(harness: Harness, count: number = 1): Promise<readonly string[]> {
    return eventually("a refusal", 20_000, () => {
      const all = refusals(harness);
      return all.length >= count ? all : undefined;
    });
  }

  test("are ordered for a name that the URL allows, once for all who want it", async () => {
    pebble.resolve("shop-1.example");
    const onDemand = demand();
    await using harness = new Harness(pebble);
    harness.settings(settings(onDemand));
    for (let count = 0; count < 5; count++) harness.want(onDemand, "shop-1.example");
    assert.deepEqual((await harness.certificate()).names, ["shop-1.example"]);
    await harness.settled();
    assert.deepEqual(asked, ["/may?site=1&domain=shop-1.example"]);
    harness.want(onDemand, "Shop-1.example");
    await harness.certificate(2);
    assert.equal(asked.length, 1);
  });

  test("are not ordered for a name that it refuses, and it is not asked again for ten minutes", async () => {
    for (const status of [403, 404, 302, 204]) {
      answer = (): number => status;
      const onDemand = demand();
      await using harness = new Harness(pebble);
      harness.settings(settings(onDemand));
      const before = pebble.count(ORDER), askedBefore = asked.length;
      harness.want(onDemand, "evil.example");
      assert.deepEqual(await refused(harness), ["evil.example 600000"]);
      harness.want(onDemand, "evil.example");
      await refused(harness, 2);
      assert.equal(asked.length - askedBefore, 1);
      await harness.pass(11 * MINUTE_MS);
      harness.want(onDemand, "evil.example");
      await refused(harness, 3);
      assert.equal(asked.length - askedBefore, 2);
      assert.equal(pebble.count(ORDER), before);
    }
  });

  test("wait for a URL that gives no answer, and what to do is said", async () => {
    const onDemand = demand({ ask: "http://127.0.0.1:1/may" });
    await using harness = new Harness(pebble);
    harness.settings(settings(onDemand));
    harness.want(onDemand, "shop-2.example");
    assert.deepEqual(await refused(harness), ["shop-2.example 10000"]);
    await harness.noticed(/:1\/may cannot be asked for shop-2\.example .*it must answer 200 to allow a name/);
    answer = (): number => 500;
    const broken = demand();
    harness.settings(settings(broken));
    harness.want(broken, "shop-3.example");
    assert.deepEqual((await refused(harness, 2)).at(-1), "shop-3.example 10000");
  });

  test("are not asked for where the name cannot have one", async () => {
    const onDemand = demand();
    await using harness = new Harness(pebble);
    harness.settings(settings(onDemand));
    const names = ["192.0.2.1", "*.shop.example", "a b.example", "x".repeat(64), ""];
    for (const name of names) harness.want(onDemand, name);
    await refused(harness, names.length);
    assert.deepEqual(asked, []);
  });

  test("are bounded: questions and orders per minute, and names", async () => {
    pebble.resolve("a.example", "b.example", "c.example");
    const few = demand({ asksPerMinute: 3, ordersPerMinute: 1, namesMax: 2 });
    await using harness = new Harness(pebble);
    harness.settings(settings(few));
    harness.want(few, "a.example");
    await harness.certificate();
    harness.want(few, "b.example");
    assert.deepEqual(await refused(harness), ["b.example 10000"]);
    await harness.noticed(/more than 1 orders on demand in a minute/);
    harness.want(few, "d.example");
    await refused(harness, 2);
    harness.want(few, "e.example");
    await refused(harness, 3);
    await harness.noticed(/more than 3 unknown names in a minute: e\.example was not asked for/);
    assert.equal(asked.length, 3);
    await harness.pass(2 * MINUTE_MS);
    harness.want(few, "b.example");
    await harness.certificate(2);
    await harness.pass(2 * MINUTE_MS);
    harness.want(few, "c.example");
    await harness.noticed(/more than 2 names on demand: c\.example gets no certificate/);
  });

  test("that fail are left alone for as long as others are", async () => {
    const onDemand = demand();
    await using harness = new Harness(pebble);
    harness.settings(settings(onDemand));
    const before = pebble.count(ORDER);
    harness.want(onDemand, "lost.example");
    assert.deepEqual(await refused(harness), ["lost.example 60000"]);
    harness.want(onDemand, "lost.example");
    await refused(harness, 2);
    await harness.pass(2 * MINUTE_MS);
    assert.equal(pebble.count(ORDER) - before, 1);
    pebble.resolve("lost.example");
    harness.want(onDemand, "lost.example");
    await harness.certificate();
  });

  test("are renewed while the URL allows them", async () => {
    pebble.resolve("keeps.example", "leaves.example");
    const onDemand = demand();
    await using harness = new Harness(pebble);
    harness.settings(settings(onDemand));
    for (const name of ["keeps.example", "leaves.example"]) harness.want(onDemand, name);
    await harness.certificate(2);
    await harness.settled();
    answer = (name): number => (name === "leaves.example" ? 410 : 200);
    await harness.pass(5.1 * DAY_MS);
    await harness.noticed(/does not allow leaves\.example any more/);
    const renewed = harness.served.slice(2).flatMap(({ names }) => names);
    assert.ok(renewed.length > 0 && renewed.every((name) => name === "keeps.example"));
  });

  test("are taken from the state directory when the first handshake comes", async () => {
    pebble.resolve("kept.example");
    const onDemand = demand();
    const all = settings(onDemand);
    {
      await using harness = new Harness(pebble);
      harness.settings(all);
      harness.want(onDemand, "kept.example");
      await harness.certificate();
      await harness.settled();
    }
    await using harness = new Harness(pebble);
    harness.settings(all);
    assert.deepEqual(harness.served, []);
    harness.want(onDemand, "kept.example");
    assert.equal((await harness.certificate()).whence, "state");
  });
});
