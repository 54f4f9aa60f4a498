import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DaemonPipe, startDaemon } from "./daemon.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-daemon-"));
after(() => rmSync(directory, { recursive: true }));

/** A program that is a daemon and does what `body` says with its `pipe`. */
function program(name: string, body: string): readonly [string, ...string[]] {
  const path = join(directory, `${name}.ts`);
  const module = join(import.meta.dirname, "daemon.ts");
  writeFileSync(path, `import { DaemonPipe } from ${JSON.stringify(module)};
const pipe = DaemonPipe.take(process.env);
${body}`);
  return [process.execPath, "--disable-warning=ExperimentalWarning", path];
}

interface Outcome {
  readonly status: number;
  readonly said: string;
}

async function run(command: readonly [string, ...string[]], kept: readonly number[] = []): Promise<Outcome> {
  let said = "";
  const errorLog = join(directory, "error.log");
  const status = await startDaemon({ command, errorLog, kept, say: (text) => (said += text) });
  return { status, said };
}

test("what was typed ends when the daemon serves, and the daemon goes on in a session of its own", async () => {
  const command = program("serves", `
import { readFileSync, writeFileSync } from "node:fs";
pipe.say("warning\\n");
const session = readFileSync("/proc/self/stat", "latin1").replace(/.*\\) /, "").split(" ")[3];
pipe.serves();
pipe.say("for the log\\n");
const facts = [process.pid === Number(session), process.env["TRICORN_DAEMON_PIPE"] === undefined];
setTimeout(() => writeFileSync(${JSON.stringify(join(directory, "facts"))}, JSON.stringify(facts)), 50);
`);
  assert.deepEqual(await run(command), { status: 0, said: "warning\n" });
  const facts = await eventually(() => JSON.parse(readFileSync(join(directory, "facts"), "utf8")));
  assert.deepEqual(facts, [true, true]);
  assert.equal(readFileSync(join(directory, "error.log"), "utf8"), "for the log\n");
});

test("it has the exit status of a daemon that fails before it serves", async () => {
  const command = program("fails", 'pipe.say("nginx: [emerg] bind() failed\\n"); process.exitCode = 1;');
  assert.deepEqual(await run(command), { status: 1, said: "nginx: [emerg] bind() failed\n" });
});

test("descriptors that were inherited for listening keep their numbers", async () => {
  const path = join(directory, "kept");
  const fd = openSync(path, "w");
  const outcome = await run(program("kept", `
import { writeSync } from "node:fs";
writeSync(${fd}, "here");
pipe.serves();`), [fd]);
  closeSync(fd);
  assert.equal(outcome.status, 0);
  assert.equal(readFileSync(path, "utf8"), "here");
});

test("a process that nobody made a daemon is none", () => {
  assert.equal(DaemonPipe.take({}), undefined);
  assert.equal(DaemonPipe.take({ TRICORN_DAEMON_PIPE: "x" }), undefined);
});

/** What `read` gives once it does not throw; the test's own time limit ends it. */
async function eventually(read: () => unknown): Promise<unknown> {
  for (;;) {
    try {
      return read();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
