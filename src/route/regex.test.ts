import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { must } from "../../tests/route/facts.ts";
import { NESTING_MAX, PATTERN_SIZE_MAX } from "./pcre-parser.ts";
import { REGEX_NODE_FLAGS, Regex, patternWarnings, translatePattern } from "./regex.ts";

function expression(source: string, caseless: boolean = false): string {
  return must(translatePattern(source, caseless)).expression;
}

/** Groups of the match, undefined without one. */
function match(source: string, subject: string, caseless: boolean = false): readonly string[] | undefined {
  return new Regex(must(translatePattern(source, caseless))).exec(subject);
}

function refusal(source: string): string {
  const result = translatePattern(source, false);
  return result.ok ? "accepted" : result.error;
}

describe("patterns of a configuration", () => {
  test("know properties, of bytes as characters", () => {
    assert.deepEqual(match("^(\\p{N}+)\\P{N}", "12a"), ["12"]);
    assert.deepEqual(match("^([\\p{Lu}\\d]+)\\pL$", "A1b"), ["A1"]);
    assert.equal(match("^\\p{^L}", "a"), undefined);
  });

  test("match and capture what nginx with PCRE2 does", () => {
    // nginx 1.22 with PCRE2 10.42 said so: by pattern, the subjects that match with their groups.
    const path = new URL("../../tests/cases/pcre/matches.json", import.meta.url);
    const cases = JSON.parse(readFileSync(path, "utf8")) as {
      readonly subjects: readonly string[];
      readonly patterns: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
    };
    for (const [source, matches] of Object.entries(cases.patterns)) {
      for (const [index, subject] of cases.subjects.entries()) {
        const groups = match(source, subject)?.slice(0, 4);
        assert.deepEqual(groups, matches[String(index)], `${source} on ${JSON.stringify(subject)}`);
      }
    }
  });

  test("stay what they are where JavaScript means the same", () => {
    assert.equal(expression("^/user/([0-9]+)"), "^\\/user\\/([0-9]+)");
    assert.equal(expression("\\.(?:gif|jpe?g)"), "\\.(?:gif|jpe?g)");
    assert.equal(expression("[^/]+?(?=x)(?<!y)"), "[^\\/]+?(?=x)(?<!y)");
  });

  test("are translated construct by construct", () => {
    const table: Readonly<Record<string, string>> = {
      "\\.php$": "\\.php\\n?$",
      "(a$)b": "(a(?=\\n?$))b",
      "a\\Z": "a\\n?$",
      "\\Aa\\z": "^a$",
      "(?P<name>a)(?P=name)": "(a)(?:\\1)",
      "(?<x>a)\\k<x>": "(a)(?:\\1)",
      "(?'x'a)\\k'x'": "(a)(?:\\1)",
      "(a)\\g{-1}": "(a)(?:\\1)",
      "(?i)(a)\\1": "([Aa])(?i:\\1)",
      "(?i)ab(?-i)c": "[Aa][Bb]c",
      "a(?i:b)c": "a[Bb]c",
      "(?s).": "[^]",
      ".": "[^\\n]",
      "(?x) a b # c": "ab",
      "(?U)a+": "a+?",
      "(?U)a+?": "a+",
      "\\h\\H": "[\\x09\\x20\\xa0][^\\x09\\x20\\xa0]",
      "\\s": "[\\x09-\\x0d\\x20]",
      "[[:alpha:][:^digit:]]": "[^0-9]",
      "\\x{2f}\\x2f\\057\\o{57}": "\\/\\/\\/\\/",
      "\\Qa.b\\E+": "a\\.b+",
      "(?>a+)b": "(?:(?=(a+))\\1)b",
      "a++(b)": "(?:(?=(a+))\\1)(b)",
      "a\\Kb(?#comment)": "ab",
      "[]a]": "[\\]a]",
      "a{,3}": "a\\{,3\\}",
      "a{2}b{2,}c{2,3}d{2,3}?": "a{2}b{2,}c{2,3}d{2,3}?",
    };
    for (const [source, expected] of Object.entries(table)) assert.equal(expression(source), expected, source);
  });

  test("fold ASCII letters only", () => {
    assert.deepEqual(match("^\\xc9[^x]k$", "\xc9YK", true), []);
    assert.equal(match("^\\xc9$", "\xe9", true), undefined);
    assert.equal(match("^[^x]$", "X", true), undefined);
  });

  test("are UTF-8 in the file and bytes for the request", () => {
    assert.deepEqual(match("^/(é)+$", "/\xc3\xa9\xc3\xa9"), ["\xc3\xa9"]);
    assert.deepEqual(match("^[é]$", "\xc3"), []);
  });

  test("number the groups of the source, whatever the translation adds", () => {
    assert.deepEqual(match("(?>x)(a)(?>y+)(b)", "xayyb"), ["a", "b"]);
    assert.deepEqual(must(translatePattern("x++(?<first>a)(b)(?<last>c)", false)).names, [["first", 1], ["last", 3]]);
  });

  test("give empty texts for groups that took no part", () => {
    assert.deepEqual(match("(a)|(b)", "b"), ["", "b"]);
  });

  test("are refused by the name of what has no equal", () => {
    assert.equal(refusal("(*UTF8)é"), "(*UTF8) is not supported: patterns match bytes, with PCRE's defaults");
    assert.equal(refusal("a(?R)"), "the recursion (?R) is not supported at 2");
    assert.equal(refusal("(a)(?(1)b|c)"), "the condition (?(1) is not supported at 4");
    assert.equal(refusal("(a)(?1)"), "a subroutine call (?1) is not supported at 4");
    assert.equal(refusal("(?|(a)|(b))"), "the branch reset (?|(a) is not supported at 1");
    assert.equal(refusal("x(*SKIP)"), "the verb (*SKIP) is not supported at 2");
    assert.equal(refusal("a\\p{Nope}"), "the property \\p{Nope} is not known at 2");
    assert.equal(refusal("(?J)a"), "the option setting (?J) is not supported at 1");
    assert.equal(refusal("\\x{100}"), "\\x{100} is larger than a byte at 1");
    assert.equal(refusal("(?<n>a)(?<n>b)"), "two named groups have the same name \"n\" at 8");
    assert.equal(
      refusal("(a)?\\1"), "the backreference to group 1, which may not have matched, is not supported",
    );
  });

  test("are refused where PCRE refuses them", () => {
    for (const source of ["(", ")", "[a", "a**", "a{2}{2}", "*a", "[b-a]", "a{3,2}", "a{65536}", "\\", "(?<1a>x)",
      "[[:foo:]]", "[:alpha:]", "(?#", "\\c", "^*", "(?z)a", "\\k<a>", "[\\i]"]) {
      assert.notEqual(refusal(source), "accepted", source);
    }
  });

  test("are translated or refused, and never thrown at", () => {
    const pieces = [
      ...Array.from(String.raw`aB1()[]{}?*+|^$\.-,:=!<>PQEkgx#i'&`),
      "\n", "é", "(?", "(?<", "[[:", ":]]", "\\x{", "{2,",
    ];
    const sources = fc.array(fc.constantFrom(...pieces), { maxLength: 16 }).map((parts) => parts.join(""));
    let accepted = 0;
    fc.assert(fc.property(sources, fc.boolean(), (source, caseless) => {
      const result = translatePattern(source, caseless);
      if (!result.ok) return;
      accepted++;
      new Regex(result.value).exec("aB1-\n\xc3\xa9");
    }), { numRuns: 5000 });
    assert.ok(accepted > 500);
  });

  test("have a longest and a deepest", () => {
    assert.equal(refusal("a".repeat(PATTERN_SIZE_MAX)), "accepted");
    assert.equal(refusal("a".repeat(PATTERN_SIZE_MAX + 1)), `it is longer than ${PATTERN_SIZE_MAX} bytes`);
    const nested = (depth: number): string => "(".repeat(depth) + "a" + ")".repeat(depth);
    assert.equal(refusal(nested(NESTING_MAX - 1)), "accepted");
    assert.match(refusal(nested(NESTING_MAX)), /^more than 250 nested parentheses/);
  });

  test("warn of groups whose text differs from PCRE's", () => {
    const warning = "a group in a repetition may have another text than with PCRE";
    assert.deepEqual(must(translatePattern("(?:(a)|b)*", false)).warnings, [warning]);
    assert.deepEqual(must(translatePattern("(a*)*", false)).warnings, [warning]);
    assert.deepEqual(must(translatePattern("(?:(a)b)*", false)).warnings, []);
    const warnings = patternWarnings(must(translatePattern("(a*)*", false)));
    assert.deepEqual(warnings, [`in the expression "(a*)*": ${warning}`]);
  });

  test("warn of what may take long and cannot go on in linear time", () => {
    const { linear, warnings } = must(translatePattern("^(?=.*a)(.*)*$", false));
    assert.equal(linear, false);
    assert.equal(warnings.at(-1), "it may take long on hostile input: a lookahead keeps it from the linear engine");
    assert.deepEqual(must(translatePattern("^/(?!api/)", false)).warnings, []);
  });

  test("know what V8's linear engine can run", () => {
    const sources = ["a", "(a)b", "\\bx\\B", "^a$", "(a|b)*c", "a*?", "a{2,16}", "a{17}", "(?:a{4}){4}", "(?:a{4}){5}",
      "a{16,}", "a{17,}", "(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", "(?<=(a))b", "(a)\\1", "(?>a)", "(?i)ab", "(?m)^a",
      "a$b", "(a$)", "\\R", "[[:alpha:]]\\s\\d\\w", "(?:a|b$)", "(?:a*){16}", "(?:a{0,3}){0,6}", "a{0,16}", "a{0,17}"];
    const patterns = sources.map((source) => must(translatePattern(source, false)));
    const program = `for (const source of ${JSON.stringify(patterns.map((pattern) => pattern.expression))}) {
      let linear = true; try { new RegExp(source, "l"); } catch { linear = false; } console.log(linear); }`;
    const flags = ["--enable-experimental-regexp-engine", "-e", program];
    const output = execFileSync(process.execPath, flags, { encoding: "utf8" });
    assert.deepEqual(
      output.trim().split("\n").map((linear, index) => `${sources[index]}: ${linear}`),
      patterns.map(({ source, linear }) => `${source}: ${linear}`),
    );
  });

  test("end on hostile input, under the flags of an edge", () => {
    const sources = ["^(a+)+$", "(?i)^(a|A|aa)+b", "^(\\w+\\s?)*$", "(.*)*,(.*)*x", "(?<=a)(a+)+[!]b"];
    const expressions = sources.map((source) => expression(source));
    const program = `for (const source of ${JSON.stringify(expressions)}) {
      const start = performance.now(); new RegExp(source).test("a".repeat(5000) + "!");
      console.log(performance.now() - start); }`;
    const flags = [...REGEX_NODE_FLAGS, "-e", program];
    const output = execFileSync(process.execPath, flags, { encoding: "utf8", timeout: 60_000 });
    for (const [index, ms] of output.trim().split("\n").entries()) {
      assert.ok(Number(ms) < 5000, `${sources[index]} took ${ms} ms`);
    }
  });
});
