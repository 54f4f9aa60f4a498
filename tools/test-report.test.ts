import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, run, test, type TestContext } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { TestReport } from "./test-report.ts";

/** Runs one test file of that text; @returns what was printed, and the verdict. */
async function runFile(t: TestContext, text: string): Promise<{ readonly printed: string; readonly passed: boolean }> {
  const { report, printed } = await reportOf(t, text);
  const passed = report.finish();
  return { printed: printed(), passed };
}

/** Runs one test file of that text; @returns the report before its end, and what has been printed. */
async function reportOf(
  t: TestContext, text: string,
): Promise<{ readonly report: TestReport; readonly printed: () => string; readonly file: string }> {
  const directory = mkdtempSync(join(tmpdir(), "tricorn-report-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "a.test.mjs");
  writeFileSync(file, `import test from "node:test";\n${text}\n`);
  let printed = "";
  const report = new TestReport(directory, (part) => {
    printed += part;
  });
  // The runner refuses to start inside a test; the variable is how it knows.
  const context = process.env["NODE_TEST_CONTEXT"];
  delete process.env["NODE_TEST_CONTEXT"];
  const stream = run({ files: [file], forceExit: true }) as AsyncIterable<TestEvent>;
  for await (const event of stream) report.add(event);
  if (context !== undefined) process.env["NODE_TEST_CONTEXT"] = context;
  return { report, printed: () => printed, file };
}

describe("the report of npm test", () => {
  test("tells a failure once, with its place, its cause and what the file printed", async (t) => {
    const { passed, printed } = await runFile(
      t,
      'test("parent", async (t) => {\nconsole.log("hello");\n' +
        'await t.test("child", () => { throw new Error("no") });\n});',
    );
    assert.equal(passed, false);
    assert.match(printed, /^FAIL a\.test\.mjs:4 parent > child$/m);
    assert.match(printed, /failure 1 of 1: parent > child\n {2}a\.test\.mjs:4\n {4}Error: no/);
    assert.match(printed, /its file printed:\n {4}hello/);
    assert.match(printed, /0 passed, 2 failed\n$/);
  });

  test("names what was left out and why", async (t) => {
    const { passed, printed } = await runFile(
      t,
      'for (const n of [1, 2]) test(`t${n}`, { skip: "needs wrk: get it" }, () => {});\ntest("runs", () => {});',
    );
    assert.equal(passed, true);
    assert.match(printed, /Left out:\n {2}2 tests: needs wrk: get it\n/);
    assert.match(printed, /# tests 3\n# pass 1\n# fail 0\n# skipped 2\n/);
  });

  test("fails for a file that cannot be loaded", async (t) => {
    const { passed, printed } = await runFile(t, 'throw new Error("at import");');
    assert.equal(passed, false);
    assert.match(printed, /Error: at import/);
    assert.match(printed, /0 passed, 1 failed\n$/);
  });

  test("tells what passed only alone, and does not fail for it", async (t) => {
    const { report, printed, file } = await reportOf(t, 'test("a", () => { throw new Error("by chance") });');
    assert.deepEqual(report.failedFiles, [file]);
    report.passedAlone(file);
    assert.deepEqual(report.failedFiles, []);
    assert.equal(report.finish(), true);
    assert.match(printed(), /^FAIL a\.test\.mjs .*\nUNSTEADY a\.test\.mjs passed alone\n/ms);
    assert.match(printed(), /failed beside other files and passed alone[^\n]*: a\n {2}a\.test\.mjs:2\n {4}Error: by/);
    assert.match(printed(), /1 passed, 0 failed\n$/);
  });

  test("fails when nothing ran", () => {
    assert.equal(new TestReport("/", () => undefined).finish(), false);
  });

  test("adds Python's unittests", () => {
    let printed = "";
    const report = new TestReport("/", (part) => {
      printed += part;
    });
    report.addUnittest("python/tests", 0, "Ran 12 tests in 0.1s\n\nOK (skipped=2)\n");
    report.addUnittest("python/more", 1, "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n");
    report.addUnittest("python/broken", 1, "ImportError: no\n");
    assert.equal(report.finish(), false);
    assert.match(printed, /^ok {3}python\/tests \(12 tests\)\nFAIL python\/more \(5 tests\)\nFAIL python\/broken/);
    assert.match(printed, /12 passed, 4 failed\n$/);
  });
});
