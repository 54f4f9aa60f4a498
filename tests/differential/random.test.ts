// Random expressions, locations and ranges: what PCRE matches, our translation matches; where nginx finds a location,
// we find it. What is random is the same each time, so that only a change of ours fails; `DIFFERENTIAL_SEED=7` and
// other numbers look further.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { quote } from "../../src/config/nginx/print.ts";
import { translatePattern } from "../../src/route/index.ts";
import { findProgram } from "../../tools/needs.ts";
import { agree } from "./agree.ts";
import { requireNginx } from "./servers.ts";

const seed = Number(process.env["DIFFERENTIAL_SEED"] ?? 1);
const leaf = fc.constantFrom(
  "a", "b", "c", "A", "B", "1", "_", "-", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[abc]", "[^ab]", "[a-c1]",
  "[\\w-]", "[[:alpha:]]",
  "[[:^digit:]]", "\\.", "\\/", "\\x61", "\\h", "\\N", "[]a]", "[^]a]", "[a-]", "\\Qa.b\\E", "\\b", "\\B", "^", "$",
  "\\A", "\\z", "\\Z", "(?i)b",
  "(?-i)b", "(?#c)", "\\1", "\\R", "\\v", "[\\x00-\\x2f]", "(?s).", "(?m)^", "(?x: a b )",
);
const quantifier = fc.constantFrom("", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "*?", "+?", "??", "{1,}?");
const expression = fc.letrec<{ alternatives: string; sequence: string; item: string }>((tie) => ({
  alternatives: fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|")),
  sequence: fc.array(tie("item"), { minLength: 0, maxLength: 4 }).map((parts) => parts.join("")),
  item: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(leaf, quantifier).map(([text, times]) => (/^(?:[\^$]|\\[AzZbB1]|\(\?)/.test(text) ? text : text + times)),
    fc.tuple(fc.constantFrom("(", "(?:", "(?=", "(?!", "(?>", "(?i:"), tie("alternatives"),
    quantifier).map(([open, text, times]) =>
      `${open}${text})${/^\(\?[=!]/.test(open) ? "" : times}`),
  ),
})).alternatives;
const subject = fc.string({ unit: fc.constantFrom("a", "b", "c", "A", "B", "1", "_", "-", ".", "/", "ab", "b1"),
  maxLength: 7 });

/** What nginx takes of these locations, one a line. */
function takenByNginx(lines: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-random-"));
  try {
    const file = join(folder, "nginx.conf");
    let left = lines;
    for (;;) {
      writeFileSync(file, `pid ${folder}/pid; events { } http { server { listen 18078;\n${left.join("\n")}\n} }\n`);
      const args = ["-t", "-p", folder, "-e", `${folder}/log`, "-c", file];
      const { stderr } = spawnSync(findProgram("nginx") ?? "", args, { encoding: "utf8", timeout: 20_000 });
      const line = /\[emerg\].* in [^ ]*nginx\.conf:(\d+)/.exec(stderr)?.[1];
      if (line === undefined) return left;
      left = left.filter((_, index) => index !== Number(line) - 2);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("what is random", { skip: requireNginx() }, () => {
  test("expressions match alike, with the same captures", async () => {
    const patterns = fc.sample(expression, { numRuns: 300, seed }).filter((pattern) => pattern !== "");
    const known = patterns.flatMap((pattern) => {
      const translated = translatePattern(pattern, false);
      return translated.ok ? [{ pattern, isWarned: translated.value.warnings.length > 0 }] : [];
    });
    // What is captured in repetitions may differ (captures-of-repetitions), and the translation says where.
    const lines = takenByNginx(known.map(({ pattern, isWarned }, index) => {
      const captures = isWarned ? "" : ":$1:$2:$3";
      return `location = /${index} { if ($arg_s ~ ${quote(pattern)}) { return 200 "1${captures}"; } return 200 "0"; }`;
    }));
    assert.ok(lines.length > patterns.length / 3, `only ${lines.length} of ${patterns.length} were taken by both`);
    const names = lines.map((line) => /= \/(\d+)/.exec(line)?.[1] ?? "");
    const subjects = fc.sample(subject, { numRuns: 25, seed });
    await agree(
      { http: `server { listen 127.0.0.1:%PORT%; ${lines.join("\n")} }`, told: [] },
      names.flatMap((name) => subjects.map((text) => ({ target: `/${name}?s=${text}`, fields: [] }))),
      ({ target }) => `seed ${seed}: ${known[Number(/^\/(\d+)/.exec(target)?.[1])]?.pattern}`,
    );
  });

  test("locations are found alike", async () => {
    const segment = fc.constantFrom("a", "b", "ab", "abc", "a.b", "c", "");
    const path = fc.array(segment,
      { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`.replace(/\/+/g, "/"));
    const locations = fc.sample(fc.tuple(fc.constantFrom("", "", "", "= ", "^~ ", "~ ", "~* "), path),
      { numRuns: 60, seed });
    const kept = new Map(locations.map(([modifier, uri]) => {
      const isExpression = modifier.startsWith("~");
      return [isExpression ? `${modifier}${uri}` : `${modifier === "= " ? "=" : ""}${uri}`, { modifier, uri }];
    }));
    const text = [...kept.values()].map(({ modifier, uri }, index) => {
      const what = modifier.startsWith("~") ? quote(uri.slice(1) || "x") : uri;
      return `location ${modifier}${what} { return 200 "${index}"; }`;
    }).join("\n");
    const targets = fc.sample(fc.tuple(path, fc.constantFrom("", "/", "x", "/x", "?q", "//", "/./a", "/%61")),
      { numRuns: 600, seed });
    await agree(
      { http: `server { listen 127.0.0.1:%PORT%; ${text} }`, told: [] },
      targets.map(([uri, more]) => ({ target: `${uri}${more}`, fields: [] })),
      () => `seed ${seed}`,
    );
  });

  test("ranges are cut alike", async () => {
    const number = fc.oneof(fc.nat(14).map(String),
      fc.constantFrom("", "00", "007", "99999999999", "1 ", "+1", "a"));
    const range = fc.tuple(number, fc.constantFrom("-", "-", "-", "", "--"),
      number).map((parts) => parts.join(""));
    const value = fc.tuple(fc.constantFrom("bytes=", "bytes=", "bytes=", "bytes= ", "bytes =", "Bytes="),
      range).map((parts) => parts.join(""));
    await agree(
      {
        http: "server { listen 127.0.0.1:%PORT%; root %ROOT%; }", files: { "f.txt": "0123456789" },
        told: ["content-range"],
      },
      fc.sample(value, { numRuns: 600, seed }).map((text) => ({ target: "/f.txt", fields: [`Range: ${text}`] })),
      () => `seed ${seed}`,
    );
  });
});
