// What every text file must keep to, whatever it says (style guide, rules 5, 19 and 20).
import type { Finding, SourceFile } from "./source.ts";

const columnsMax = 120;
const linesMax = 500;
const indexLinesMax = 30;

const codePattern = /\.(?:ts|py|sh)$|^bin\/|^\.ci\//;
/** Test cases are data, and so is what Django generates. */
const dataPattern = /(?:^|\/)(?:cases|fixtures|corpus|migrations)\//;

// Written in two parts, so that this file does not find itself.
const unfinished = new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);
const machinePaths = ["/wo" + "rk/", "/ro" + "ot/", "/tmp/(?:la" + "b|pla" + "n|nod" + "es)"];
const machinePath = new RegExp(`(?<![\\w.])(?:${machinePaths.join("|")})`);
const foreignPath = new RegExp("\\.\\./sha" + "red/");

/** Checks one file's lines. */
export function checkText(file: SourceFile): readonly Finding[] {
  if (dataPattern.test(file.path)) return [];
  if (file.path === "package-lock.json") return checkLockfile(file);
  const findings: Finding[] = [];
  const lines = file.text.split("\n");
  const isCode = codePattern.test(file.path);
  for (const [index, line] of lines.entries()) {
    const found = (what: string, hint: string): void => {
      findings.push({ path: file.path, line: index + 1, what, hint });
    };
    if (isCode && line.length > columnsMax) found(`${line.length} columns`, `at most ${columnsMax}; break the line.`);
    if (/[ \t]$/.test(line)) found("blanks at the end of the line", "remove them.");
    if (unfinished.test(line)) found("unfinished work", "finish it, or write it into the issue tracker.");
    if (machinePath.test(line)) found("a path of somebody's machine", "use a path relative to the checkout.");
    if (foreignPath.test(line)) found("a path that leaves the repository", "say what is meant, or bring it in.");
  }
  const length = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  const end = (what: string, hint: string): void => void findings.push({ path: file.path, line: length, what, hint });
  if (isCode && length > linesMax) end(`${length} lines`, `at most ${linesMax}; split by idea, not by line count.`);
  if (file.text !== "" && !file.text.endsWith("\n")) end("no newline at the end of the file", "add it.");
  if (file.path.endsWith(".md")) findings.push(...checkTitle(file));
  if (/^src\/.*\/index\.ts$/.test(file.path)) findings.push(...checkDoor(file, length));
  return findings;
}

function checkLockfile(file: SourceFile): readonly Finding[] {
  const at = file.text.split("\n").findIndex((line) => /^\s*"resolved":/.test(line));
  if (at === -1) return [];
  const hint = "delete package-lock.json and run npm install here; .npmrc keeps such lines out.";
  return [{ path: file.path, line: at + 1, what: "the lockfile names a registry", hint }];
}

function checkTitle(file: SourceFile): readonly Finding[] {
  const prose = file.text.replace(/^(```|~~~)[^]*?^\1/gm, (block) => block.replace(/[^\n]/g, " "));
  const titles = prose.split("\n").flatMap((line, index) => (line.startsWith("# ") ? [index + 1] : []));
  if (titles.length === 1) return [];
  const hint = "exactly one line begins with `# `; chapters begin with `## `.";
  return [{ path: file.path, line: titles[1] ?? 1, what: `${titles.length} titles`, hint }];
}

/** An index.ts says which question its room answers, and re-exports; nothing else. */
function checkDoor(file: SourceFile, length: number): readonly Finding[] {
  const findings: Finding[] = [];
  const found = (line: number, what: string, hint: string): void => {
    findings.push({ path: file.path, line, what, hint });
  };
  if (!/^\/[/*]/.test(file.text)) {
    found(1, "a door without a name", "begin with a sentence: what does this room answer?");
  }
  if (length > indexLinesMax) {
    found(length, `${length} lines in a door`, `at most ${indexLinesMax}; a room with more to show is two rooms.`);
  }
  const comments = /\/\*[^]*?\*\/|\/\/.*/g;
  const reexports = /^export (?:type )?\{[^}]*\} from "[^"]+";$/gm;
  const rest = file.text.replace(comments, "").replace(reexports, "").trim();
  if (rest !== "") found(1, "logic in a door", `move it into a file of its own: ${rest.split("\n")[0] ?? ""}`);
  return findings;
}
