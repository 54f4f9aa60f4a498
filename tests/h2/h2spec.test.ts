import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "node:test";
import { type GoProgram, goProgramPath, requireGoProgram } from "../../tools/go-program.ts";
import { testBothWays } from "./both-ways.ts";

const h2spec: GoProgram = {
  module: "github.com/summerwind/h2spec/cmd/h2spec", version: "v2.2.1+incompatible", what: "h2spec",
};
const timeoutMs = 120_000;

/** What is answered at once, what waits for a window, what waits for its body. */
const paths = ["/text", "/large.bin", "/wsgi"];

/** Runs h2spec in strict mode. @returns its report as JUnit writes it, and what it printed */
async function run(
  port: number, path: string, folder: string, isTls: boolean,
): Promise<{ readonly report: string; readonly printed: string }> {
  const file = join(folder, "h2spec.xml");
  const how = isTls ? ["-t", "-k"] : [];
  const args = ["-h", "127.0.0.1", "-p", String(port), "-P", path, "-S", "-o", "5", "-j", file, ...how];
  const printed = await new Promise<string>((resolve) => {
    execFile(goProgramPath(h2spec), args, { timeout: timeoutMs, maxBuffer: 4_000_000 }, (_error, stdout) =>
      resolve(stdout));
  });
  return { report: await readFile(file, "utf8"), printed };
}

const server = `location = /text { return 200 "hello"; } location /wsgi { app_pass wsgi; }`;

describe("h2spec passes whole in strict mode,", { skip: await requireGoProgram(h2spec) }, () => {
  testBothWays(server, async (program, isTls) => {
    await writeFile(join(program.folder, "www/large.bin"), Buffer.alloc(1_000_000, "abc"));
    for (const path of paths) {
      const { report, printed } = await run(program.port, path, program.folder, isTls);
      const failed = printed.slice(printed.indexOf("Failures:"));
      assert.match(printed, /146 tests, 146 passed, 0 skipped, 0 failed/, `${path}\n${failed}`);
      assert.equal(report.match(/<(?:failure|error)\b/g), null, path);
    }
  });
});
