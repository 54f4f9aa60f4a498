import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findInterpreter } from "./interpreter.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

function executable(...path: readonly string[]): string {
  const file = join(directory, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, 0o755);
  return file;
}

function find(python: string | undefined, environment: NodeJS.ProcessEnv = {}, chdir = "empty"): string {
  const result = findInterpreter({ python, chdir: join(directory, chdir), environment, word: "--python" });
  return result.ok ? `${result.value.path} (${result.value.origin})` : `${result.error.message}; ${result.error.hint}`;
}

test("the order is --python, VIRTUAL_ENV, .venv, venv, PATH", () => {
  const onPath = executable("bin", "python3");
  const active = executable("active", "bin", "python");
  const dotted = executable("both", ".venv", "bin", "python");
  const plain = executable("one", "venv", "bin", "python");
  const environment = { PATH: `/nowhere:${join(directory, "bin")}` };
  const withActive = { ...environment, VIRTUAL_ENV: join(directory, "active") };
  executable("both", "venv", "bin", "python");
  assert.equal(find(undefined, environment), `${onPath} (PATH)`);
  assert.equal(find(undefined, environment, "one"), `${plain} (venv)`);
  assert.equal(find(undefined, environment, "both"), `${dotted} (.venv)`);
  assert.equal(find(undefined, withActive, "both"), `${active} (VIRTUAL_ENV)`);
  assert.equal(find(onPath, withActive, "both"), `${onPath} (--python)`);
});

test("--python takes an interpreter, an environment beside the application, or a name on PATH", () => {
  const python = executable("env", "bin", "python");
  assert.equal(find(join(directory, "env")), `${python} (--python)`);
  assert.equal(find("env", {}, "."), `${python} (--python)`);
  const named = executable("path", "python3.99");
  assert.equal(find("python3.99", { PATH: join(directory, "path") }), `${named} (--python)`);
});

test("what is no interpreter is named, with what would be one", () => {
  mkdirSync(join(directory, "plain"), { recursive: true });
  assert.match(
    find(join(directory, "plain")),
    /is a directory, but no virtual environment: it has no bin\/python; name/,
  );
  assert.match(find("/no/such/python"), /there is no interpreter and no virtual environment \/no\/such\/python/);
  assert.match(find(undefined, { PATH: "" }), /no Python was found; install Python 3\.9/);
});
