// The figures by which the style guide compares this project with its models.
import { checkCycles } from "./cycles.ts";
import { isTest, type SourceFile } from "./source.ts";

const longLines = 300;

/** @returns the table of `npm run tidy -- --report`, and the files beyond 300 lines */
export function report(files: readonly SourceFile[]): string {
  const code = files.filter(({ path }) => /\.(?:ts|py)$/.test(path));
  const program = code.filter(({ path }) => !isTest(path) || path.startsWith("python/tricorn/"));
  const tests = code.filter(({ path }) => /^(?:python\/)?tests\/|\.test\.ts$/.test(path));
  const sizes = program.map(lineCount).sort((a, b) => a - b);
  const programLines = sum(sizes);
  const rows: readonly (readonly [string, string, string])[] = [
    ["files / lines of the program", `${program.length} / ${programLines}`, ""],
    ["file median, p90, max", [0.5, 0.9, 1].map((part) => quantile(sizes, part)).join(", "), "p90 <= 300, max <= 500"],
    ["test lines / program lines", (sum(tests.map(lineCount)) / Math.max(programLines, 1)).toFixed(2), ""],
    ["import cycles", String(checkCycles(files).length), "0"],
    ["lines with any", String(sum(program.map(countAny))), "0"],
    ["decisions recorded", String(files.filter(({ path }) => /^docs\/adr\/\d/.test(path)).length), ""],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return cells.join("  ").trimEnd();
  });
  const long = program.filter((file) => lineCount(file) > longLines).map((file) => `${lineCount(file)} ${file.path}`);
  if (long.length > 0) table.push("", `beyond ${longLines} lines:`, ...long.sort().reverse());
  return table.join("\n");
}

function lineCount({ text }: SourceFile): number {
  return text.split("\n").length - 1;
}

function countAny({ path, text }: SourceFile): number {
  if (!path.endsWith(".ts")) return 0;
  const code = text.replace(/\/\*[^]*?\*\/|\/\/.*|"[^"\n]*"|`[^`]*`/g, "");
  return code.split("\n").filter((line) => /(?::|<|\bas|,|\|) ?any\b/.test(line)).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** @param sorted ascending; @param part from 0 to 1 */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
