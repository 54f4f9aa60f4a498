// `npm run tidy`: the parts of the style guide that a machine can check and no linter does. `--report` prints figures.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkArrows } from "./tidy/arrows.ts";
import { checkCycles } from "./tidy/cycles.ts";
import { checkExports } from "./tidy/exports.ts";
import { report } from "./tidy/report.ts";
import type { SourceFile } from "./tidy/source.ts";
import { checkText } from "./tidy/text.ts";

const root = dirname(import.meta.dirname);
const files = readFiles();

if (process.argv.includes("--report")) {
  process.stdout.write(`${report(files)}\n`);
} else {
  const findings = [
    ...checkArrows(files, runtimePackages()),
    ...checkCycles(files),
    ...checkExports(files),
    ...files.flatMap(checkText),
  ];
  for (const { path, line, what, hint } of findings) {
    process.stdout.write(`${path}:${line}: ${what}\n  hint: ${hint}\n`);
  }
  process.stdout.write(`tidy: ${files.length} files, ${findings.length} findings\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}

/** What git knows or would add: text only, no test data. */
function readFiles(): readonly SourceFile[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const paths = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
  const files: SourceFile[] = [];
  for (const path of paths.sort()) {
    if (path === "" || path === "LICENSE" || path.startsWith("tests/cases/") || !existsSync(join(root, path))) continue;
    const bytes = readFileSync(join(root, path));
    // A NUL byte is what git, too, takes for "not text".
    if (!bytes.includes(0)) files.push({ path, text: bytes.toString() });
  }
  return files;
}

function runtimePackages(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly dependencies?: object };
  return Object.keys(manifest.dependencies ?? {});
}
