// What happens when processes die, hang, or cannot be started any more.
import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps } from "./command.ts";
import { Load, noFailures } from "./load.ts";

const program = (options: readonly string[], app: string = "life:app"): Promise<Program> =>
  Program.start({ app, cwd: lifeApps, options });

test("killing the edge under load refuses no connection, and the next one serves", async () => {
  for (const threads of ["1", "2"]) {
    await using one = await program(["--workers", "2", "--worker-processes", threads]);
    await using load = new Load(one, { clients: 4, reconnect: true });
    for (let round = 0; round < 2; round++) {
      const answered = load.okCount;
      await eventually("it serves", 5000, () => load.okCount > answered + 20);
      const edge = one.edgePid;
      process.kill(edge, "SIGKILL");
      await eventually("there is another edge", 5000, () => ![0, edge].includes(one.edgePid));
    }
    const answered = load.okCount;
    await eventually("it serves again", 5000, () => load.okCount > answered + 20);
    await load.stop();
    assert.equal(load.refusedCount, 0);
    // What the dead edges held is lost: at most a connection of each client, each time.
    assert.ok(load.brokenCount <= 8, load.failures);
    assert.match(one.output, /edge +was killed by SIGKILL and is started again/);
  }
});

test("killing a worker under load loses only what it was running", async () => {
  await using one = await program(["--workers", "2"]);
  await using load = new Load(one, { clients: 6, target: "/sleep?s=0.01" });
  await eventually("it serves", 5000, () => load.okCount > 20);
  const [victim = 0] = one.workerPids;
  process.kill(victim, "SIGKILL");
  await eventually("there are two again", 5000, () => one.workerPids.length === 2 && !one.workerPids.includes(victim));
  const answered = load.okCount;
  await eventually("it serves again", 5000, () => load.okCount > answered + 50);
  await load.stop();
  assert.deepEqual([load.refusedCount, load.brokenCount], [0, 0]);
  const lost = [...load.statuses].filter(([status]) => status !== 200);
  assert.ok(lost.length === 0 || (lost.length === 1 && (load.statuses.get(502) ?? 0) === 1), load.failures);
  assert.match(one.output, /error +worker-\d +was killed by SIGKILL; it had answered \d+ requests and/);
});

test("a worker that ends itself while it answers gives 502, with what it was doing in the log", async () => {
  await using one = await program([]);
  using first = await one.connect();
  assert.equal((await first.get("/exit?code=0")).status, 502);
  using second = await one.connect();
  assert.equal((await second.get("/")).status, 200);
  assert.match(one.output, /error +worker-1 +exited with status 0; it had answered 0 requests and was running one for/);
});

test("a worker that crashes leaves its stacks in the log", async () => {
  await using one = await program([]);
  using connection = await one.connect();
  assert.equal((await connection.get("/abort")).status, 502);
  await eventually("the stacks", 3000, () => /worker-1 .*life\.py", line \d+ in app/.test(one.output));
  assert.match(one.output, /worker-1 +Fatal Python error: Segmentation fault/);
});

test("a request past --timeout gets 504, its worker's stacks go to the log, and a successor serves", async () => {
  await using one = await program(["--timeout", "1s"]);
  using hung = await one.connect();
  const since = performance.now();
  const { status } = await hung.get("/spin");
  assert.equal(status, 504);
  const took = performance.now() - since;
  assert.ok(took > 900 && took < 3000, `${took} ms`);
  using other = await one.connect();
  assert.equal((await other.get("/")).status, 200);
  await eventually("the stacks", 3000, () => /worker-1 .*life\.py", line \d+ in spin/.test(one.output));
  assert.match(one.output, /error +worker-1 +a request has been running for 1(\.\d)? s, --timeout is 1 s/);
});

test("a request shorter than --timeout is left alone, and so is an idle worker", async () => {
  await using one = await program(["--timeout", "1s"]);
  using connection = await one.connect();
  assert.equal((await connection.get("/sleep?s=0.6")).status, 200);
  await sleep(1500);
  const before = one.workerPids;
  assert.equal((await connection.get("/")).status, 200);
  assert.deepEqual(one.workerPids, before);
});

test("--max-requests replaces workers under load, the successor first, and no request is lost", async () => {
  await using one = await program(["--workers", "2", "--max-requests", "50", "--max-requests-jitter", "20"]);
  await using load = new Load(one, { clients: 4 });
  await eventually("many workers have served", 20_000, () => load.bodies.size >= 6);
  await load.stop();
  assert.equal(load.failures, noFailures);
  await eventually("two are left", 5000, () => one.workerPids.length === 2);
  assert.match(one.output, /worker-1 +will be replaced: max-requests/);
});

test("an application that crashes at every request is not started in a tight loop", async () => {
  await using one = await program([]);
  const until = performance.now() + 4000;
  while (performance.now() < until) {
    using connection = await one.connect();
    await Promise.race([connection.get("/exit?code=9").catch(() => undefined), sleep(500)]);
  }
  const deaths = one.output.match(/exited with status 9/g)?.length ?? 0;
  assert.ok(deaths >= 2 && deaths <= 4, `${deaths} deaths in 4 s`);
});

test("workers that cannot start any more are tried again with pauses, and come back when they can", async () => {
  await using one = await program([], "fragile:app");
  await writeFile(join(one.folder, "broken"), "");
  process.kill(one.workerPids[0] ?? 0, "SIGKILL");
  await eventually(
    "two attempts",
    8000,
    () => (one.output.match(/the next attempt to start a worker is in/g)?.length ?? 0) >= 2,
  );
  assert.match(one.output, /is in 1 s[\s\S]*is in 2 s/);
  assert.equal(one.exitStatus, undefined);
  await rm(join(one.folder, "broken"));
  await eventually("a worker is back", 8000, async () => {
    using connection = await one.connect();
    const answer = connection.get("/").then(
      ({ status }) => status,
      () => 0,
    );
    return (await Promise.race([answer, sleep(300, 0)])) === 200;
  });
});

test("killing the master leaves nothing behind, and the next start clears its directory", async () => {
  for (const options of [["--workers", "2"], ["--preload"]]) {
    await using one = await program(options);
    const { pids } = one;
    process.kill(one.pid, "SIGKILL");
    await eventually("all processes end", 15_000, () => !pids.some(isAlive));
    const left = await readdir(one.folder);
    assert.ok(left.length <= 1, left.join());
    await using two = await Program.start({ app: "life:app", cwd: lifeApps, env: { TMPDIR: one.folder } });
    await eventually("one directory is left", 3000, async () => {
      const names = await readdir(one.folder);
      return names.filter((name) => name.startsWith("tricorn-")).length === 1;
    });
    assert.equal(two.exitStatus, undefined);
  }
});

test("a preloaded application is imported once and forked, and killed workers are forked again", async () => {
  await using one = await program(["--workers", "3", "--preload"]);
  assert.match(one.output, /workers +3 × 1 thread, preloaded/);
  // Forked workers keep the command line of the preloader that they come from.
  await using load = new Load(one, { clients: 6 });
  await eventually("three workers serve", 5000, () => load.bodies.size === 3);
  const [victim = "0"] = load.bodies;
  process.kill(Number(victim), "SIGKILL");
  await eventually("a fourth serves", 5000, () => load.bodies.size === 4);
  await load.stop();
  assert.deepEqual([load.refusedCount, load.brokenCount], [0, 0]);
  using connection = await one.connect();
  await connection.get("/print");
  await eventually("it is in the log", 3000, () => /output +worker-\d+ +printed to stdout/.test(one.output));
});
