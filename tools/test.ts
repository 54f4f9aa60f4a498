// `npm test [-- part-of-a-path …]`: prepares what the tests need, then runs every *.test.ts and the worker's unittests.
// Arguments choose files: `npm test -- src/http wsgi` runs those whose path contains one of the words.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { TestReport } from "./test-report.ts";
import {
  applications, ensureEnvironment, ensureVenv, findPython, prepareExamples, prepareOrExit, root, venvPython,
} from "./venv.ts";

/** One test, however much it does, answers within a minute or is stuck. */
const testTimeoutMs = 60_000;
/** CI allows fifteen minutes for everything; the tests themselves stop before that, with a report. */
const runTimeoutMs = 14 * 60_000;
/** More would make tests with real clocks disturb each other; fewer would leave the second core idle. */
const concurrencyMax = 4;

const pythonConcurrency = 3;

/** So many failed files are run a second time; more are not chance. */
const secondRunsMax = 3;

const words = process.argv.slice(2);
const report = new TestReport(root, (text) => process.stdout.write(text));

const files = findTests();

await prepareOrExit(async () => {
  await ensureVenv();
  prepareExamples();
  if (files.some((path) => /^tests\/(?:applications|asgi|proxy|tls)\//.test(path))) await prepareApplications();
});

const signal = AbortSignal.timeout(runTimeoutMs);
if (files.length > 0) await runNodeTests(files);
if (files.length > 1) await runFailedAlone();
const modules = findPythonTests();
await runPythonTests(modules);
if (files.length + modules.length === 0) process.stderr.write(`no test file's path contains: ${words.join(", ")}\n`);
process.exitCode = report.finish() ? 0 : 1;

/** The slow ones, which start whole servers, come first, so that no core waits for them at the end. */
function findTests(): readonly string[] {
  const found = globSync(["tests/**/*.test.ts", "src/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts"], {
    cwd: root,
  });
  const chosen = words.length === 0 ? found : found.filter((path) => words.some((word) => path.includes(word)));
  return chosen.sort((a, b) => Number(b.startsWith("tests/")) - Number(a.startsWith("tests/")) || (a < b ? -1 : 1));
}

/** Without their packages these tests are left out, and each says so; all others run. In CI that is a failure. */
async function prepareApplications(): Promise<void> {
  try {
    await ensureEnvironment(applications);
  } catch (error) {
    if (process.env["CI"] === "true" && findPython(applications) !== undefined) throw error;
    process.stderr.write(`tricorn: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

async function runNodeTests(chosen: readonly string[]): Promise<void> {
  // Every file is a process of its own; what it compiles is kept for the others and for the next run.
  process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules/.cache/tricorn");
  await runFiles(chosen.map((path) => join(root, path)), Math.min(availableParallelism(), concurrencyMax), report);
}

/**
 * A test with real processes and clocks can lose a race on a busy machine. A file that failed beside others runs once
 * more with the machine to itself; what passes then is told at the end and does not fail the run.
 */
async function runFailedAlone(): Promise<void> {
  const failed = report.failedFiles;
  if (failed.length > secondRunsMax) return;
  for (const file of failed) {
    if (signal.aborted) return;
    const second = new TestReport(root, () => undefined);
    await runFiles([file], 1, second);
    if (second.failedFiles.length === 0 && !signal.aborted) report.passedAlone(file);
  }
}

async function runFiles(paths: readonly string[], concurrency: number, into: TestReport): Promise<void> {
  const stream = run({
    cwd: root, files: [...paths], concurrency, timeout: testTimeoutMs, signal,
  }) as AsyncIterable<TestEvent>;
  for await (const event of stream) into.add(event);
}

function findPythonTests(): readonly string[] {
  const found = globSync("python/tests/test_*.py", { cwd: root }).sort();
  return words.length === 0 ? found : found.filter((path) => words.some((word) => path.includes(word)));
}

/** Most of them wait for clocks: they need more of these than of processors. */
async function runPythonTests(paths: readonly string[]): Promise<void> {
  const left = [...paths];
  await Promise.all(Array.from({ length: pythonConcurrency }, async () => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) await runPythonTest(path);
  }));
}

async function runPythonTest(path: string): Promise<void> {
  const child = spawn(venvPython, ["-m", "unittest", "--buffer", `tests.${basename(path, ".py")}`], {
    cwd: join(root, "python"),
    stdio: ["ignore", "ignore", "pipe"],
    timeout: runTimeoutMs,
    env: { ...process.env, PYTHONPATH: join(root, "python"), PYTHONDONTWRITEBYTECODE: "1" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [status] = (await once(child, "close")) as [number | null];
  report.addUnittest(path, status, said);
}
