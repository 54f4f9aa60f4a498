import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { requireEnvironment } from "./needs.ts";
import { applications, ensureEnvironment, type Environment, isCurrent, pythonOf, root, venvPython } from "./venv.ts";

/** An environment without packages, in a throw-away folder. */
function emptyEnvironment(t: TestContext): Environment {
  const parent = mkdtempSync(join(tmpdir(), "tricorn-venv-"));
  t.after(() => rmSync(parent, { recursive: true }));
  const requirements = join(parent, "requirements.txt");
  writeFileSync(requirements, "# nothing\n");
  return { folder: join(parent, "environment"), requirements, holds: "nothing", oldestPython: 9 };
}

/** Names and versions as one line each, the names as PEP 503 writes them. */
function normal(line: string): string {
  const [name = "", version = ""] = line.split("==");
  return `${name.toLowerCase().replaceAll(/[-_.]+/g, "-")}==${version}`;
}

describe("an environment", () => {
  test("is made once, by one of those who need it, and is current until its list changes", async (t) => {
    const environment = emptyEnvironment(t);
    assert.equal(isCurrent(environment), false);
    await Promise.all([ensureEnvironment(environment), ensureEnvironment(environment)]);
    assert.equal(isCurrent(environment), true);
    assert.equal(spawnSync(pythonOf(environment), ["-c", "print(1)"], { encoding: "utf8" }).stdout, "1\n");

    const mark = join(environment.folder, "mark");
    writeFileSync(mark, "");
    await ensureEnvironment(environment);
    assert.equal(existsSync(mark), true, "it was left alone");

    writeFileSync(environment.requirements, "# nothing else\n");
    assert.equal(isCurrent(environment), false, "its list has changed");
  });

  test("is refused with the reason when Python is too old for it", async (t) => {
    const tooOld = { ...emptyEnvironment(t), oldestPython: 99 };
    await assert.rejects(ensureEnvironment(tooOld), /needs Python 3\.99 or newer \(python3? is 3\.\d+\.\d+/);
  });

  for (const [name, python, requirements] of [
    [".venv", venvPython, join(root, "tools/requirements.txt")],
    [".cache/applications", pythonOf(applications), applications.requirements],
  ] as const) {
    const skip = python === venvPython ? false : requireEnvironment(applications);
    test(`${name} holds exactly what is pinned`, { skip }, () => {
      const script = "import importlib.metadata as m; [print(d.name, d.version, sep='==') for d in m.distributions()]";
      const installed = spawnSync(python, ["-c", script], { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
      const lines = readFileSync(requirements, "utf8").split("\n").filter((line) => /^\w/.test(line));
      const pinned = new Set(lines.map((line) => normal(line.replace(/;.*/, ""))));
      assert.ok(installed.length > 20, installed.join(" "));
      const ours = installed.filter((line) => !/^(?:pip|setuptools)==/.test(line));
      assert.deepEqual(ours.filter((line) => !pinned.has(normal(line))), []);
    });
  }
});
