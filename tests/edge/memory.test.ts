// What the program holds in memory: little at rest, little for each connection, nothing for what passes through.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Growth, download, upload } from "../support/bulk.ts";
import type { Connection } from "../support/connection.ts";
import { load } from "../support/load.ts";
import { proportionalSize, residentSize } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { held } from "../support/wait.ts";

const mega = 1e6;
const growthMax = 60 * mega;
/** The same with ten times as much: npm run prove. */
const bodySize = 100 * mega;

/** Some ordinary traffic, so that what is measured next is not the first use of anything. */
async function warmUp(program: Program): Promise<void> {
  let left = 3000;
  await load({ port: program.port, clients: 8, next: () => (left-- > 0 ? "/?n=1" : undefined) });
}

function assertFlat({ largest, after }: Growth): void {
  // V8 lets some garbage gather while much passes through; what counts is what stays.
  assert.ok(largest < growthMax * 1.5, `grew by ${largest / mega} MB meanwhile`);
  assert.ok(after < growthMax, `grew by ${after / mega} MB`);
}

for (const kind of ["wsgi", "asgi"] as const) {
  test(`100 MB to a ${kind.toUpperCase()} application and 100 MB from it leave memory where it was`, async () => {
    await using program = await Program.start({ app: `${kind}_app:app` });
    await warmUp(program);
    assertFlat(await upload(program, bodySize));
    assertFlat(await download(program, bodySize));
  });
}

test("master and edge with two threads hold less than 110 MB before load", async (context) => {
  // The very first start of a version compiles all of it, which takes memory once; the second reads what was kept.
  await (await Program.start({ app: "wsgi_app:app" })).stop();
  await using program = await Program.start({ app: "wsgi_app:app", options: ["--worker-processes", "2"] });
  await sleep(500);
  const pids = [program.pid, program.edgePid];
  const proportional = proportionalSize(pids);
  context.diagnostic(`Pss ${proportional / mega} MB, Rss ${residentSize(pids) / mega} MB`);
  assert.ok(proportional < 110 * mega, `${proportional / mega} MB`);
});

test("an idle connection costs less than 6 KB in the edge", async (context) => {
  const fileCountMax = Number(spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout) || 1024;
  const count = Math.min(5000, fileCountMax - 400);
  await using program = await Program.start({ app: "wsgi_app:app" });
  await warmUp(program);
  const pids = [program.edgePid];
  const connections: Connection[] = [];
  // What the edge grows by for other reasons is in one half or the other, and never negative.
  const halves: number[] = [];
  try {
    for (let half = 0; half < 2; half++) {
      const before = await held(() => residentSize(pids));
      for (let n = 0; n < count / 2; n++) {
        const connection = await program.connect();
        connections.push(connection);
        assert.equal((await connection.get("/?n=1")).status, 200);
      }
      halves.push(((await held(() => residentSize(pids))) - before) / (count / 2));
    }
    const each = Math.min(...halves);
    context.diagnostic(`${Math.round(each)} bytes for each of ${count} connections`);
    assert.ok(each < 6000, `${Math.round(each)} bytes for each of ${count} connections`);
  } finally {
    for (const connection of connections) connection.close();
  }
});
