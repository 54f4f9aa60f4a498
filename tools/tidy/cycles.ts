// Import cycles between files, types included: what cannot be read in one direction cannot be taken apart.
import { type Finding, importsOf, type SourceFile } from "./source.ts";

/** @returns one finding for every cycle that a walk through all imports closes */
export function checkCycles(files: readonly SourceFile[]): readonly Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const walk = (file: SourceFile, trail: readonly string[]): void => {
    if (done.has(file.path)) return;
    const way = [...trail, file.path];
    for (const { target, line } of importsOf(file)) {
      const next = target === undefined ? undefined : byPath.get(target);
      if (next === undefined) continue;
      const start = way.indexOf(next.path);
      if (start === -1) {
        walk(next, way);
        continue;
      }
      const what = `import cycle: ${[...way.slice(start), next.path].join(" -> ")}`;
      const hint = "move what both need into a third file below them.";
      findings.push({ path: file.path, line, what, hint });
    }
    done.add(file.path);
  };
  for (const file of files) walk(file, []);
  return findings;
}
