import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkCycles } from "./cycles.ts";
import { checkExports } from "./exports.ts";
import { report } from "./report.ts";
import { importsOf } from "./source.ts";
import { checkText } from "./text.ts";

/** @returns what tidy says about the lines of a file */
function check(path: string, text: string): readonly string[] {
  return checkText({ path, text }).map((finding) => `${finding.line}: ${finding.what}`);
}

describe("imports", () => {
  test("are found over several lines, as re-exports, for side effects and inside functions", () => {
    const text = [
      'import a from "node:net";',
      "import {",
      "  b,",
      '} from "./b.ts";',
      'export * from "../c/index.ts";',
      'import "./d.ts";',
      'const e = await import("./e.ts");',
      'const notAnImport = "from";',
    ].join("\n");
    assert.deepEqual(
      importsOf({ path: "src/x/a.ts", text }).map(({ line, specifier, target }) => [line, target ?? specifier]),
      [
        [1, "node:net"],
        [2, "src/x/b.ts"],
        [5, "src/c/index.ts"],
        [6, "src/x/d.ts"],
        [7, "src/x/e.ts"],
      ],
    );
  });
});

describe("cycles", () => {
  test("are shown with every file on the way", () => {
    const files = [
      { path: "src/a.ts", text: 'import "./b.ts";' },
      { path: "src/b.ts", text: 'import "./c.ts";' },
      { path: "src/c.ts", text: '\nimport type { B } from "./b.ts";' },
    ];
    assert.deepEqual(
      checkCycles(files).map(({ path, line, what }) => `${path}:${line}: ${what}`),
      ["src/c.ts:2: import cycle: src/b.ts -> src/c.ts -> src/b.ts"],
    );
  });

  test("two ways to one file are none", () => {
    const files = [
      { path: "src/a.ts", text: 'import "./b.ts";\nimport "./c.ts";' },
      { path: "src/b.ts", text: 'import "./c.ts";' },
      { path: "src/c.ts", text: "" },
    ];
    assert.deepEqual(checkCycles(files), []);
  });
});

describe("exports", () => {
  test("that nobody names are dead", () => {
    const files = [
      { path: "src/a.ts", text: "export const used = 1;\nexport function dead(): void {}\n" },
      { path: "src/b.ts", text: 'import { used } from "./a.ts";' },
    ];
    assert.deepEqual(
      checkExports(files).map(({ line, what }) => `${line}: ${what}`),
      ["2: nobody uses dead"],
    );
  });
});

describe("text", () => {
  test("has 120 columns at most, in code", () => {
    assert.deepEqual(check("src/a.ts", `${"a".repeat(120)}\n${"a".repeat(121)}\n`), ["2: 121 columns"]);
    assert.deepEqual(check("README.md", `# A\n${"a".repeat(200)}\n`), []);
  });

  test("has 500 lines at most, in code", () => {
    assert.deepEqual(check("src/a.ts", "a\n".repeat(500)), []);
    assert.deepEqual(check("src/a.ts", "a\n".repeat(501)), ["501: 501 lines"]);
  });

  test("is finished, ends with a newline, and has no blanks at a line's end", () => {
    assert.deepEqual(check("src/a.py", `# ${"TO"}DO later \nx`), [
      "1: blanks at the end of the line",
      "1: unfinished work",
      "2: no newline at the end of the file",
    ]);
  });

  test("names no path of a machine and nothing outside the repository", () => {
    assert.deepEqual(check("docs/a.md", `# A\nsee ${"/wo"}rk/main and ..${"/sha"}red/b\n`), [
      "2: a path of somebody's machine",
      "2: a path that leaves the repository",
    ]);
    assert.deepEqual(check("docs/a.md", "# A\nhttps://example.org/work/main\n"), []);
  });

  test("in Markdown has one title, not counting code", () => {
    assert.deepEqual(check("a.md", "# A\n```sh\n# comment\n```\n"), []);
    assert.deepEqual(check("a.md", "# A\n# B\n"), ["2: 2 titles"]);
    assert.deepEqual(check("a.md", "text\n"), ["1: 0 titles"]);
  });

  test("in test cases is not looked at", () => {
    assert.deepEqual(check("tests/h1/cases/a.md", "x \n"), []);
  });

  test("in a door names the room and re-exports", () => {
    assert.deepEqual(check("src/net/index.ts", '/** Where from? */\nexport {\n  a,\n} from "./a.ts";\n'), []);
    assert.deepEqual(check("src/net/index.ts", "const a = 1;\n"), [
      "1: a door without a name",
      "1: logic in a door",
    ]);
    const long = `// Net\n${'export { a } from "./a.ts";\n'.repeat(30)}`;
    assert.deepEqual(check("src/net/index.ts", long), ["31: 31 lines in a door"]);
  });

  test("in the lockfile names no registry", () => {
    assert.deepEqual(check("package-lock.json", '{\n  "resolved": "https://example.org/a.tgz"\n}\n'), [
      "2: the lockfile names a registry",
    ]);
    assert.deepEqual(check("package-lock.json", '{\n  "integrity": "sha512-x"\n}\n'), []);
  });
});

describe("the report", () => {
  test("counts the program, not its tests", () => {
    const files = [
      { path: "src/a.ts", text: "let a: any;\n".repeat(10) },
      { path: "src/a.test.ts", text: "x\n".repeat(5) },
      { path: "docs/adr/0001-a.md", text: "# A\n" },
    ];
    const text = report(files);
    assert.match(text, /files \/ lines of the program +1 \/ 10/);
    assert.match(text, /test lines \/ program lines +0\.50/);
    assert.match(text, /lines with any +10/);
    assert.match(text, /decisions recorded +1/);
  });
});
