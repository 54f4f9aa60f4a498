import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { startH2Site } from "./client.ts";

const remedy = "go install github.com/summerwind/h2spec/cmd/h2spec@latest, and put it on PATH";
const timeoutMs = 120_000;

/** Runs h2spec in strict mode. @returns its report as JUnit writes it, and what it printed */
async function h2spec(port: number, path: string, folder: string): Promise<{ report: string; printed: string }> {
  const file = join(folder, "h2spec.xml");
  const args = ["-h", "127.0.0.1", "-p", String(port), "-P", path, "-S", "-o", "5", "-j", file];
  const printed = await new Promise<string>((resolve) => {
    execFile(findProgram("h2spec") ?? "", args, { timeout: timeoutMs, maxBuffer: 4_000_000 }, (_error, stdout) =>
      resolve(stdout));
  });
  return { report: await readFile(file, "utf8"), printed };
}

test("h2spec passes whole in strict mode, in cleartext", { skip: requireProgram("h2spec", remedy) }, async () => {
  await using program = await startH2Site({
    server: 'location = /text { return 200 "hello"; } location /wsgi { app_pass wsgi; }',
  });
  await writeFile(join(program.folder, "www/large.bin"), Buffer.alloc(1_000_000, "abc"));
  // What is answered at once, what waits for a window, what waits for its body.
  for (const path of ["/text", "/large.bin", "/wsgi"]) {
    const { report, printed } = await h2spec(program.port, path, program.folder);
    const failed = printed.slice(printed.indexOf("Failures:"));
    assert.match(printed, /146 tests, 146 passed, 0 skipped, 0 failed/, `${path}\n${failed}`);
    assert.equal(report.match(/<(?:failure|error)\b/g), null, path);
  }
});
