import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../tests/support/wait.ts";
import { LogSink, PENDING_SIZE_MAX, standardOf } from "./log-sink.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

function sinkOf(path: string): LogSink {
  return new LogSink({
    path, standard: 1, mode: 0o600, onLost: () => undefined, onDropped: (count) => Buffer.from(`${count} dropped\n`),
  });
}

/** Lines of so many bytes, their end included. */
function lines(count: number, size: number): Buffer {
  return Buffer.from(`${"x".repeat(size - 1)}\n`.repeat(count));
}

test("4 MiB wait for a reader that does not read; it gets whole lines, and learns how many it missed", async () => {
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const sink = sinkOf(path);
  sink.open();
  // The first piece is under way, and counts.
  for (let n = 0; n < 20; n++) sink.write(lines(640, 512), 640);
  assert.ok(sink.pendingSize <= PENDING_SIZE_MAX && sink.pendingSize > PENDING_SIZE_MAX - 640 * 512);
  const dropped = sink.droppedCount;
  assert.ok(dropped >= 640 * 7, String(dropped));
  let taken = "";
  const buffer = Buffer.alloc(65_536);
  await eventually("all that waited is read", 10_000, () => {
    for (;;) {
      try {
        taken += buffer.toString("latin1", 0, readSync(fd, buffer));
      } catch {
        // There is nothing to read at this moment.
        return taken.includes("dropped\n");
      }
    }
  });
  const read = taken.split("\n").slice(0, -1);
  assert.deepEqual(new Set(read), new Set(["x".repeat(511), `${dropped} dropped`]));
  assert.equal(read.length, 640 * 20 - dropped + 1);
  await sink.close();
  closeSync(fd);
});

test("close() does not wait for ever", async () => {
  const path = join(directory, "pipe-2");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const sink = sinkOf(path);
  sink.open();
  sink.write(lines(1000, 1000), 1000);
  await sink.close();
  closeSync(fd);
});

test("a named pipe without a reader cannot be opened, and holds nobody", () => {
  const path = join(directory, "pipe-3");
  execFileSync("mkfifo", [path]);
  const sink = sinkOf(path);
  assert.throws(() => sink.open(), { code: "ENXIO" });
  assert.equal(sink.isOpen, false);
  assert.equal(sink.write(lines(2, 2), 2), false);
  assert.equal(sink.droppedCount, 2);
});

test("what is under way when the file is opened anew goes where it was going", async () => {
  const path = join(directory, "a");
  const sink = sinkOf(path);
  sink.open();
  sink.write(Buffer.from("1\n"), 1);
  sink.write(Buffer.from("2\n"), 1);
  renameSync(path, `${path}.1`);
  sink.open();
  sink.write(Buffer.from("3\n"), 1);
  await sink.close();
  assert.equal(readFileSync(`${path}.1`, "latin1") + readFileSync(path, "latin1"), "1\n2\n3\n");
  assert.ok(existsSync(path));
});

test("/dev/stdout and links to it are the process's own stream", async () => {
  const link = join(directory, "stdout.log");
  symlinkSync("/dev/stdout", link);
  assert.equal(standardOf(link), 1);
  assert.equal(standardOf("/dev/stderr"), 2);
  assert.equal(standardOf(directory), undefined);
  const script = `
    const { LogSink } = await import(${JSON.stringify(new URL("log-sink.ts", import.meta.url).href)});
    const common = { mode: 0o600, onLost() {}, onDropped: () => Buffer.from("") };
    for (const [path, standard] of [[${JSON.stringify(link)}, 2], ["/dev/stderr", 1], ["-", 1], ["-", 2]]) {
      const sink = new LogSink({ path, standard, ...common });
      sink.open();
      sink.write(Buffer.from(path === "-" ? "dash\\n" : "name\\n"), 1);
      await sink.close();
    }`;
  const child = spawn("sh", ["-c", '"$0" --input-type=module -e "$1" | cat', process.execPath, script]);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("latin1").on("data", (data: string) => (output[name] += data));
  }
  await once(child, "close");
  assert.deepEqual(output, { stdout: "name\ndash\n", stderr: "name\ndash\n" });
});
