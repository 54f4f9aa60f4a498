// What signals do under nginx's name: docs/signals.md.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { venvPython } from "../../tools/venv.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps } from "./command.ts";

const file = `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr debug; events { }
  app life { module life:app; chdir ${lifeApps}; python ${venvPython}; }
  http { server { listen 127.0.0.1:%PORT%; app_pass life; } }`;

const start = (): Promise<Program> => Program.start({ file, words: ["nginx"] });

test("whoever finds the pid file can connect, and it goes at the end", async () => {
  await using one = await start();
  const path = join(one.folder, "tricorn.pid");
  assert.equal(readFileSync(path, "utf8"), `${one.pid}\n`);
  using connection = await one.connect();
  assert.equal((await connection.get("/")).status, 200);
  one.signal("SIGQUIT");
  await eventually("it ends", 8000, () => one.exitStatus !== undefined);
  assert.deepEqual([one.exitStatus, existsSync(path)], [0, false]);
});

test("QUIT lets running requests finish, TERM and INT do not", async () => {
  for (const [signal, isFinished] of [["SIGQUIT", true], ["SIGTERM", false], ["SIGINT", false]] as const) {
    await using one = await start();
    using slow = await one.connect();
    const answer = slow.get("/sleep?s=1.5").then(({ complete }) => complete, () => false);
    await sleep(200);
    one.signal(signal);
    await eventually("it ends", 8000, () => one.exitStatus !== undefined);
    assert.deepEqual([one.exitStatus, await answer], [0, isFinished], signal);
  }
});

test("USR2 and WINCH change nothing, and the log says so", async () => {
  await using one = await start();
  one.signal("SIGUSR2");
  await eventually("of USR2", 3000, () => one.output.includes("SIGUSR2 upgrades nothing yet"));
  one.signal("SIGWINCH");
  await eventually("of WINCH", 3000, () => one.output.includes("SIGWINCH is ignored"));
  using connection = await one.connect();
  assert.equal((await connection.get("/")).status, 200);
});
