// What the operator's signals do: docs/signals.md, line by line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { descendants, isAlive } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps } from "./command.ts";
import { Load, noFailures } from "./load.ts";

const program = (options: readonly string[], app: string = "life:app"): Promise<Program> =>
  Program.start({ app, cwd: lifeApps, options });

/** Waits for the end, and that nothing is left of it. */
async function ended(one: Program, pids: readonly number[], timeoutMs: number = 8000): Promise<void> {
  await eventually("the program ends", timeoutMs, () => one.exitStatus !== undefined);
  await eventually("no process is left", 3000, () => !pids.some(isAlive));
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} lets running requests finish, takes no new ones and exits 0`, async () => {
    await using one = await program(["--workers", "2"]);
    const { pids } = one;
    using slow = await one.connect();
    const answer = slow.get("/sleep?s=1");
    await sleep(200);
    one.signal(signal);
    await sleep(200);
    await assert.rejects(one.connect(), /ECONNREFUSED/);
    assert.equal((await answer).status, 200);
    await ended(one, pids);
    assert.equal(one.exitStatus, 0);
  });
}

test("a request that outlives --graceful-timeout is cut off in time", async () => {
  await using one = await program(["--graceful-timeout", "1s"]);
  const { pids } = one;
  using slow = await one.connect();
  const answer = slow.get("/sleep?s=30").catch(() => undefined);
  await sleep(200);
  const since = performance.now();
  one.signal("SIGTERM");
  await ended(one, pids);
  await answer;
  assert.ok(performance.now() - since < 3000);
  assert.equal(one.exitStatus, 0);
  assert.match(one.output, /cuts off requests that still run: --graceful-timeout is 1 s/);
});

test("a second signal, or QUIT, ends everything at once", async () => {
  for (const signals of [["SIGTERM", "SIGTERM"], ["SIGINT", "SIGINT"], ["SIGQUIT"]] as const) {
    await using one = await program([]);
    const { pids } = one;
    using slow = await one.connect();
    const answer = slow.get("/sleep?s=30").catch(() => undefined);
    await sleep(200);
    const since = performance.now();
    for (const signal of signals) {
      one.signal(signal);
      await sleep(100);
    }
    await ended(one, pids);
    await answer;
    assert.ok(performance.now() - since < 2500, signals.join());
    assert.equal(one.exitStatus, 0);
  }
});

for (const [kind, app, options] of [
  ["WSGI workers", "life:app", []],
  ["WSGI workers behind two edge threads", "life:app", ["--worker-processes", "2", "--threads", "2"]],
  ["ASGI workers", "lifespan:app", []],
] as const) {
  test(`HUP replaces all ${kind} under load, and not one request is lost`, async () => {
    await using one = await program(["--workers", "2", ...options], app);
    await using kept = new Load(one, { clients: 6 });
    await using fresh = new Load(one, { clients: 2, reconnect: true });
    await eventually("both serve", 5000, () => kept.okCount > 50 && fresh.okCount > 10);
    for (let round = 0; round < 2; round++) {
      const old = one.workerPids;
      one.signal("SIGHUP");
      await eventually("all workers are others", 10_000, () => {
        const now = one.workerPids;
        return now.length === 2 && !now.some((pid) => old.includes(pid));
      });
    }
    const answered = kept.okCount;
    await eventually("it goes on", 5000, () => kept.okCount > answered + 50);
    await Promise.all([kept.stop(), fresh.stop()]);
    assert.equal(kept.failures, noFailures);
    assert.equal(fresh.failures, noFailures);
  });
}

/** Forked workers have the command line of their preloader; their names tell them apart. */
function forkedWorkers(one: Program): readonly number[] {
  const all = descendants(one.pid).map(({ pid }) => pid);
  return all.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "latin1").startsWith("worker-");
    } catch {
      // It has ended since it was listed.
      return false;
    }
  });
}

test("a HUP whose new workers cannot start keeps the old ones and says why", async () => {
  for (const options of [[], ["--preload"]]) {
    await using one = await program(["--workers", "2", "--log-level", "debug", ...options], "fragile:app");
    await eventually("both are ready", 5000, () => one.output.match(/ready after/g)?.length === 2);
    const before = forkedWorkers(one);
    assert.equal(before.length, 2);
    await writeFile(join(one.folder, "broken"), "");
    one.signal("SIGHUP");
    await eventually("it says so", 8000, () =>
      /the reload has failed: 2 workers of before keep running/.test(one.output),
    );
    assert.match(one.output, /the new code is broken/);
    // What has not started is on its way out by then; those of before stay.
    await eventually("only they are left", 5000, () => forkedWorkers(one).length === before.length);
    await sleep(300);
    assert.deepEqual(forkedWorkers(one), before);
    await rm(join(one.folder, "broken"));
    one.signal("SIGHUP");
    await eventually("the next one succeeds", 8000, () => {
      const now = forkedWorkers(one);
      return now.length === 2 && !now.some((pid) => before.includes(pid));
    });
    using connection = await one.connect();
    assert.equal((await connection.get("/")).status, 200);
  }
});

test("a request that runs while its worker is replaced is finished by that worker", async () => {
  await using one = await program([]);
  using slow = await one.connect();
  const [old] = one.workerPids;
  const answer = slow.get("/sleep?s=1.5");
  await sleep(200);
  one.signal("SIGHUP");
  await eventually("there is another worker", 5000, () => one.workerPids.some((pid) => pid !== old));
  const { status, text } = await answer;
  assert.deepEqual([status, text], [200, String(old)]);
  await eventually("the old one goes", 5000, () => !one.workerPids.includes(old ?? 0));
});

test("TTIN adds a worker, TTOU takes one away, but never the last", async () => {
  await using one = await program([]);
  one.signal("SIGTTIN");
  await eventually("two workers", 5000, () => one.workerPids.length === 2);
  one.signal("SIGTTOU");
  await eventually("one worker", 5000, () => one.workerPids.length === 1);
  one.signal("SIGTTOU");
  await sleep(300);
  assert.equal(one.workerPids.length, 1);
  using connection = await one.connect();
  assert.equal((await connection.get("/")).status, 200);
});

test("USR2 and WINCH end nothing: the log says that USR2 means nothing yet", async () => {
  await using one = await program([]);
  one.signal("SIGUSR2");
  one.signal("SIGWINCH");
  await eventually("the log speaks of it", 3000, () => one.output.includes("SIGUSR2 upgrades nothing yet"));
  using connection = await one.connect();
  assert.equal((await connection.get("/")).status, 200);
});

test("USR1 reopens the logs after a rotation", async () => {
  await using one = await program([]);
  // Started a second time with a log in its folder: the banner of this one goes to the file.
  const path = join(one.folder, "error.log");
  await using two = await Program.start({
    app: "life:app",
    cwd: lifeApps,
    options: ["--access-log"],
    env: { TRICORN_ACCESS_LOGFILE: path },
  });
  const get = async (): Promise<void> => {
    using connection = await two.connect();
    await connection.get("/");
  };
  await get();
  await eventually("the access log is written", 3000, async () => (await stat(path)).size > 0);
  await rename(path, `${path}.1`);
  two.signal("SIGUSR1");
  await eventually("there is a new file", 3000, () =>
    stat(path).then(
      () => true,
      () => false,
    ),
  );
  await get();
  await eventually("it is written to", 3000, async () => (await readFile(path, "utf8")).includes("GET / HTTP/1.1"));
});

test("lifespan runs once for each worker, its end included", async () => {
  await using one = await program(["--workers", "2"], "lifespan:app");
  const notes = async (): Promise<readonly string[]> => {
    const text = await readFile(join(one.folder, "lifespan"), "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
      .sort();
  };
  await eventually("both have begun", 5000, async () => (await notes()).length === 2);
  assert.deepEqual(await notes(), ["startup", "startup"]);
  one.signal("SIGHUP");
  await eventually("old ones end, new ones begin", 8000, async () => (await notes()).length === 6);
  assert.deepEqual(await notes(), ["shutdown", "shutdown", "startup", "startup", "startup", "startup"]);
  const { pids } = one;
  one.signal("SIGTERM");
  await ended(one, pids);
  assert.equal((await notes()).filter((note) => note === "shutdown").length, 4);
});
