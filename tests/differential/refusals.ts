// What nginx refuses, and in which words: its first line, which tools parse, is our first line; what it takes, we take.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { buildConfiguration, siteDirectives } from "../../src/site/index.ts";
import { ok } from "../../src/std/result.ts";
import { readTlsFiles } from "../../src/tls/index.ts";
import { findProgram } from "../../tools/needs.ts";
import { differenceOf, type Differences } from "./group.ts";
import { requireNginx } from "./servers.ts";

/** Texts that stand alone in a block of one kind, which `around` makes a whole file of. */
export interface RefusedTexts {
  readonly around: (text: string) => string;
  readonly texts: readonly string[];
}

/**
 * Declares a test for each text.
 * @param blocks by the name of the kind, with which the titles begin: "http: gzip x;"
 * @param differs titles by the chapter of docs/differences.md
 */
export function refusals(
  title: string, blocks: Readonly<Record<string, RefusedTexts>>, differs: Differences,
): void {
  describe(title, { skip: requireNginx() }, () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "tricorn-refusals-"));
      mkdirSync(join(folder, "logs"));
    });
    after(() => rmSync(folder, { recursive: true }));

    function nginxSays(path: string): string {
      const args = ["-t", "-p", `${folder}/`, "-e", join(folder, "error.log"), "-c", path, "-g", `pid ${folder}/pid;`];
      const { stderr } = spawnSync(findProgram("nginx") ?? "", args, { encoding: "utf8", timeout: 20_000 });
      return firstOf(stderr);
    }

    function weSay(path: string, text: string): string {
      const input = { path, parameter: `pid ${folder}/pid;`, files: { readText: read, glob: () => [] } };
      function read(wanted: string): ReturnType<typeof ok<string>> | { ok: false; error: string } {
        return wanted === path ? ok(text) : { ok: false, error: "2: No such file or directory" };
      }
      const checked = readConfiguration(input, siteDirectives);
      const facts = {
        prefix: folder, directory: folder, errorLog: "-", cpuCount: 2, fileCountMax: 1024,
        isRoot: process.getuid?.() === 0, useColors: undefined,
        tlsFiles: readTlsFiles,
        kindOf: (found: string) => (existsSync(found) ? "directory" as const : undefined),
      };
      const built = buildConfiguration(checked, facts);
      return firstOf(formatLanguageDiagnostics([...checked.mistakes, ...built.mistakes]));
    }

    const titles = Object.entries(blocks).flatMap(([context, { texts }]) => texts.map((text) => `${context}: ${text}`));
    const named = differenceOf(titles, differs);
    for (const [context, { texts, around }] of Object.entries(blocks)) {
      for (const text of texts) {
        const name = named(`${context}: ${text}`);
        test(`${context}: ${text}${name === undefined ? "" : ` differs: ${name}`}`, () => {
          const path = join(folder, "nginx.conf");
          const whole = around(text);
          writeFileSync(path, whole);
          const [theirs, ours] = [nginxSays(path), weSay(path, whole)];
          if (name === undefined) assert.equal(ours, theirs);
          else assert.notEqual(ours, theirs, `"${name}" of docs/differences.md is no difference any more`);
        });
      }
    }
  });
}

/** The first error, or "" for a file that is taken. Sockets are not asked for here. */
function firstOf(text: string): string {
  return text.split("\n").find((line) => line.startsWith("nginx: [emerg]") && !line.includes("bind()")) ?? "";
}
