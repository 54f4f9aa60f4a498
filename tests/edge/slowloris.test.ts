// A thousand clients that are as slow as can be cost memory for their connections and nobody any time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { drip } from "../support/drip.ts";
import { load, percentile } from "../support/load.ts";
import { residentSize } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { best } from "../support/wait.ts";

const mega = 1e6;
const measureMs = 1500;

/** The 99th percentile of eight busy clients, milliseconds. */
async function p99(port: number): Promise<number> {
  const endMs = performance.now() + measureMs;
  const next = (): string | undefined => (performance.now() < endMs ? "/?n=1" : undefined);
  const answers = await load({ port, clients: 8, next });
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  return percentile(answers.map(({ elapsedMs }) => elapsedMs), 0.99);
}

for (const kind of ["wsgi", "asgi"] as const) {
  test(`1,000 dripping connections leave other ${kind.toUpperCase()} clients alone`, async (context) => {
    await using program = await Program.start({ app: `${kind}_app:app`, options: ["--workers", "2"] });
    await p99(program.port);
    const quietMs = await p99(program.port);
    const before = residentSize(program.pids);
    const attack = await drip({ port: program.port, connections: 1000, pauseMs: 100 });
    try {
      await sleep(500);
      // A few milliseconds are what one turn of a busy machine costs.
      const bound = quietMs * 3 + 10;
      const attackedMs = await best(3, bound, () => p99(program.port));
      const growth = residentSize(program.pids) - before;
      context.diagnostic(`p99 ${quietMs.toFixed(1)} ms before, ${attackedMs.toFixed(1)} ms under attack; ` +
        `${(growth / mega).toFixed(1)} MB more`);
      assert.ok(attackedMs <= bound, `p99 rose from ${quietMs} to ${attackedMs} ms`);
      assert.ok(growth < 60 * mega, `grew by ${growth / mega} MB`);
    } finally {
      await attack.stop();
    }
  });
}
