// Upstreams that are killed and come back while others ask: who may be asked again is, and nothing is done twice.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { readAccessLog, startProxy } from "./support/proxies.ts";
import { UpstreamProcess } from "./support/upstream-process.ts";

const clients = 16;
const waitMs = 10_000;

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly isWhole: boolean;
}

/** Asks with all methods in turn, each target once, until it is told to stop. */
class MixedLoad {
  readonly #port: number;
  readonly #clients: readonly Promise<void>[];
  #running = true;
  #next = 0;
  readonly asked: Asked[] = [];

  constructor(port: number) {
    this.#port = port;
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #client(): Promise<void> {
    using connection = await Connection.open({ port: this.#port });
    while (this.#running) {
      const number = this.#next++;
      const method = ["GET", "POST", "GET", "PUT"][number % 4] ?? "GET";
      const target = `/${number}`;
      const response = await connection.ask({ method, target, ...(method === "GET" ? {} : { body: "a body" }) });
      const isWhole = response.complete && response.body.length > 0;
      this.asked.push({ method, target, status: response.status, isWhole });
    }
  }
}

async function counted(program: Program, count: number): Promise<ReturnType<typeof readAccessLog>> {
  await eventually("all is in the log", waitMs, () => readAccessLog(program).length >= count);
  return readAccessLog(program);
}

describe("three upstreams, of which one after the other is killed and comes back under load", () => {
  for (const [what, more] of [["kept connections", ""], ["a connection for each request", "keepalive 0;"]] as const) {
    test(`lose no request that may be sent again, and do none twice, with ${what}`, async (context) => {
      const folder = await mkdtemp(join(tmpdir(), "tricorn-faults-"));
      const settings = (name: string): object => ({ journal: join(folder, name), delayMs: 4 });
      await using one = await UpstreamProcess.start(settings("one"));
      await using two = await UpstreamProcess.start(settings("two"));
      await using three = await UpstreamProcess.start(settings("three"));
      const all = [one, two, three];
      await using proxy = await startProxy({
        http: `upstream backend { ${all.map(({ name }) => `server ${name} fail_timeout=1s;`).join(" ")} ${more} }`,
        server: "access_log %FOLDER%/access.log passed; location / { proxy_pass http://backend; }",
      });
      const load = new MixedLoad(proxy.port);
      try {
        for (const upstream of [two, three, one]) {
          const before = load.asked.length;
          await eventually("it is asked", waitMs, async () => (await upstream.total()).whole > 20);
          await upstream.kill();
          await eventually("the others are asked", waitMs, () => load.asked.length > before + 200);
          await sleep(200);
          await upstream.restart();
          await eventually("it is asked again", waitMs, async () => (await upstream.total()).whole > 20);
        }
      } finally {
        await load.stop();
      }
      const { asked } = load;
      const refused = asked.filter(({ status }) => status !== 200);
      // Only what is not idempotent and was under way is answered so.
      assert.deepEqual(refused.filter(({ method, status }) => method !== "POST" || status !== 502), []);
      assert.deepEqual(asked.filter(({ status, isWhole }) => status === 200 && !isWhole), []);

      const log = await counted(proxy, asked.length);
      assert.equal(log.length, asked.length);
      const byTarget = new Map(log.map((passed) => [passed.target, passed]));
      const done = new Map<string, string[]>();
      for (const upstream of all) {
        for (const line of upstream.journal) done.set(line, [...(done.get(line) ?? []), upstream.name]);
      }
      for (const { method, target, status } of asked) {
        const passed = byTarget.get(target);
        const where = done.get(`${method} ${target}`) ?? [];
        const tries = passed?.tries ?? [];
        const story = `${method} ${target} → ${status}: tries ${JSON.stringify(tries)}, done by ${where.join()}`;
        assert.deepEqual([passed?.status, passed?.method, tries.at(-1)?.status], [status, method, status], story);
        assert.ok(tries.slice(0, -1).every((each) => each.status === 502), story);
        // Who has answered has done it, and nobody has who was not asked.
        if (status === 200) assert.ok(where.includes(tries.at(-1)?.address ?? ""), story);
        assert.ok(where.every((name) => tries.some(({ address }) => address === name)), story);
        assert.ok(where.length <= (method === "POST" ? 1 : tries.length), story);
      }
      const again = log.filter(({ tries }) => tries.length > 1);
      assert.ok(again.length > 0, "somebody was asked who was gone");
      const twice = [...done].filter(([, where]) => where.length > 1);
      context.diagnostic(`${asked.length} requests, ${again.length} asked elsewhere, ${twice.length} done twice, ` +
        `${refused.length} POSTs answered 502`);
      await rm(folder, { recursive: true });
    });
  }
});
