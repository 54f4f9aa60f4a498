// Faulty files (tests/conf/cases/errors): what is said about each stands beside it in a file that ends in .out. After a
// change of words: `UPDATE_GOLDENS=1 npm test -- tests/conf/errors`, and read the difference.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import type { Files } from "../../src/config/nginx/read-tree.ts";
import { err, ok } from "../../src/std/result.ts";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { casesPath } from "./corpus.ts";
import { testRows } from "./rows.ts";

const errorsPath = join(casesPath, "errors");
const names = readdirSync(errorsPath).filter((name) => name.endsWith(".conf"));

/** The cases as if they lay in /conf. */
const files: Files = {
  readText: (path) => {
    try {
      return ok(readFileSync(path.replace(/^\/conf/, errorsPath), "utf8"));
    } catch {
      // No other reason occurs among these files.
      return err("2: No such file or directory");
    }
  },
  glob: (pattern) =>
    globSync(pattern.replace(/^\/conf/, errorsPath)).map((path) => path.replace(errorsPath, "/conf")).sort(),
};

function outputFor(name: string): string {
  const input = { path: `/conf/${name}`, parameter: undefined, files };
  return formatLanguageDiagnostics(readConfiguration(input, testRows).mistakes);
}

describe("a faulty file", () => {
  test("there are many kinds", () => {
    assert.ok(names.length >= 80, `${names.length} files`);
  });

  for (const name of names) {
    test(`is explained: ${name.slice(0, -".conf".length).replaceAll("-", " ")}`, () => {
      const path = join(errorsPath, name.replace(/\.conf$/, ".out"));
      const output = outputFor(name);
      if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(path, output);
      assert.equal(output, readFileSync(path, "utf8"));
      assert.notEqual(output, "");
    });
  }
});

/** Where nginx says something else first, and why we do not. */
const differences: Readonly<Record<string, string>> = {
  "byte-order-mark.conf": "nginx takes the mark for a part of the name",
  "control-characters.conf": "nginx sends them to the terminal",
  "include-circle.conf": "nginx crashes",
  "include-itself.conf": "nginx crashes",
  "missing-brace-by-indentation.conf": "the block that is not closed comes before what stands wrongly in it",
  "nested-too-deep.conf": "nginx has no bound but its stack",
  "not-here-core.conf": "nginx has it",
  "not-here-removed.conf": "this nginx still has it",
  "not-utf-8.conf": "nginx does not look",
  "nul-byte.conf": "nginx cuts the word there",
};

describe("nginx's first line", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  for (const name of names) {
    const difference = differences[name];
    const title = name.slice(0, -".conf".length).replaceAll("-", " ");
    test(difference === undefined ? `is ours: ${title}` : `is not ours, because ${difference}: ${title}`, () => {
      const ours = firstLine(outputFor(name));
      const theirs = firstLine(nginxSays(name));
      if (difference === undefined) assert.equal(ours, theirs);
      else assert.notEqual(ours, theirs);
    });
  }
});

function nginxSays(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), "tricorn-conf-"));
  try {
    const args = ["-t", "-p", directory, "-e", join(directory, "error.log"), "-c", join(errorsPath, name)];
    const { stderr } = spawnSync(findProgram("nginx") ?? "nginx", args, { encoding: "utf8", timeout: 10_000 });
    return stderr.replaceAll(errorsPath, "/conf");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The alert about an error log that cannot be opened, and the warning about users, come before what is asked here. */
function firstLine(text: string): string {
  return text.split("\n").find((line) => line.startsWith("nginx: [emerg]")) ?? text;
}
