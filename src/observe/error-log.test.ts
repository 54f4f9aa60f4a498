import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ErrorLog, wantsColors } from "./error-log.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

/** The lines without their times. */
function lines(path: string): readonly string[] {
  return readFileSync(path, "latin1")
    .split("\n")
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, ""));
}

test("a line is time, level, who and what; less important ones are left out", async () => {
  const path = join(directory, "a.log");
  const log = new ErrorLog({ logs: [{ path, level: "warning" }], useColors: false });
  log.log("info", "master", "not this");
  log.log("warning", "master", "this");
  log.log("error", "worker-1", "first\nsecond\n");
  log.output("worker-1", Buffer.from("printed \xc3\xa4 \x1b[1mbold\x1b[0m\t\0\x07", "latin1"));
  await log.close();
  assert.deepEqual(lines(path), [
    "warning  master    this",
    "error    worker-1  first",
    "    second",
    "output   worker-1  printed \xc3\xa4 \x1b[1mbold\x1b[0m\t\\x00\\x07",
    "",
  ]);
});

test("after a rotation the lines go to the new file", async () => {
  const path = join(directory, "b.log");
  const log = new ErrorLog({ logs: [{ path, level: "info" }], useColors: false });
  log.log("info", "master", "before");
  await new Promise((resolve) => setTimeout(resolve, 50));
  renameSync(path, `${path}.1`);
  log.reopen();
  log.log("info", "master", "after");
  await log.close();
  assert.deepEqual(lines(`${path}.1`), ["info     master    before", ""]);
  assert.deepEqual(lines(path), ["info     master    after", ""]);
});

test("a full disk loses lines and nothing else", async (context) => {
  if (!existsSync("/dev/full")) return context.skip("no /dev/full here");
  const log = new ErrorLog({ logs: [{ path: "/dev/full", level: "info" }], useColors: false });
  log.log("info", "master", "lost");
  await log.close();
  assert.equal(log.droppedCount, 1);
});

test("more than 4 MiB do not wait in memory", async () => {
  const log = new ErrorLog({ logs: [{ path: join(directory, "c.log"), level: "info" }], useColors: false });
  const line = Buffer.alloc(65_536, "x");
  for (let count = 0; count < 100; count++) log.output("worker-1", line);
  assert.ok(log.droppedCount > 30, String(log.droppedCount));
  await log.close();
  assert.match(lines(join(directory, "c.log")).at(-2) ?? "", /^warning {2}log {7}\d+ lines were lost$/);
});

test("colours are for terminals that did not refuse, unless the operator decides", () => {
  assert.equal(wantsColors(undefined, true, {}), true);
  assert.equal(wantsColors(undefined, false, {}), false);
  assert.equal(wantsColors(undefined, true, { NO_COLOR: "1" }), false);
  assert.equal(wantsColors(undefined, true, { TERM: "dumb" }), false);
  assert.equal(wantsColors(true, false, { NO_COLOR: "1" }), true);
  assert.equal(wantsColors(false, true, {}), false);
});
