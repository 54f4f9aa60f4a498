import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { signalMaster } from "./signal-master.ts";
import { StartLog } from "./start-log.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-signal-"));
after(() => rmSync(directory, { recursive: true }));
const pidPath = join(directory, "nginx.pid");

test("the process of the pid file gets the signal", async () => {
  writeFileSync(pidPath, `${process.pid}\n`);
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGUSR1", () => resolve());
  assert.equal(signalMaster(pidPath, "SIGUSR1"), undefined);
  await promise;
});

test("a pid file that is missing, empty, odd or old is told in nginx's words", () => {
  const missing = join(directory, "none");
  assert.deepEqual(signalMaster(missing, "SIGTERM"), {
    level: "error", message: `open() "${missing}" failed (2: No such file or directory)`,
  });
  for (const [text, shown] of [["\n", ""], ["abc\n", "abc"], ["0", "0"], ["-1", "-1"]] as const) {
    writeFileSync(pidPath, text);
    const message = `invalid PID number "${shown}" in "${pidPath}"`;
    assert.deepEqual(signalMaster(pidPath, "SIGTERM"), { level: "error", message });
  }
  // Beyond the largest process id that Linux gives.
  writeFileSync(pidPath, "4194305\n");
  assert.deepEqual(signalMaster(pidPath, "SIGQUIT"), {
    level: "alert", message: "kill(4194305, 3) failed (3: No such process)",
  });
});

test("the file of -e gets lines of a log, and one that cannot be had is told", () => {
  const path = join(directory, "error.log");
  const said: string[] = [];
  const log = new StartLog(path, (text) => said.push(text), () => new Date(2026, 0, 2, 3, 4, 5));
  log.write("emerg", 'unknown directive "htp" in n.conf:1');
  log.close();
  const line = `2026/01/02 03:04:05 [emerg] ${process.pid}#${process.pid}: unknown directive "htp" in n.conf:1\n`;
  assert.equal(readFileSync(path, "utf8"), line);
  const lost = new StartLog(join(directory, "none/x"), (text) => said.push(text));
  lost.write("emerg", "lost");
  lost.close();
  assert.deepEqual(said, [
    `nginx: [alert] could not open error log file: open() "${directory}/none/x" failed `
      + "(2: No such file or directory)\n",
  ]);
});
