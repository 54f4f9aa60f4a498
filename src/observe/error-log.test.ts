import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../tests/support/wait.ts";
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

test("each of several logs has its own level; what applications print goes to the first", async () => {
  const [all, errors] = [join(directory, "all.log"), join(directory, "errors.log")];
  const logs = [{ path: errors, level: "error" }, { path: all, level: "info" }] as const;
  const log = new ErrorLog({ logs, useColors: true });
  assert.equal(log.includes("info"), true);
  assert.equal(log.includes("debug"), false);
  log.log("info", "master", "for one");
  log.log("error", "master", "for both");
  log.output("worker-1", Buffer.from("printed"));
  log.print("banner\n");
  await log.close();
  assert.deepEqual(lines(all), ["info     master    for one", "error    master    for both", ""]);
  assert.deepEqual(lines(errors), ["error    master    for both", "output   worker-1  printed", "banner", ""]);
});

test("a location has logs of its own; a file is opened once, and one that cannot be is said once", async () => {
  const [own, other] = [join(directory, "own.log"), join(directory, "other.log")];
  const log = new ErrorLog({ logs: [{ path: own, level: "error" }], useColors: false });
  const location = [{ path: own, level: "debug" }, { path: other, level: "warning" }] as const;
  log.logTo(location, "debug", "edge", "a");
  log.logTo(location, "warning", "edge", "b");
  for (const message of ["c", "d"]) {
    log.logTo([{ path: join(directory, "nowhere", "e.log"), level: "error" }], "error", "edge", message);
  }
  await log.close();
  const [first, second, problem = "", ...rest] = lines(own);
  assert.deepEqual([first, second, rest], ["debug    edge      a", "warning  edge      b", [""]]);
  assert.match(problem, /^error {4}log {7}cannot open .*\/nowhere\/e\.log: .*ENOENT/);
  assert.deepEqual(lines(other), ["warning  edge      b", ""]);
  assert.equal(log.droppedCount, 2);
});

test("a file that cannot be opened is an error, and leaves none open", () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = open();
  const paths = [join(directory, "first.log"), join(directory, "nowhere", "a.log")];
  const logs = paths.map((path) => ({ path, level: "info" }) as const);
  assert.throws(() => new ErrorLog({ logs, useColors: false }), { code: "ENOENT" });
  assert.equal(open(), before);
});

test("a syslog server is told the line, with the severity of its level", async () => {
  const server = createSocket("udp4");
  const messages: string[] = [];
  server.on("message", (bytes) => messages.push(bytes.toString()));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const path = `syslog:server=127.0.0.1:${server.address().port},tag=shop,nohostname`;
  const log = new ErrorLog({ logs: [{ path, level: "debug" }], useColors: true });
  const levels = ["critical", "error", "warning", "info", "debug", "trace"] as const;
  for (const level of levels) log.log(level, "edge", "text \u00e9");
  log.output("worker-1", Buffer.from("printed"));
  log.print("banner\n");
  await log.close();
  await eventually("all came", 5000, () => messages.length === 6);
  server.close();
  const said = messages.map((message) => message.replace(/^(<\d+>)\w{3} [ \d]\d [\d:]{8} shop: \S+Z /, "$1"));
  assert.deepEqual(said, [
    "<186>critical edge      text \u00e9", "<187>error    edge      text \u00e9", "<188>warning  edge      text \u00e9",
    "<190>info     edge      text \u00e9", "<191>debug    edge      text \u00e9", "<190>output   worker-1  printed",
  ]);
});

test("colours are for terminals that did not refuse, unless the operator decides", () => {
  assert.equal(wantsColors(undefined, true, {}), true);
  assert.equal(wantsColors(undefined, false, {}), false);
  assert.equal(wantsColors(undefined, true, { NO_COLOR: "1" }), false);
  assert.equal(wantsColors(undefined, true, { TERM: "dumb" }), false);
  assert.equal(wantsColors(true, false, { NO_COLOR: "1" }), true);
  assert.equal(wantsColors(false, true, {}), false);
});
