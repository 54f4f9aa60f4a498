// Exports that nobody names: dead code that the compiler cannot see.
import { type Finding, lineAt, type SourceFile } from "./source.ts";

const exportPattern = /^export (?:declare )?(?:async )?(?:const|function\*?|class|interface|type|let) (\w+)/gm;

/** @returns a finding for every export whose name stands nowhere else in the repository's TypeScript */
export function checkExports(files: readonly SourceFile[]): readonly Finding[] {
  const sources = files.filter(({ path }) => path.endsWith(".ts"));
  const counts = new Map<string, number>();
  for (const { text } of sources) {
    for (const [word] of text.matchAll(/\w+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const findings: Finding[] = [];
  for (const { path, text } of sources) {
    for (const match of text.matchAll(exportPattern)) {
      const name = match[1] ?? "";
      if ((counts.get(name) ?? 0) > 1) continue;
      const hint = "delete it, or the `export` if the file itself needs it.";
      findings.push({ path, line: lineAt(text, match.index), what: `nobody uses ${name}`, hint });
    }
  }
  return findings;
}
